"""All sensors of one thermostat together: who is believed, what they say, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lucid2mqtt.control.alarms import AlarmBoard, AlarmName
from lucid2mqtt.control.failure import StuckWatch
from lucid2mqtt.control.sensing import Disagreement, InputFilter, Sample, SensingOptions, SensorWatch, fuse
from lucid2mqtt.control.tuning import PATIENT_PLANT, PlantModel

_SLOWEST_LIMIT_K_PER_S = 5.0 / 60.0
_UNKNOWN_PLANT_K_PER_S = 1.0
_PLANT_RATE_MARGIN = 4.0
_STUCK = "sensor {} has not moved although the heater should have moved it"


@dataclass(frozen=True, slots=True)
class Perception:
    """`raw_c` before and `filtered_c` after the filter; both None when no sensor is believed. `is_stuck`: because one lies."""

    raw_c: float | None
    filtered_c: float | None
    is_stuck: bool = False
    fault: str = ""  # what is wrong with sensors, a sentence


class Senses:
    def __init__(self, options: SensingOptions, count: int, *, sample_s: float) -> None:
        self._options = options
        self._sample_s = sample_s
        self._watches = [SensorWatch(options) for _ in range(count)]
        self._stuck = [StuckWatch() for _ in range(count)]
        self._disagreement = Disagreement(options)
        self._filter = InputFilter()

    def step(
        self, now: float, samples: Sequence[Sample], *, expected_k: float, model: PlantModel, is_measured: bool, alarms: AlarmBoard
    ) -> Perception:
        """What is perceived at `now`; tells `alarms` what is wrong. A missing sample counts as no reading.

        `expected_k`: what the heat given so far should have moved the reading by, since the beginning.
        """
        supervised = model if is_measured else PATIENT_PLANT
        rate = self._rate_limit(model, is_measured=is_measured)
        padded = [*samples, *[Sample(None)] * (len(self._watches) - len(samples))]
        believed = [watch.judge(now, sample, rate_k_per_s=rate) for watch, sample in zip(self._watches, padded, strict=False)]
        stuck = [
            value is not None and lies.step(now, watch.unchanged_since, expected_k=expected_k, model=supervised)
            for value, watch, lies in zip(believed, self._watches, self._stuck, strict=True)
        ]
        values = [None if lies else value for value, lies in zip(believed, stuck, strict=True)]
        why_differ, outliers = self._disagreement.judge(now, values)
        fused = fuse(self._options.fusion, [None if i in outliers else value for i, value in enumerate(values)] if outliers else values)
        faults = "; ".join(f"sensor {i + 1}: {watch.fault}" for i, watch in enumerate(self._watches) if watch.fault)
        still = "; ".join(_STUCK.format(i + 1) for i, lies in enumerate(stuck) if lies)
        alarms.tell(AlarmName.SENSORS_DISAGREE, why_differ)
        alarms.tell(AlarmName.SENSOR_STUCK, still)
        if fused is None:
            self._filter.forget()
            return Perception(None, None, any(stuck), faults or still)
        raw, source = fused
        tau_s = max(3.0 * self._sample_s, model.dead_time_s / 4.0)
        filtered = self._filter.step(now, raw, source, tau_s=tau_s, dead_time_s=model.dead_time_s)
        return Perception(raw, filtered, fault=faults)

    def _rate_limit(self, model: PlantModel, *, is_measured: bool) -> float:
        settled = self._options.rate_k_per_min
        if settled is not None:
            return settled / 60.0
        return max(_SLOWEST_LIMIT_K_PER_S, _PLANT_RATE_MARGIN * model.rate_k_per_s) if is_measured else _UNKNOWN_PLANT_K_PER_S
