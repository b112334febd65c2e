"""The judge of a trial: compares what was seen of each run with what each thinkable behaviour would show.

A read-back may show what was written last instead of what the output does (protocol page 8). Then nothing can be seen by
it, and the verdict says so: somebody, or an input wired to the output, has to look.
"""

from __future__ import annotations

from collections.abc import Sequence

from lucid2mqtt.control.deadman import RESTART_PAUSE_S, Semantics, Verdict
from lucid2mqtt.control.deadman_trial import Run, Sample, Trial, Witness, Write

Spans = tuple[tuple[float, float], ...]
"""From when to when the output was on, in seconds after the run's first 1."""

_FOUND = {
    Semantics.EXTENDS: "a second 1 prolongs the run without a gap",
    Semantics.RETRIGGERS_WITH_GAP: "a second 1 begins the run anew, with the output off for the on-delay",
    Semantics.NEEDS_ZERO_FIRST: "a second 1 does nothing, 0 and then 1 begin a new run",
    Semantics.IGNORED: "neither a second 1 nor 0 and then 1 prolong a run",
    Semantics.NEVER_DROPS: "the output does not go off by itself",
}
_LIMITS = {
    Witness.READ_BACK: "seen in the read-back, which follows the timed state; nobody watched the contact itself",
    Witness.WIRED_INPUT: "seen at the contact, by the input wired to it",
    Witness.PERSON: "seen at the contact, by a person",
}
_CANNOT_BE_SEEN = (
    "cannot be seen by read-back: it shows what was written, or the output does not go off by itself; "
    "needs the eyes of a person, or an input wired to the output"
)

_SPANS_TOLD = 4


def judge(trial: Trial, samples: Sequence[Sample], written: Sequence[Write], witness: Witness) -> Verdict:
    """The verdict on what was seen. `samples` ascend in time; `written` are the writes as they were really made."""
    objection = trial.execution_objection(samples, written)
    if objection is not None:
        return _inconclusive(f"the trial says nothing: {objection}")
    return _Judge(trial, samples, witness).verdict()


def _inconclusive(sentence: str) -> Verdict:
    return Verdict(semantics=Semantics.INCONCLUSIVE, sentence=sentence)


