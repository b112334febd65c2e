"""Which direction is at work: heating or cooling, never one right after the other by itself."""

from __future__ import annotations

import math

from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.regulator import Direction
from lucid2mqtt.control.side import Side


class Changeover:
    """Holds the sides that exist and the one at work."""

    def __init__(self, options: ThermostatOptions) -> None:
        self._dead_zone_k = options.dead_zone_k
        self._pause_s = options.changeover_s
        self.heating = Side(Direction.HEATING, options.heating, options) if options.heating else None
        self.cooling = Side(Direction.COOLING, options.cooling, options) if options.cooling else None
        self.sides = tuple(side for side in (self.heating, self.cooling) if side is not None)
        self.active = self.sides[0]
        self._worked_at = -math.inf

    def note_work(self, now: float) -> None:
        """The active side gives heat or cold at `now`."""
        self._worked_at = now

    def put_to_work(self, side: Side) -> None:
        """By command: at once."""
        if side is not self.active:
            self.active.regulator.leave()
            self.active = side

    def side_for(self, mode: Mode) -> Side | None:
        """The side for this mode, without a temperature to judge by: in `auto` the one at work; None where there is none."""
        if mode is Mode.AUTO:
            return self.active
        return self.cooling if mode is Mode.COOL else self.heating

    def choose(self, now: float, mode: Mode, target_c: float, measured_c: float) -> Side | None:
        """The side for this mode; None where there is none for it. In `auto` it changes only after a pause without work."""
        if mode is not Mode.AUTO:
            side = self.side_for(mode)
            if side is not None:
                self.put_to_work(side)
            return side
        has_rested = now - self._worked_at >= self._pause_s
        if has_rested and measured_c < target_c - 0.5 * self._dead_zone_k and self.heating is not None:
            self.put_to_work(self.heating)
        elif has_rested and measured_c > target_c + 0.5 * self._dead_zone_k and self.cooling is not None:
            self.put_to_work(self.cooling)
        return self.active

    def aim_c(self, mode: Mode, target_c: float) -> float:
        """The target of the side at work: in `auto` each stays on its own side of the dead zone."""
        if mode is not Mode.AUTO or len(self.sides) < 2:
            return target_c
        return target_c - 0.5 * self.active.direction.value * self._dead_zone_k
