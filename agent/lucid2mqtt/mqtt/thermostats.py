"""The thermostats on MQTT: their states out, commands for them in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lucid2mqtt.climate.view import ClimateView
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.mqtt.announcer import Announcer
from lucid2mqtt.mqtt.discovery import Origin
from lucid2mqtt.mqtt.messages import Outgoing, Retain
from lucid2mqtt.mqtt.payloads import OFFLINE, ONLINE
from lucid2mqtt.mqtt.thermostat_payloads import (
    STATE_EXPIRES_S,
    Setting,
    ThermostatCommand,
    Tune,
    parse_thermostat_command,
    thermostat_state,
)
from lucid2mqtt.mqtt.topics import ReadThermostat, SetThermostat, Topics, thermostat_ref

if TYPE_CHECKING:  # a start without thermostats loads nothing of them
    from lucid2mqtt.climate.state import ClimateState

HEARTBEAT_S = STATE_EXPIRES_S / 3
"""An unchanged state is repeated this often."""


class Thermostats:
    """Publishes what `views` say: each change as it comes, everything when asked. `publish` says nothing without a connection."""

    def __init__(
        self, views: Sequence[ClimateView], topics: Topics, origin: Origin, *, announcer: Announcer, publish: Callable[[Outgoing], object]
    ) -> None:
        self._views = {view.options.name: view for view in views}
        self._topics = topics
        self._origin = origin
        self._announcer = announcer
        self._publish = publish
        self._told_at: dict[str, float] = {}

    async def run(self) -> None:
        """Follows the thermostats until cancelled."""
        loop = asyncio.get_running_loop()
        self._told_at = dict.fromkeys(self._views, loop.time())
        leave = [view.subscribe(self._tell_state) for view in self._views.values()]
        try:
            while self._views:
                name = min(self._told_at, key=self._told_at.__getitem__)
                await asyncio.sleep(self._told_at[name] + HEARTBEAT_S - loop.time())
                if loop.time() - self._told_at[name] >= HEARTBEAT_S:
                    self.tell(name)
        finally:
            for unsubscribe in leave:
                unsubscribe()

    def tell_all(self, tasks: asyncio.TaskGroup) -> None:
        """Announces and tells everything, and takes back what is no more, for somebody who knows nothing."""
        for name, view in self._views.items():
            from lucid2mqtt.mqtt.thermostat_discovery import thermostat_device  # noqa: PLC0415  see TYPE_CHECKING above

            self._announcer.announce_thermostat(name, thermostat_device(view.options, self._topics, self._origin), tasks)
            self._tell_state(view.state())
            self._tell_status(name, ONLINE)
        self._announcer.retire_thermostats(but=self._views.keys(), tasks=tasks)

    def tell(self, name: str) -> None:
        """The state of a thermostat as it is now; nothing for one there is not."""
        view = self._views.get(name)
        if view is not None:
            self._tell_state(view.state())

    def farewell(self) -> None:
        """They control no more."""
        for name in self._views:
            self._tell_status(name, OFFLINE)

    def ask(self, incoming: SetThermostat | ReadThermostat, payload: bytes) -> str | None:
        """Carries out what came for a thermostat, and returns what is in force then. RequestRejected when nothing was changed."""
        view = self._views.get(incoming.name)
        if view is None:
            known = ", ".join(self._views) or "none"
            raise RequestRejected(
                Reason.UNKNOWN_THERMOSTAT, f"there is no thermostat {incoming.name[:40]!r}", f"known thermostats: {known}"
            )
        if isinstance(incoming, ReadThermostat):
            return None
        return _carry_out(parse_thermostat_command(incoming.name, incoming.what, payload), view)

    def _tell_state(self, state: ClimateState) -> None:
        self._told_at[state.name] = asyncio.get_running_loop().time()
        payload = thermostat_state(state, self._views[state.name].options)
        # what is old by then stands behind a status that says offline, as with outputs: kept on brokers without expiry too
        self._publish(
            Outgoing(topic=self._topics.state(thermostat_ref(state.name)), payload=payload, retain=Retain.ALWAYS, expires_s=STATE_EXPIRES_S)
        )

    def _tell_status(self, name: str, status: str) -> None:
        self._publish(Outgoing(topic=self._topics.channel_status(thermostat_ref(name)), payload=status, retain=Retain.ALWAYS))


def _carry_out(command: ThermostatCommand, view: ClimateView) -> str | None:
    match command:
        case ThermostatCommand(Setting.MODE, str(word)):
            view.set_mode(word)
            return view.state().mode
        case ThermostatCommand(Setting.TARGET, float(target_c)):
            view.set_target(target_c)
            return f"{target_c:g}"
        case ThermostatCommand(Setting.PRESET, str(word), for_s):
            view.set_preset(word, for_s)
            return view.state().preset
        case ThermostatCommand(Setting.DUTY, float(duty)):
            view.set_duty(duty)
            return f"{100 * duty:g}"
        case ThermostatCommand(Setting.AUTOTUNE, Tune.START):
            view.start_autotune()
        case ThermostatCommand(Setting.AUTOTUNE, Tune.ABORT):
            view.abort_autotune()
        case ThermostatCommand(Setting.AUTOTUNE, Tune.UNDO):
            view.undo_autotune()
        case ThermostatCommand(Setting.RESET):
            view.reset_alarms()
    return None
