"""Tiny models of what an output in on-off mode may do: one class, a switch per open question of section 8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from lucid2mqtt.control.deadman_trial import Sample, Trial, Write


class Second(Enum):
    """What a 1 does during a run."""

    EXTENDS = auto()
    EXTENDS_AND_DELAYS = auto()  # the output stays on, the hold begins after another on-delay
    BEGINS_ANEW = auto()
    IGNORED = auto()


@dataclass(kw_only=True)
class OnOffModel:
    """An armed output. `on_at` is what the output does, `read_at` what GetIo says."""

    delay_s: float
    hold_s: float
    second: Second
    needs_zero_after_end: bool = False
    can_cancel: bool = True
    reads_written: bool = False
    drops: bool = True
    cancel_latency_s: float = 0.0
    _written: bool = False
    _needs_zero: bool = False
    _spans: list[tuple[float, float]] = field(default_factory=list)

    def write(self, is_one: bool, at: float) -> None:
        self._written = is_one
        if is_one:
            self._one(at)
        else:
            self._needs_zero = False
            if self.can_cancel or not self.drops:
                self._end(at + self.cancel_latency_s)

    def on_at(self, at: float) -> bool:
        return any(begin <= at < end for begin, end in self._spans)

    def read_at(self, at: float) -> bool:
        return self._written if self.reads_written else self.on_at(at)

    def _one(self, at: float) -> None:
        hold_s = self.hold_s if self.drops else 1e9
        run = (at + self.delay_s, at + self.delay_s + hold_s)
        if not self._spans or at >= self._spans[-1][1]:
            if not (self._needs_zero and self.needs_zero_after_end):
                self._spans.append(run)
        elif self.second is Second.BEGINS_ANEW:
            self._end(at)
            self._spans.append(run)
        elif self.second is not Second.IGNORED:
            again_s = 0.0 if self.second is Second.EXTENDS else self.delay_s
            self._spans[-1] = (self._spans[-1][0], at + again_s + hold_s)
        self._needs_zero = True

    def _end(self, at: float) -> None:
        if self._spans:
            begin, end = self._spans[-1]
            self._spans[-1] = (begin, max(begin, min(end, at)))


def witnessed(
    trial: Trial,
    write: Callable[[bool, float], None],
    look: Callable[[float], bool],
    *,
    sample_every_s: float | None = None,
    late_s: float = 0.0,
    jitter_s: Sequence[float] = (0.0,),
) -> tuple[list[Sample], list[Write]]:
    """Carries out a trial: `write` and `look` get ascending times."""
    step_s = sample_every_s or trial.sample_every_s
    pending = [Write(plan.at_s + late_s, plan.is_one) for plan in trial.writes]
    done: list[Write] = []
    samples: list[Sample] = []
    tick = 0
    while pending:
        at_s = tick * step_s + jitter_s[tick % len(jitter_s)]
        while pending and pending[0].at_s <= at_s:
            done.append(pending.pop(0))
            write(done[-1].is_one, done[-1].at_s)
        samples.append(Sample(at_s, look(at_s)))
        tick += 1
    return samples, done
