"""What counts as progress: every module in service puts readings on the board, good or bad, and every thermostat makes its steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lucid2mqtt.domain.channel import Module
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.observe.notify import Heartbeats

PATIENCE_S = 15.0
"""Longer than any quarantine of a line, shorter than the watchdog of the service unit."""
PATIENCE_BEATS = 5
STEP_PATIENCE_S = 60.0
"""Longer than a thermostat's longest period and the writes of one step."""


class PollProgress:
    """Listens to board and house and beats for every module that is read."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats

    def readings_came(self, readings: Sequence[Reading]) -> None:
        if readings:
            self._heartbeats.beat(_name(readings[0].channel.module))

    def module_online(self, module: Module) -> None:
        quickest_s = min((channel.poll_s for channel in module.channels), default=None)
        if quickest_s is not None:
            self._heartbeats.expect(_name(module.name), PATIENCE_S + PATIENCE_BEATS * quickest_s)

    def module_offline(self, module: Module, reason: str) -> None:
        del reason
        self._heartbeats.forget(_name(module.name))


class StepProgress:
    """Beats for every step of a thermostat."""

    def __init__(self, heartbeats: Heartbeats, thermostats: Iterable[str]) -> None:
        self._heartbeats = heartbeats
        for name in thermostats:
            heartbeats.expect(f"thermostat:{name}", STEP_PATIENCE_S)

    def stepped(self, name: str) -> None:
        self._heartbeats.beat(f"thermostat:{name}")


def _name(module: str) -> str:
    return f"poll:{module}"
