"""What the weather asks for: duty from the difference between target and outdoors, while the outdoor reading is fresh."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lucid2mqtt.control.sensing import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedForwardOptions:
    """`loss_duty_per_k` None: as the autotune learned it."""

    loss_duty_per_k: float | None = None
    longest_age_s: float = 3 * 3600.0
    minimum_c: float = -60.0
    maximum_c: float = 60.0


def fresh_outdoor_c(options: FeedForwardOptions, sample: Sample | None) -> float | None:
    """The outdoor temperature if it can be used."""
    if sample is None or sample.value is None or not math.isfinite(sample.value):
        return None
    if not 0.0 <= sample.age_s <= options.longest_age_s or not options.minimum_c <= sample.value <= options.maximum_c:
        return None
    return sample.value


def feed_forward(loss_duty_per_k: float, target_c: float, outdoor_c: float) -> float:
    """Duty 0..1; for cooling both temperatures are negated."""
    return min(max(loss_duty_per_k * (target_c - outdoor_c), 0.0), 1.0)
