"""A thermostat as everybody else sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lucid2mqtt.control.alarms import Alarm
from lucid2mqtt.control.deadman import DriveKind
from lucid2mqtt.control.exchange import Activity, Mode, TuningProgress
from lucid2mqtt.control.failure import LossStage
from lucid2mqtt.control.presets import Preset
from lucid2mqtt.control.tuned import Origin
from lucid2mqtt.control.window import WindowState

TELL_EVERY_S = 30.0
"""How often listeners hear of what changes all the time: temperature, duty, the words that contain them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimateState:
    """Temperatures in °C, None: not known, or none. `target_c` is what was asked for, `setpoint_c` what is controlled to now."""

    name: str
    mode: Mode
    action: Activity
    target_c: float | None
    setpoint_c: float | None
    current_c: float | None
    duty: float  # -1..1 as the law wants it, negative cools
    manual_duty: float  # what holds in mode manual
    preset: Preset
    window: WindowState
    stage: LossStage
    alarms: tuple[Alarm, ...]
    notices: tuple[str, ...]  # sentences for the owner that are no alarm: worn relay, forgotten window, clock not set
    reason: str  # one sentence: why it does what it does
    autotune: TuningProgress | None
    tuning: Origin  # where the gains in force come from
    closures_today: int  # of all relays together; a day is 24 hours of running time
    closures_total: int
    closures_per_day: float | None = None  # mean of the last 30 days; None before the first is over
    drive: DriveKind = DriveKind.PLAIN  # the worst of its outputs': whether heat ends by itself when this program dies
    days_left: float | None = None  # until the first relay is worn; None while that cannot be told

    def differs_from(self, other: ClimateState) -> bool:
        """More than the figures that drift all the time."""
        return _steady(self) != _steady(other)


def _steady(state: ClimateState) -> ClimateState:
    progress = replace(state.autotune, remaining_s=None, target_c=0.0) if state.autotune is not None else None
    alarms = tuple(replace(alarm, reason="") for alarm in state.alarms)  # a reason may count the seconds
    return replace(state, current_c=None, setpoint_c=None, duty=0.0, reason="", alarms=alarms, autotune=progress)


ClimateListener = Callable[[ClimateState], None]


class ClimateNews:
    """Tells listeners of a change at once, and of what only drifts every 30 s."""

    def __init__(self) -> None:
        self._listeners: tuple[ClimateListener, ...] = ()
        self._told: ClimateState | None = None
        self._told_at = 0.0

    def subscribe(self, listener: ClimateListener) -> Callable[[], None]:
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(known for known in self._listeners if known is not listener)

        return unsubscribe

    def tell(self, state: ClimateState, now: float, *, is_awaited: bool = False) -> None:
        """`is_awaited`: somebody gave a command and wants to see what came of it."""
        told = self._told
        if is_awaited or told is None or state.differs_from(told) or (state != told and now - self._told_at >= TELL_EVERY_S):
            self._told, self._told_at = state, now
            for listener in self._listeners:
                listener(state)
