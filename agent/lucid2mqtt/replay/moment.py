"""One moment of a replay, as it is shown, written down and drawn."""

from __future__ import annotations

from dataclasses import dataclass

from lucid2mqtt.control.alarms import Alarm
from lucid2mqtt.control.autotune import Phase
from lucid2mqtt.control.exchange import Mode, TuningProgress
from lucid2mqtt.control.failure import LossStage
from lucid2mqtt.control.window import WindowState


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Temperatures in °C; None: not known, or none. `delivered` is the part of full power that flows, negative when it cools."""

    at_s: float
    reading_c: float | None  # the first sensor
    true_c: float | None  # of the simulated body; None in a recorded room
    target_c: float | None  # what was asked for
    outdoor_c: float | None
    mode: Mode
    setpoint_c: float | None  # what is controlled to, on its ramp
    duty: float  # as the law wants it, -1..1
    delivered: float
    closed: int  # relays closed now
    stage: LossStage
    window: WindowState
    alarms: tuple[Alarm, ...]
    reason: str
    autotune: TuningProgress | None

    @property
    def remark(self) -> str:
        """What is out of the ordinary, in a few words; empty when nothing is."""
        words = [] if self.stage is LossStage.NONE else [f"sensor {self.stage}"]
        if self.autotune is not None and self.autotune.phase not in (Phase.DONE, Phase.FAILED):
            words.append(f"autotune {self.autotune.phase}")
        if self.window is not WindowState.CLOSED:
            words.append(f"window {self.window}")
        return ", ".join([*words, *(alarm.name for alarm in self.alarms)])


def document_of(moment: Moment) -> dict[str, object]:
    """For programs: temperatures to the hundredth, duty to a thousandth."""
    return {
        "at_s": round(moment.at_s, 3),
        "temperature_c": _rounded(moment.reading_c),
        "true_c": _rounded(moment.true_c),
        "target_c": _rounded(moment.target_c),
        "setpoint_c": _rounded(moment.setpoint_c),
        "outdoor_c": _rounded(moment.outdoor_c),
        "mode": moment.mode.value,
        "duty": round(moment.duty, 3),
        "delivered": round(moment.delivered, 3),
        "relays_closed": moment.closed,
        "stage": moment.stage.value,
        "window": moment.window.value,
        "alarms": [alarm.name.value for alarm in moment.alarms],
        "autotune": moment.autotune.phase.value if moment.autotune is not None else None,
        "reason": moment.reason,
    }


def _rounded(celsius: float | None) -> float | None:
    return None if celsius is None else round(celsius, 2)
