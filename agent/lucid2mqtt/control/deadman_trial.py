"""The experiment that finds out what a module's on-off mode does: five runs, each with its writes (`deadman_judge` reads the outcome).

The engine arms a channel with `settings`, makes the `writes` at their times, and has the output watched all along: by its
read-back, by an input wired to it, or by a person. Heaters are to be disconnected: the contact moves. The on-delay is
long on purpose: a run that begins anew then shows as a gap wide enough to be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from lucid2mqtt.control.deadman import RESTART_PAUSE_S
from lucid2mqtt.control.deadman_arming import Setting, recipe


class Witness(StrEnum):
    """Who sees what the output does."""

    READ_BACK = "the read-back of the output"
    WIRED_INPUT = "an input wired to the output"
    PERSON = "a person watching the output"


@dataclass(frozen=True, slots=True)
class Sample:
    """The output as seen at `at_s`, in seconds since the trial began; `is_on` None: not seen."""

    at_s: float
    is_on: bool | None


@dataclass(frozen=True, slots=True)
class Write:
    """A 1 or a 0 to be written, or that was written, `at_s` seconds after the trial began."""

    at_s: float
    is_one: bool


class Run(StrEnum):
    """What is tried, in this order."""

    SINGLE = "a 1, left alone"
    BARE = "another 1 after that run, without a 0 in between"
    TWICE = "a 1, and a second 1 amidst its run"
    CANCELLED = "a 1, and a 0 amidst its run"
    RESTARTED = "a 1, and 0 and 1 amidst its run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The script. All times are shares of the hold time (0.04..3600 s); 31 s in all with the default."""

    hold_s: float = 2.0

    @property
    def delay_s(self) -> float:
        return self.hold_s / 4

    @property
    def amidst_s(self) -> float:
        """From the 1 that begins a run to the middle of its hold."""
        return self.delay_s + self.hold_s / 2

    @property
    def watch_s(self) -> float:
        """How long the output is watched after the last write of a run: a delay, a hold, and a hold of nothing."""
        return self.delay_s + 2 * self.hold_s

    @property
    def tolerance_s(self) -> float:
        """How far an edge may lie from where it is expected."""
        return self.hold_s / 10

    @property
    def sample_every_s(self) -> float:
        return self.hold_s / 40

    @property
    def settings(self) -> tuple[Setting, ...]:
        """How to arm the channel for the trial; afterwards it is armed as the drive needs it, or set back."""
        return recipe(self.hold_s, on_delays_us=(round(self.delay_s * 1_000_000),))

    def windows(self) -> dict[Run, tuple[float, float]]:
        """When each run is watched: from its first 1 to its end."""
        windows = {}
        at_s = 0.0
        for run, writes in self._writes_by_run().items():
            at_s += 0.0 if run is Run.BARE else self._rest_s
            ends_at_s = at_s + writes[-1].at_s + self.watch_s
            windows[run] = (at_s, ends_at_s)
            at_s = ends_at_s
        return windows

    @property
    def ends_at_s(self) -> float:
        return self.windows()[Run.RESTARTED][1]

    @property
    def writes(self) -> tuple[Write, ...]:
        """What to write and when. Every run but the bare one has a 0 before it; a last 0 ends the trial."""
        plan: list[Write] = []
        for run, (begins_at_s, _) in self.windows().items():
            if run is not Run.BARE:
                plan.append(Write(begins_at_s - self._rest_s, is_one=False))
            plan.extend(Write(begins_at_s + write.at_s, write.is_one) for write in self._writes_by_run()[run])
        return (*plan, Write(self.ends_at_s, is_one=False))

    def _writes_by_run(self) -> dict[Run, tuple[Write, ...]]:
        begin = Write(0.0, is_one=True)
        zero = Write(self.amidst_s, is_one=False)
        return {
            Run.SINGLE: (begin,),
            Run.BARE: (begin,),
            Run.TWICE: (begin, Write(self.amidst_s, is_one=True)),
            Run.CANCELLED: (begin, zero),
            Run.RESTARTED: (begin, zero, Write(self.amidst_s + RESTART_PAUSE_S, is_one=True)),
        }

    @property
    def _rest_s(self) -> float:
        return self.hold_s / 2

    def execution_objection(self, samples: Sequence[Sample], written: Sequence[Write]) -> str | None:
        """Why nothing can be concluded from how the trial was carried out; None when it was done well."""
        if [write.is_one for write in written] != [write.is_one for write in self.writes]:
            return "not all writes were made"
        late_s = max(abs(done.at_s - plan.at_s) for done, plan in zip(written, self.writes, strict=True))
        if late_s > self.tolerance_s / 2:
            return f"a write was {late_s:.2f} s beside its time, this host or its line is too busy"
        seen = [0.0, *(sample.at_s for sample in samples if sample.is_on is not None and sample.at_s < self.ends_at_s), self.ends_at_s]
        blind_s = max(later - earlier for earlier, later in pairwise(seen))
        return f"the output was not seen for {blind_s:.2f} s" if blind_s > self.tolerance_s else None


BY_EYE = Trial(hold_s=10.0)
"""Slow enough for a person who presses a key when the output goes on or off; takes 155 s."""
