"""A thermostat to stand in for the real one: it obeys, refuses what it is told to refuse, and tells what the test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.climate.state import ClimateListener, ClimateState
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Activity, Mode
from lucid2mqtt.control.failure import LossStage
from lucid2mqtt.control.limiter import LimiterOptions
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.presets import Preset
from lucid2mqtt.control.tuned import Origin
from lucid2mqtt.control.window import WindowOptions, WindowState
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.errors import RequestRejected

SIMPLE = ClimateOptions(name="living", sensors=(ChannelRef("rtd", "room"),), heating=(ChannelRef("heaters", "living"),))
FULL = ClimateOptions(
    name="vessel",
    label="Vessel (süd)",
    sensors=(ChannelRef("rtd", "room"), ChannelRef("rtd", "wall")),
    heating=(ChannelRef("heaters", "vessel"),),
    cooling=(ChannelRef("heaters", "chiller"),),
    limiter=ChannelRef("rtd", "flow"),
    window=WindowOptions(),
    control=ThermostatOptions(cooling=DriveOptions(), limiter=LimiterOptions(limit_c=60.0)),
)


def state(name: str = "living", **changes: Any) -> ClimateState:  # Any: fields of ClimateState
    fields: dict[str, Any] = {
        "name": name,
        "mode": Mode.HEAT,
        "action": Activity.HEATING,
        "target_c": 21.0,
        "setpoint_c": 20.5,
        "current_c": 19.876,
        "duty": 0.4236,
        "manual_duty": 0.0,
        "preset": Preset.NONE,
        "window": WindowState.CLOSED,
        "stage": LossStage.NONE,
        "alarms": (),
        "notices": (),
        "reason": "heats to 21 °C",
        "autotune": None,
        "tuning": Origin.ASSUMED,
        "closures_today": 3,
        "closures_total": 1234,
    }
    return ClimateState(**(fields | changes))


class FakeClimate:
    """A ClimateView."""

    def __init__(self, options: ClimateOptions = SIMPLE) -> None:
        self.options = options
        self.asked: list[tuple[object, ...]] = []
        self.refusal: RequestRejected | None = None
        self._state = state(options.name)
        self._listeners: list[ClimateListener] = []

    def state(self) -> ClimateState:
        return self._state

    def subscribe(self, listener: ClimateListener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def becomes(self, **changes: Any) -> None:  # Any: fields of ClimateState
        self._state = replace(self._state, **changes)
        for listener in list(self._listeners):
            listener(self._state)

    def set_mode(self, name: str) -> None:
        self._obey("mode", name)
        self._state = replace(self._state, mode=Mode(name.lower()))

    def set_target(self, target_c: float) -> None:
        self._obey("target", target_c)
        self._state = replace(self._state, target_c=target_c)

    def set_preset(self, name: str, for_s: float | None = None) -> None:
        self._obey("preset", name, for_s)
        self._state = replace(self._state, preset=Preset(name.lower()))

    def set_duty(self, duty: float) -> None:
        self._obey("duty", duty)

    def start_autotune(self) -> None:
        self._obey("start")

    def abort_autotune(self) -> None:
        self._obey("abort")

    def undo_autotune(self) -> None:
        self._obey("undo")

    def reset_alarms(self) -> None:
        self._obey("reset")

    def _obey(self, *command: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(command)
