"""The gains in force and where they came from; the ones before are kept, so that an autotune can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.control.tuning import CAUTIOUS_ROOM, Gains, PlantModel, Rule
from lucid2mqtt.errors import Reason, RequestRejected


class Origin(StrEnum):
    ASSUMED = "assumed"  # a cautious room
    SETTINGS = "settings"
    AUTOTUNE = "autotune"


@dataclass(frozen=True, slots=True)
class Tuned:
    gains: Gains
    model: PlantModel
    origin: Origin

    @classmethod
    def assumed(cls, rule: Rule) -> Tuned:
        return cls(CAUTIOUS_ROOM.gains(rule), CAUTIOUS_ROOM, Origin.ASSUMED)

    @property
    def is_measured(self) -> bool:
        return self.origin is Origin.AUTOTUNE

    def saved(self) -> Document:
        gains = {"kp": self.gains.kp, "ki": self.gains.ki, "kd": self.gains.kd}
        return {"gains": gains, "model": self.model.saved(), "origin": self.origin.value}

    @classmethod
    def from_saved(cls, document: Mapping[str, object]) -> Tuned:
        """ValueError for anything `saved` cannot have given."""
        saved = Saved(document)
        numbers = Saved(saved.document("gains"))
        gains = Gains(numbers.number("kp"), numbers.number("ki"), numbers.number("kd"))
        return cls(gains, PlantModel.from_saved(saved.document("model")), Origin(saved.text("origin")))


class TuningShelf:
    """The tuning in force and the one before."""

    def __init__(self, settled: Tuned) -> None:
        """`settled` is what settings or assumption give; an autotune replaces it."""
        self._settled = settled
        self._current = settled
        self._previous: Tuned | None = None

    @property
    def current(self) -> Tuned:
        return self._current

    @property
    def previous(self) -> Tuned | None:
        return self._previous

    def adopt(self, tuned: Tuned) -> None:
        self._previous, self._current = self._current, tuned

    def undo(self) -> None:
        """The tuning before comes back, and the one undone can come back likewise. RequestRejected when there was none."""
        if self._previous is None:
            raise RequestRejected(Reason.NOT_UNDERSTOOD, "there is no earlier tuning to go back to", "run an autotune first")
        self._previous, self._current = self._current, self._previous

    def saved(self) -> Document:
        return {
            "current": self._current.saved() if self._current != self._settled else None,
            "previous": self._previous.saved() if self._previous is not None else None,
        }

    def restore(self, document: Mapping[str, object]) -> None:
        """ValueError, and nothing is changed, when the document is not one of ours. Without a kept tuning the settled one stays."""
        saved = Saved(document)
        kept = [None if part is None else Tuned.from_saved(part) for part in map(saved.optional_document, ("current", "previous"))]
        self._current, self._previous = kept[0] or self._settled, kept[1]
