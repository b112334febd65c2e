"""What a thermostat complains of: a name for programs, a sentence for people, and for some a latch that only a command opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.errors import Reason, RequestRejected


class AlarmName(StrEnum):
    SENSOR_FAULT = "sensor_fault"  # one of several, or for a moment: control goes on
    SENSOR_LOST = "sensor_lost"  # no temperature at all: the heater runs open loop or is off
    SENSOR_STUCK = "sensor_stuck"
    SENSORS_DISAGREE = "sensors_disagree"
    LIMITER = "limiter"
    LIMITER_WITHHOLDS = "limiter_withholds"  # no heat for now, without a trip
    LOOP_BREAK = "loop_break"
    RISE_AT_ZERO_DUTY = "rise_at_zero_duty"
    ACTUATOR_LOST = "actuator_lost"
    ACTUATOR_MISMATCH = "actuator_mismatch"
    ON_TOO_LONG = "on_too_long"
    AUTOTUNE_FAILED = "autotune_failed"


@dataclass(frozen=True, slots=True)
class Alarm:
    """`latched`: stays, cause or not, until it is reset. `blocks`: the heater is off while it stands."""

    name: AlarmName
    reason: str
    latched: bool = False
    blocks: bool = False
    active: bool = True  # the cause is there now; False only while latched


class AlarmBoard:
    """The alarms that stand. Causes are told anew in every step; what is not told has gone."""

    def __init__(self) -> None:
        self._standing: dict[AlarmName, Alarm] = {}
        self._told: dict[AlarmName, Alarm] = {}

    @property
    def standing(self) -> tuple[Alarm, ...]:
        return tuple(self._standing.values())

    @property
    def blocks(self) -> bool:
        return any(alarm.blocks for alarm in self._standing.values())

    @property
    def block(self) -> str:
        """Why no output may be on, a sentence; empty when nothing blocks."""
        return "; ".join(alarm.reason for alarm in self._standing.values() if alarm.blocks)

    @property
    def can_reset(self) -> bool:
        """There is a latch whose cause has gone."""
        return any(not alarm.active for alarm in self._standing.values())

    def __contains__(self, name: AlarmName) -> bool:
        return name in self._standing

    def tell(self, name: AlarmName, reason: str, *, latches: bool = False, blocks: bool = False) -> None:
        """The cause is there now; an empty `reason` says that it is not, and the first reason of a step counts."""
        if reason and name not in self._told:
            self._told[name] = Alarm(name, reason, latches, blocks)

    def settle(self) -> tuple[Alarm, ...]:
        """Ends a step: what was told stands, what was not is gone unless it latched. A latched alarm keeps its first reason."""
        kept = {name: replace(alarm, active=False) for name, alarm in self._standing.items() if alarm.latched}
        for name, alarm in self._told.items():
            kept[name] = replace(kept[name], active=True) if name in kept else alarm
        self._standing, self._told = kept, {}
        return self.standing

    def reset(self) -> tuple[Alarm, ...]:
        """Opens every latch whose cause has gone, and gives what still stands; RequestRejected when nothing could be opened."""
        stuck = {name: alarm for name, alarm in self._standing.items() if alarm.active}
        if not self.can_reset:
            if not stuck:
                raise RequestRejected(Reason.BUSY, "there is no alarm to reset", "nothing has to be done")
            why = "; ".join(alarm.reason for alarm in stuck.values())
            raise RequestRejected(Reason.BUSY, f"nothing was reset: {why}", "remove the cause first")
        self._standing = stuck
        return self.standing

    def forget(self, name: AlarmName) -> None:
        """Opens this latch; its owner has already done so for itself."""
        self._standing.pop(name, None)

    def saved(self) -> Document:
        """The latched ones, for `restore`."""
        return {name.value: {"reason": alarm.reason, "blocks": alarm.blocks} for name, alarm in self._standing.items() if alarm.latched}

    def restore(self, document: Mapping[str, object]) -> None:
        """ValueError, and nothing is changed, when the document is not one of ours."""
        saved, latched = Saved(document), dict[AlarmName, Alarm]()
        for field in document:
            name, entry = AlarmName(field), Saved(saved.document(field))
            latched[name] = Alarm(name, entry.text("reason"), latched=True, blocks=entry.flag("blocks"), active=False)
        self._standing = latched