class _Judge:
    def __init__(self, trial: Trial, samples: Sequence[Sample], witness: Witness) -> None:
        self._trial = trial
        self._witness = witness
        self._lag_s = trial.delay_s  # from a 1 to the output
        self._seen = {run: _spans(samples, *window) for run, window in trial.windows().items()}

    def verdict(self) -> Verdict:
        hold_s, delay_s, watch_s = self._trial.hold_s, self._trial.delay_s, self._trial.watch_s
        single = self._which(
            Run.SINGLE,
            {
                "timed": [((delay_s, delay_s + hold_s),)],
                "without delay": [((0.0, hold_s),)],
                "never drops": [((delay_s, watch_s),)],
                "as written": [((0.0, watch_s),)],
                "never on": [()],
            },
        )
        match single:
            case "timed":
                return self._of_runs()
            case "without delay":
                self._lag_s = 0.0
                return self._of_runs()
            case "as written" if self._witness is Witness.READ_BACK:
                return _inconclusive(_CANNOT_BE_SEEN)
            case "as written" | "never drops":
                return self._conclude(Semantics.NEVER_DROPS, cancels=None, triggers_after_end=None)
            case "never on":
                return _inconclusive("the output never went on: look at its mode, its supply and the wiring")
            case _:
                return self._undescribed(Run.SINGLE)

    def _of_runs(self) -> Verdict:
        run = self._run(0.0)
        amidst_s = self._trial.amidst_s
        bare = self._which(Run.BARE, {"triggers": [run], "nothing": [()]})
        cancelled = self._which(Run.CANCELLED, {"cancels": [_cut(run, amidst_s)], "runs on": [run]})
        semantics = self._semantics(run)
        if semantics is None:
            return self._undescribed(Run.TWICE, Run.RESTARTED)
        return self._conclude(
            semantics,
            cancels=None if cancelled is None else cancelled == "cancels",
            triggers_after_end=None if bare is None else bare == "triggers",
        )

    def _semantics(self, run: Spans) -> Semantics | None:
        again_s = self._trial.amidst_s
        twice = self._which(
            Run.TWICE,
            {
                "ignored": [run],
                "gap": [_cut(run, again_s) + self._run(again_s)],
                "extends": [_joined(run, again_s + self._trial.hold_s), _joined(run, self._run(again_s)[0][1])],
            },
        )
        if twice == "ignored":
            return self._after_zero(run)
        if twice == "extends" and not self._lag_s:
            return Semantics.RETRIGGERS_WITH_GAP  # no on-delay was seen, so a gap of one would not have been either
        return {"extends": Semantics.EXTENDS, "gap": Semantics.RETRIGGERS_WITH_GAP}.get(twice or "")

    def _after_zero(self, run: Spans) -> Semantics | None:
        zero_s = self._trial.amidst_s
        anew = self._run(zero_s + RESTART_PAUSE_S)
        restarted = self._which(
            Run.RESTARTED,
            {
                "new run": [_cut(run, zero_s) + anew, _joined(run, anew[0][1]), _joined(run, anew[0][1] - self._lag_s)],
                "old run": [run, _cut(run, zero_s)],
            },
        )
        return {"new run": Semantics.NEEDS_ZERO_FIRST, "old run": Semantics.IGNORED}.get(restarted or "")

    def _run(self, one_at_s: float) -> Spans:
        """What an undisturbed run shows that a 1 begins at `one_at_s`."""
        return ((one_at_s + self._lag_s, one_at_s + self._lag_s + self._trial.hold_s),)

    def _which(self, run: Run, candidates: dict[str, list[Spans]]) -> str | None:
        """The candidate that fits what was seen of `run`; None when none does."""
        return next((name for name, shapes in candidates.items() if any(self._fits(self._seen[run], shape) for shape in shapes)), None)

    def _fits(self, seen: Spans, expected: Spans) -> bool:
        return len(seen) == len(expected) and all(
            abs(found - wanted) <= self._trial.tolerance_s
            for edges in zip(seen, expected, strict=True)
            for found, wanted in zip(*edges, strict=True)
        )

    def _conclude(self, semantics: Semantics, *, cancels: bool | None, triggers_after_end: bool | None) -> Verdict:
        facts = [_FOUND[semantics]]
        if not self._lag_s:
            facts.append("the on-delay did not show, so a gap cannot be excluded")
        if semantics is not Semantics.NEVER_DROPS:
            facts.append({True: "a 0 ends it at once", False: "a 0 does not end it", None: "what a 0 does is unclear"}[cancels])
        sentence = f"{'; '.join(facts)} ({_LIMITS[self._witness]})"
        return Verdict(semantics=semantics, cancels=cancels, triggers_after_end=triggers_after_end, sentence=sentence)

    def _undescribed(self, *runs: Run) -> Verdict:
        told = "; ".join(f"{_told(self._seen[run])} ({run})" for run in runs)
        return _inconclusive(f"the output did something nobody has described, please report it: {told}")


def _spans(samples: Sequence[Sample], begins_at_s: float, ends_at_s: float) -> Spans:
    """When the output was on, from one time to another; a change lies half-way between the samples that differ."""
    spans: list[tuple[float, float]] = []
    on_since_s: float | None = None
    before_s = 0.0
    for sample in samples:
        at_s = sample.at_s - begins_at_s
        if sample.is_on is None or not 0 <= at_s < ends_at_s - begins_at_s:
            continue
        if sample.is_on and on_since_s is None:
            on_since_s = (before_s + at_s) / 2
        elif not sample.is_on and on_since_s is not None:
            spans.append((on_since_s, (before_s + at_s) / 2))
            on_since_s = None
        before_s = at_s
    if on_since_s is not None:
        spans.append((on_since_s, ends_at_s - begins_at_s))
    return tuple(spans)


def _cut(run: Spans, at_s: float) -> Spans:
    return ((run[0][0], at_s),)


def _joined(run: Spans, ends_at_s: float) -> Spans:
    return ((run[0][0], ends_at_s),)


def _told(spans: Spans) -> str:
    if not spans:
        return "never on"
    more = ", ..." if len(spans) > _SPANS_TOLD else ""
    return "on from " + ", ".join(f"{begin:.2f} to {end:.2f} s" for begin, end in spans[:_SPANS_TOLD]) + more
