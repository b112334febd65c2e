from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.deadman import Semantics, Verdict
from lucid2mqtt.control.deadman_judge import judge
from lucid2mqtt.control.deadman_trial import BY_EYE, Sample, Trial, Witness, Write
from lucid2mqtt.sim.quirks import OutputReads, Quirks, Retrigger, SecondOne
from tests.unit.control.on_off_models import OnOffModel, Second, witnessed
from tests.unit.control.simulated_output import SimulatedOutput

TRIAL = Trial()


def model(second: Second, trial: Trial = TRIAL, **switches: object) -> OnOffModel:
    return OnOffModel(delay_s=trial.delay_s, hold_s=trial.hold_s, second=second, **switches)  # type: ignore[arg-type]


def verdict_on(output: OnOffModel, witness: Witness = Witness.READ_BACK, trial: Trial = TRIAL, **how: object) -> Verdict:
    look = output.read_at if witness is Witness.READ_BACK else output.on_at
    return judge(trial, *witnessed(trial, output.write, look, **how), witness)  # type: ignore[arg-type]


EXPECTED = {
    Second.EXTENDS: Semantics.EXTENDS,
    Second.EXTENDS_AND_DELAYS: Semantics.EXTENDS,
    Second.BEGINS_ANEW: Semantics.RETRIGGERS_WITH_GAP,
}


@pytest.mark.parametrize(("second", "needs_zero", "cancels"), list(product(EXPECTED, [True, False], [True, False])))
@pytest.mark.parametrize("witness", Witness)
def test_a_module_that_takes_a_second_one_is_told_with_all_it_does(
    second: Second, needs_zero: bool, cancels: bool, witness: Witness
) -> None:
    verdict = verdict_on(model(second, needs_zero_after_end=needs_zero, can_cancel=cancels), witness)
    assert (verdict.semantics, verdict.cancels, verdict.triggers_after_end) == (EXPECTED[second], cancels, not needs_zero)


@pytest.mark.parametrize("needs_zero", [True, False])
def test_a_module_that_ignores_a_second_one_but_can_be_cancelled_needs_a_zero_first(needs_zero: bool) -> None:
    verdict = verdict_on(model(Second.IGNORED, needs_zero_after_end=needs_zero))
    assert (verdict.semantics, verdict.cancels, verdict.triggers_after_end) == (Semantics.NEEDS_ZERO_FIRST, True, not needs_zero)


def test_a_module_whose_run_can_only_end_is_told() -> None:
    verdict = verdict_on(model(Second.IGNORED, can_cancel=False))
    assert (verdict.semantics, verdict.cancels) == (Semantics.IGNORED, False)


@pytest.mark.parametrize("second", Second)
def test_a_read_back_that_shows_what_was_written_cannot_tell(second: Second) -> None:
    verdict = verdict_on(model(second, reads_written=True))
    assert (verdict.semantics, verdict.cancels) == (Semantics.INCONCLUSIVE, None)
    assert "cannot be seen by read-back" in verdict.sentence
    assert "needs the eyes of a person, or an input wired to the output" in verdict.sentence


@pytest.mark.parametrize("second", EXPECTED)
def test_what_the_read_back_cannot_tell_a_wired_input_can(second: Second) -> None:
    assert verdict_on(model(second, reads_written=True), Witness.WIRED_INPUT).semantics is EXPECTED[second]


def test_a_person_at_the_slow_trial_sees_it_too() -> None:
    output = model(Second.BEGINS_ANEW, BY_EYE, reads_written=True)
    verdict = verdict_on(output, Witness.PERSON, BY_EYE, jitter_s=(0.0, 0.2, 0.1))
    assert verdict.semantics is Semantics.RETRIGGERS_WITH_GAP
    assert "by a person" in verdict.sentence


def test_an_output_that_never_drops_is_told_by_who_sees_the_contact() -> None:
    assert verdict_on(model(Second.EXTENDS, drops=False), Witness.WIRED_INPUT).semantics is Semantics.NEVER_DROPS
    assert verdict_on(model(Second.EXTENDS, drops=False, reads_written=True), Witness.READ_BACK).semantics is Semantics.INCONCLUSIVE


def test_an_output_that_follows_what_is_written_has_no_dead_man_as_a_wired_input_shows() -> None:
    output = OnOffModel(delay_s=0.0, hold_s=TRIAL.hold_s, second=Second.EXTENDS, drops=False)
    assert verdict_on(output, Witness.WIRED_INPUT).semantics is Semantics.NEVER_DROPS


def test_an_output_that_does_not_go_on_tells_nothing() -> None:
    samples, written = witnessed(TRIAL, lambda is_one, at: None, lambda at: False)
    verdict = judge(TRIAL, samples, written, Witness.WIRED_INPUT)
    assert verdict.semantics is Semantics.INCONCLUSIVE
    assert "never went on" in verdict.sentence


def test_behaviour_nobody_has_described_is_shown_and_not_guessed() -> None:
    samples, written = witnessed(TRIAL, lambda is_one, at: None, lambda at: at % 1.0 < 0.5)
    verdict = judge(TRIAL, samples, written, Witness.WIRED_INPUT)
    assert verdict.semantics is Semantics.INCONCLUSIVE
    assert verdict.sentence == (
        "the output did something nobody has described, please report it: "
        "on from 0.00 to 0.48 s, 0.98 to 1.48 s, 1.98 to 2.48 s, 2.98 to 3.48 s, ... (a 1, left alone)"
    )


def test_a_second_run_that_is_like_no_other_is_shown_too() -> None:
    output = model(Second.EXTENDS)
    samples, written = witnessed(TRIAL, output.write, lambda at: output.on_at(at) and at < 6.0)
    sentence = judge(TRIAL, samples, written, Witness.WIRED_INPUT).sentence
    assert "never on (a 1, and a second 1 amidst its run); never on (a 1, and 0 and 1 amidst its run)" in sentence


