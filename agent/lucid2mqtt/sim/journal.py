"""What a virtual module noted itself. Tests and scenarios are judged by this, not by what a client believes."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum

KEPT = 10_000


class Kind(StrEnum):
    """What a note is about."""

    REQUEST = "request"
    REPLY = "reply"
    OUTPUT = "output"
    POWER = "power"
    FAULT = "fault"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the journal. `at` is in the seconds of whoever drives the module.

    `data` holds the bytes of a request, reply or discarded input; `channel` and `state` the physical state of an output.
    """

    at: float
    kind: Kind
    data: bytes = b""
    channel: int | None = None
    state: bool | float | None = None
    text: str = ""

    def document(self) -> dict[str, object]:
        """The note as JSON takes it, without the empty fields."""
        fields: dict[str, object] = {"at": self.at, "kind": self.kind.value}
        if self.data:
            fields["data"] = self.data.hex()
        if self.channel is not None:
            fields["channel"] = self.channel
        if self.state is not None:
            fields["state"] = self.state
        if self.text:
            fields["text"] = self.text
        return fields


class Journal:
    """The last 10 000 notes on traffic and, apart, the last 10 000 on everything else; `count` counts all of them."""

    def __init__(self) -> None:
        self.count: Counter[Kind] = Counter()
        self._traffic: deque[tuple[int, Note]] = deque(maxlen=KEPT)
        self._events: deque[tuple[int, Note]] = deque(maxlen=KEPT)
        self._order = 0

    def note(self, note: Note) -> None:
        self.count[note.kind] += 1
        self._order += 1
        (self._traffic if note.kind in (Kind.REQUEST, Kind.REPLY) else self._events).append((self._order, note))

    @property
    def requests(self) -> list[bytes]:
        """Whole requests in order of arrival."""
        return [note.data for _, note in self._traffic if note.kind is Kind.REQUEST]

    @property
    def replies(self) -> list[bytes]:
        """What was really sent, faults included."""
        return [note.data for _, note in self._traffic if note.kind is Kind.REPLY]

    def outputs(self, channel: int) -> list[tuple[float, bool | float]]:
        """When the physical state of an output changed, and to what."""
        return [
            (note.at, note.state)
            for _, note in self._events
            if note.kind is Kind.OUTPUT and note.channel == channel and note.state is not None
        ]

    def notes(self, *kinds: Kind, since: float = float("-inf")) -> list[Note]:
        """Notes of the kinds (all when none is given) from `since` on, by time; at one time in the order they were noted."""
        noted = sorted((*self._traffic, *self._events), key=lambda entry: (entry[1].at, entry[0]))
        return [note for _, note in noted if note.at >= since and (not kinds or note.kind in kinds)]
