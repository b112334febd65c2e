"""A measured value with unit, quality and time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lucid2mqtt.domain.names import ChannelRef

Value = bool | int | float


class Quality(StrEnum):
    """How far a reading can be trusted. Only GOOD readings carry a value."""

    GOOD = "good"
    OPEN_SENSOR = "open sensor"
    OVER_RANGE = "over range"
    UNDER_RANGE = "under range"
    STALE = "stale"
    LINK_LOST = "link lost"
    REFUSED = "refused by module"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a channel said. `value` is None exactly when `quality` is not GOOD; `reason` is then a sentence for the owner."""

    channel: ChannelRef
    value: Value | None
    unit: str
    quality: Quality
    taken_at: datetime  # aware, UTC
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) is (self.quality is Quality.GOOD):
            raise ValueError(f"{self.channel}: a {self.quality} reading with value {self.value!r}")