def test_without_a_visible_on_delay_a_gap_is_not_excluded() -> None:
    output = OnOffModel(delay_s=0.0, hold_s=TRIAL.hold_s, second=Second.EXTENDS)
    verdict = verdict_on(output)
    assert verdict.semantics is Semantics.RETRIGGERS_WITH_GAP
    assert "a gap cannot be excluded" in verdict.sentence


def test_the_verdict_says_how_far_it_can_be_trusted() -> None:
    by_read_back = verdict_on(model(Second.EXTENDS)).sentence
    assert by_read_back == (
        "a second 1 prolongs the run without a gap; a 0 ends it at once "
        "(seen in the read-back, which follows the timed state; nobody watched the contact itself)"
    )
    assert "seen at the contact" in verdict_on(model(Second.EXTENDS), Witness.WIRED_INPUT).sentence


def test_a_slow_cancel_is_not_called_at_once() -> None:
    assert verdict_on(model(Second.EXTENDS, cancel_latency_s=0.6)).cancels is None


@pytest.mark.parametrize(("late_s", "conclusive"), [(0.08, True), (0.15, False)])
def test_writes_that_came_late_tell_nothing(late_s: float, conclusive: bool) -> None:
    verdict = verdict_on(model(Second.EXTENDS), late_s=late_s)
    assert (verdict.semantics is Semantics.EXTENDS) is conclusive
    assert conclusive or "too busy" in verdict.sentence


def test_an_output_that_was_not_seen_for_a_while_tells_nothing() -> None:
    output = model(Second.EXTENDS)
    samples, written = witnessed(TRIAL, output.write, output.on_at)
    blind = [Sample(sample.at_s, None) if 12.0 < sample.at_s < 12.3 else sample for sample in samples]
    assert "was not seen for 0.3" in judge(TRIAL, blind, written, Witness.READ_BACK).sentence
    assert "was not seen for" in judge(TRIAL, [], written, Witness.READ_BACK).sentence


def test_a_trial_that_was_broken_off_tells_nothing() -> None:
    output = model(Second.EXTENDS)
    samples, written = witnessed(TRIAL, output.write, output.on_at)
    assert "not all writes were made" in judge(TRIAL, samples, written[:-3], Witness.READ_BACK).sentence
    assert "not all writes were made" in judge(TRIAL, samples, [], Witness.READ_BACK).sentence


@given(
    st.sampled_from(Second),
    st.booleans(),
    st.booleans(),
    st.floats(0, 0.05),
    st.lists(st.floats(0, 0.02), min_size=1, max_size=7),
    st.floats(0.02, 0.1),
)
def test_an_uneven_sampling_changes_no_verdict(
    second: Second, needs_zero: bool, cancels: bool, late_s: float, jitter_s: list[float], every_s: float
) -> None:
    even = verdict_on(model(second, needs_zero_after_end=needs_zero, can_cancel=cancels))
    uneven = verdict_on(
        model(second, needs_zero_after_end=needs_zero, can_cancel=cancels), late_s=late_s, jitter_s=jitter_s, sample_every_s=every_s
    )
    assert uneven == even


@given(st.lists(st.floats(0, 31), max_size=30))
def test_no_noise_is_taken_for_a_dead_man(flips: list[float]) -> None:
    samples, _ = witnessed(TRIAL, lambda is_one, at: None, lambda at: sum(flip <= at for flip in flips) % 2 == 1)
    assert judge(TRIAL, samples, TRIAL.writes, Witness.READ_BACK).semantics in (Semantics.INCONCLUSIVE, Semantics.NEVER_DROPS)


def of_simulator(retrigger: Retrigger, second_one: SecondOne) -> Semantics:
    if retrigger is Retrigger.IGNORED:
        return Semantics.NEEDS_ZERO_FIRST
    return Semantics.EXTENDS if retrigger is Retrigger.EXTENDS_HOLD else Semantics.RETRIGGERS_WITH_GAP


@pytest.mark.parametrize(("retrigger", "second_one", "reads"), list(product(Retrigger, SecondOne, OutputReads)))
def test_every_variant_of_the_simulator_is_told_or_said_to_be_invisible(
    retrigger: Retrigger, second_one: SecondOne, reads: OutputReads
) -> None:
    quirks = Quirks(retrigger=retrigger, second_one=second_one, output_reads=reads)
    output = SimulatedOutput(quirks, TRIAL.settings)
    verdict = judge(TRIAL, *witnessed(TRIAL, output.write, output.read_back), Witness.READ_BACK)
    if reads is OutputReads.WRITTEN:
        assert verdict.semantics is Semantics.INCONCLUSIVE
        assert "cannot be seen by read-back" in verdict.sentence
    else:
        assert verdict.semantics is of_simulator(retrigger, second_one)
        assert (verdict.cancels, verdict.triggers_after_end) == (True, second_one is SecondOne.TRIGGERS)
    seen = SimulatedOutput(quirks, TRIAL.settings)
    at_contact = judge(TRIAL, *witnessed(TRIAL, seen.write, seen.contact), Witness.WIRED_INPUT)
    assert at_contact.semantics is of_simulator(retrigger, second_one)


def test_the_script_is_as_long_as_it_says_and_writes_in_order() -> None:
    times = [write.at_s for write in TRIAL.writes]
    assert times == sorted(times)
    assert times[0] == 0.0
    assert TRIAL.writes[-1] == Write(TRIAL.ends_at_s, is_one=False)
    assert TRIAL.ends_at_s == pytest.approx(31.0, abs=0.5)
    assert BY_EYE.ends_at_s == pytest.approx(155.0, abs=1.0)
