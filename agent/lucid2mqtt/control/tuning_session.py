"""An autotune as part of a thermostat: for one direction, mirrored for cooling, kept over a restart."""

from __future__ import annotations

from collections.abc import Mapping

from lucid2mqtt.control.autotune import Autotune, AutotuneOptions, Phase
from lucid2mqtt.control.exchange import TuningProgress
from lucid2mqtt.control.regulator import Direction
from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.control.tuning import PlantModel


class TuningSession:
    """Wraps `Autotune` so that temperatures come as they are."""

    def __init__(self, direction: Direction, autotune: Autotune) -> None:
        self.direction = direction
        self._autotune = autotune

    @classmethod
    def begin(cls, direction: Direction, options: AutotuneOptions, *, target_c: float, holding_guess: float | None) -> TuningSession:
        guess = {} if holding_guess is None else {"holding_guess": holding_guess}
        return cls(direction, Autotune(options, target_c=direction.value * target_c, **guess))

    @property
    def is_over(self) -> bool:
        return self._autotune.is_over

    @property
    def model(self) -> PlantModel | None:
        return self._autotune.model

    @property
    def fault(self) -> str:
        return self._autotune.fault

    @property
    def target_c(self) -> float:
        return self.direction.value * self._autotune.target_c

    @property
    def dead_time_s(self) -> float | None:
        """As far as known yet."""
        return self._autotune.dead_time_s

    @property
    def progress(self) -> TuningProgress:
        autotune = self._autotune
        return TuningProgress(phase=autotune.phase, target_c=self.target_c, remaining_s=autotune.remaining_s(), reason=autotune.fault)

    def step(self, now: float, *, measured_c: float, outdoor_c: float | None) -> float:
        sign = self.direction.value
        return self._autotune.step(now, sign * measured_c, outdoor_c=None if outdoor_c is None else sign * outdoor_c)

    def aborted(self, why: str) -> TuningProgress:
        """What to show of a session that ends here."""
        return TuningProgress(phase=Phase.FAILED, target_c=self.target_c, remaining_s=0.0, reason=why)

    def saved(self) -> Document:
        return {"direction": self.direction.name, "autotune": self._autotune.saved()}

    @classmethod
    def from_saved(cls, document: Mapping[str, object], options: AutotuneOptions) -> TuningSession:
        """ValueError for anything `saved` cannot have given."""
        saved = Saved(document)
        name = saved.text("direction")
        if name not in Direction.__members__:
            raise ValueError(f"saved direction {name!r} is not one of ours")
        return cls(Direction[name], Autotune.from_saved(saved.document("autotune"), options))
