"""The closures of a thermostat's relays, counted on what the modules say, whoever switched them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.control.wear import RelayCounter, RelayWear
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Reading


class RelayBook:
    """One account per relay. Times are loop times."""

    def __init__(self, relays: Iterable[ChannelRef], now: float, *, rated: int) -> None:
        self._rated = rated
        self._wear = {relay: RelayWear() for relay in relays}
        self._counters = {relay: RelayCounter(wear, now) for relay, wear in self._wear.items()}

    def note(self, reading: Reading, now: float) -> None:
        counter = self._counters.get(reading.channel)
        if counter is not None:
            is_closed = reading.value if isinstance(reading.value, bool) else None
            self._wear[reading.channel] = counter.note(now, is_closed=is_closed)

    def pass_time(self, now: float) -> None:
        """Lets days end although nothing is read."""
        for relay, counter in self._counters.items():
            self._wear[relay] = counter.note(now, is_closed=None)

    @property
    def today(self) -> int:
        return sum(wear.today for wear in self._wear.values())

    @property
    def total(self) -> int:
        return sum(wear.total for wear in self._wear.values())

    @property
    def per_day(self) -> float | None:
        """Of all relays together; None while no day is over."""
        means = [wear.per_day for wear in self._wear.values()]
        known = [mean for mean in means if mean is not None]
        return sum(known) if known else None

    @property
    def days_left(self) -> float | None:
        """Until the first of the relays is worn, at its present rate; None while that cannot be told."""
        left = [wear.days_left(self._rated) for wear in self._wear.values()]
        return min((days for days in left if days is not None), default=None)

    @property
    def warnings(self) -> tuple[str, ...]:
        said = ((relay, wear.warning(self._rated)) for relay, wear in self._wear.items())
        return tuple(f"{relay}: {warning}" for relay, warning in said if warning)

    def saved(self) -> Document:
        return {str(relay): wear.saved() for relay, wear in self._wear.items()}

    def restore(self, document: Mapping[str, object], now: float) -> None:
        """Relays that are not named begin at 0; ValueError for what `saved` cannot have given."""
        parts = {relay: Saved(document).optional_document(str(relay)) for relay in self._wear}
        self._wear = {relay: RelayWear() if part is None else RelayWear.from_saved(part) for relay, part in parts.items()}
        self._counters = {relay: RelayCounter(wear, now) for relay, wear in self._wear.items()}
