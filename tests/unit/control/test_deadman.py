from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.deadman import (
    RESTART_PAUSE_S,
    Action,
    DeadManDrive,
    DriveKind,
    DriveWish,
    HoldWindow,
    Semantics,
    Step,
    Verdict,
    choose_drive,
)
from lucid2mqtt.control.deadman_arming import recipe
from lucid2mqtt.domain.channel import Contact
from lucid2mqtt.sim.quirks import Quirks, Retrigger, SecondOne
from tests.unit.control.simulated_output import SimulatedOutput

WINDOW = HoldWindow()
EXTENDS = Verdict(semantics=Semantics.EXTENDS, cancels=True, triggers_after_end=True, sentence="seen")


def known(semantics: Semantics) -> Verdict:
    return replace(EXTENDS, semantics=semantics)


def started(now: float = 0.0, semantics: Semantics = Semantics.EXTENDS) -> DeadManDrive:
    """A drive whose output runs since `now`."""
    drive = DeadManDrive(known(semantics), WINDOW)
    drive.succeeded(Action.RESTART, now)
    return drive


# which drive


def test_unverified_hardware_gets_the_plain_drive_and_a_clear_notice() -> None:
    choice = choose_drive(DriveWish.AUTO, Verdict(), Contact.RELAY)
    assert choice.drive is DriveKind.PLAIN
    assert choice.notice == (
        "no dead-man drive, a heater that is on stays on when this program or its host dies: "
        "the on-off mode of this module was never tried; run verify-deadman with the heater disconnected"
    )


@pytest.mark.parametrize("semantics", [Semantics.UNVERIFIED, Semantics.INCONCLUSIVE, Semantics.NEVER_DROPS, Semantics.IGNORED])
@pytest.mark.parametrize("contact", [*Contact, None])
def test_a_dead_man_that_is_demanded_but_not_proven_refuses_to_start(semantics: Semantics, contact: Contact | None) -> None:
    choice = choose_drive(DriveWish.DEADMAN, known(semantics), contact)
    assert choice.drive is DriveKind.REFUSED
    assert "the thermostat does not start" in choice.notice
    assert choose_drive(DriveWish.AUTO, known(semantics), contact).drive is DriveKind.PLAIN


@pytest.mark.parametrize("contact", [*Contact, None])
def test_a_module_that_extends_drives_any_contact(contact: Contact | None) -> None:
    for wish in (DriveWish.AUTO, DriveWish.DEADMAN):
        assert choose_drive(wish, EXTENDS, contact).drive is DriveKind.DEADMAN
        assert choose_drive(wish, EXTENDS, contact).notice == ""


@pytest.mark.parametrize("semantics", [Semantics.RETRIGGERS_WITH_GAP, Semantics.NEEDS_ZERO_FIRST])
def test_gaps_are_for_solid_state_contacts_only(semantics: Semantics) -> None:
    assert choose_drive(DriveWish.DEADMAN, known(semantics), Contact.SOLID_STATE).drive is DriveKind.DEADMAN
    for contact in (Contact.RELAY, Contact.OPEN_COLLECTOR, None):
        refused = choose_drive(DriveWish.DEADMAN, known(semantics), contact)
        assert refused.drive is DriveKind.REFUSED
        assert f"a {contact or 'unknown'} contact does not" in refused.notice
        assert choose_drive(DriveWish.AUTO, known(semantics), contact).drive is DriveKind.PLAIN


@pytest.mark.parametrize("cancels", [False, None])
def test_an_output_that_may_not_be_cancelled_is_driven_with_a_notice(cancels: bool | None) -> None:
    choice = choose_drive(DriveWish.AUTO, replace(EXTENDS, cancels=cancels), Contact.RELAY)
    assert choice.drive is DriveKind.DEADMAN
    assert "switching off can take up to the hold window" in choice.notice


def test_a_plain_drive_by_the_settings_says_what_that_means() -> None:
    choice = choose_drive(DriveWish.PLAIN, EXTENDS, Contact.RELAY)
    assert choice.drive is DriveKind.PLAIN
    assert "stays on when this program or its host dies" in choice.notice


@pytest.mark.parametrize(("hold_s", "retrigger_s"), [(14.9, 5.0), (15.0, 0.1), (3600.0, 5.0), (15.0, float("nan")), (float("nan"), 5.0)])
def test_a_window_that_cannot_work_is_refused(hold_s: float, retrigger_s: float) -> None:
    with pytest.raises(ValueError, match="retrigger_s"):
        HoldWindow(hold_s=hold_s, retrigger_s=retrigger_s)


# what the drive does


def test_the_first_thing_written_is_a_zero() -> None:
    assert DeadManDrive(EXTENDS, WINDOW).next_step(0.0, wanted=False) == Step(Action.CANCEL, 0.0)
    assert DeadManDrive(EXTENDS, WINDOW).next_step(0.0, wanted=True) == Step(Action.RESTART, 0.0)


def test_an_output_that_is_off_needs_nothing() -> None:
    drive = DeadManDrive(EXTENDS, WINDOW)
    drive.succeeded(Action.CANCEL, 0.0)
    assert drive.next_step(1e6, wanted=False) == Step(Action.NONE, None)


def test_a_one_follows_a_zero_only_after_the_zero_has_taken_effect() -> None:
    drive = DeadManDrive(EXTENDS, WINDOW)
    drive.succeeded(Action.CANCEL, 10.0)
    assert drive.next_step(10.01, wanted=True) == Step(Action.NONE, 10.0 + RESTART_PAUSE_S)
    assert drive.next_step(10.0 + RESTART_PAUSE_S, wanted=True).action is Action.TRIGGER


def test_a_running_output_is_triggered_every_five_seconds() -> None:
    drive = started(100.0)
    assert drive.next_step(100.0, wanted=True) == Step(Action.NONE, 105.0)
    assert drive.next_step(105.0, wanted=True).action is Action.TRIGGER
    drive.succeeded(Action.TRIGGER, 105.0)
    assert drive.next_step(105.1, wanted=True) == Step(Action.NONE, 110.0)


def test_where_a_zero_is_needed_every_trigger_is_a_restart() -> None:
    drive = started(semantics=Semantics.NEEDS_ZERO_FIRST)
    assert drive.next_step(5.0, wanted=True).action is Action.RESTART


def test_the_wish_for_off_cancels_at_once() -> None:
    drive = started()
    assert drive.next_step(0.1, wanted=False) == Step(Action.CANCEL, 0.1)
    drive.succeeded(Action.CANCEL, 0.1)
    assert drive.next_step(0.2, wanted=False) == Step(Action.NONE, None)


def test_a_trigger_that_failed_is_followed_by_the_next_well_inside_the_window() -> None:
    drive = started()
    drive.failed(Action.TRIGGER, 5.2)
    assert drive.next_step(5.3, wanted=True) == Step(Action.NONE, 6.2)
    assert drive.next_step(6.2, wanted=True).action is Action.TRIGGER
    drive.succeeded(Action.TRIGGER, 6.2)
    assert (drive.fault, drive.lapses) == (None, 0)


def test_failures_in_a_row_are_told_until_one_gets_through() -> None:
    drive = started()
    for now in (5.0, 6.0, 7.0):
        drive.failed(Action.TRIGGER, now)
    assert drive.fault == "3 in a row failed to reach the heater output; it goes off by itself within 15 s"
    drive.succeeded(Action.TRIGGER, 8.0)
    assert drive.fault is None


def test_a_failed_trigger_does_not_delay_switching_off() -> None:
    drive = started()
    drive.failed(Action.TRIGGER, 5.0)
    assert drive.next_step(5.1, wanted=False) == Step(Action.CANCEL, 5.1)


def test_a_zero_that_failed_is_tried_until_it_is_acknowledged() -> None:
    drive = started()
    drive.failed(Action.CANCEL, 1.0)
    assert drive.next_step(1.5, wanted=False) == Step(Action.NONE, 2.0)
    assert drive.next_step(100.0, wanted=False).action is Action.CANCEL


def test_after_a_first_one_that_may_have_arrived_the_output_is_restarted() -> None:
    drive = DeadManDrive(EXTENDS, WINDOW)
    drive.succeeded(Action.CANCEL, 0.0)
    drive.failed(Action.TRIGGER, 1.0)
    assert drive.next_step(2.0, wanted=True).action is Action.RESTART
    assert drive.next_step(2.0, wanted=False).action is Action.CANCEL


def test_after_a_zero_that_may_have_arrived_the_output_is_restarted() -> None:
    drive = started()
    drive.failed(Action.CANCEL, 1.0)
    assert drive.next_step(1.1, wanted=True).action is Action.RESTART


def test_an_output_that_lapsed_is_counted_and_restarted() -> None:
    drive = started()
    assert drive.next_step(15.0, wanted=True) == Step(Action.RESTART, 15.0)
    assert drive.lapses == 1
    assert started().next_step(15.0, wanted=False).action is Action.CANCEL


def test_an_output_found_off_is_restarted() -> None:
    drive = started()
    drive.found_off()
    assert drive.next_step(1.0, wanted=True).action is Action.RESTART
    drive.found_off()
    assert drive.lapses == 1


def test_a_verdict_survives_a_restart() -> None:
    verdict = replace(EXTENDS, cancels=None)
    assert Verdict.from_saved(json.loads(json.dumps(verdict.saved()))) == verdict


@pytest.mark.parametrize("change", [{"semantics": "perfect"}, {"semantics": None}, {"cancels": "yes"}, {"sentence": 5}])
def test_a_spoilt_verdict_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Verdict.from_saved({**EXTENDS.saved(), **change})


# on the simulator


def run(
    output: SimulatedOutput,
    drive: DeadManDrive,
    until: float,
    *,
    wanted: Callable[[float], bool],
    gets_through: Callable[[float], bool] = lambda now: True,
) -> None:
    """Asks the drive every half second, or when it wants to be asked, and carries out what it says."""
    now = 0.0
    while now < until:
        step = drive.next_step(now, wanted=wanted(now))
        sent_at = now
        if step.action is not Action.NONE and not gets_through(now):
            drive.failed(step.action, now)
        elif step.action is not Action.NONE:
            if step.action is not Action.TRIGGER:
                output.write(False, now)
            if step.action is Action.RESTART:
                sent_at = now + RESTART_PAUSE_S
            if step.action is not Action.CANCEL:
                output.write(True, sent_at)
            drive.succeeded(step.action, sent_at)
        now = max(now + 0.5, sent_at)


CASES = [
    (Semantics.EXTENDS, Retrigger.EXTENDS_HOLD, SecondOne.TRIGGERS),
    (Semantics.EXTENDS, Retrigger.EXTENDS_HOLD, SecondOne.NEEDS_ZERO_FIRST),
    (Semantics.RETRIGGERS_WITH_GAP, Retrigger.RESTARTS_DELAY, SecondOne.NEEDS_ZERO_FIRST),
    (Semantics.NEEDS_ZERO_FIRST, Retrigger.IGNORED, SecondOne.NEEDS_ZERO_FIRST),
    (Semantics.NEEDS_ZERO_FIRST, Retrigger.IGNORED, SecondOne.TRIGGERS),
]


@pytest.mark.parametrize(("semantics", "retrigger", "second_one"), CASES)
def test_the_drive_keeps_a_simulated_heater_on_and_lets_it_go_when_it_dies(
    semantics: Semantics, retrigger: Retrigger, second_one: SecondOne
) -> None:
    output = SimulatedOutput(Quirks(retrigger=retrigger, second_one=second_one), recipe(WINDOW.hold_s))
    drive = DeadManDrive(known(semantics), WINDOW)
    run(output, drive, 600.0, wanted=lambda now: True)
    assert output.on_seconds(600.0) >= 600.0 * (0.999 if semantics is Semantics.EXTENDS else 0.97)
    assert drive.lapses == 0
    died_at = 600.0
    assert not output.contact(died_at + WINDOW.hold_s + 0.1)


@pytest.mark.parametrize(("semantics", "retrigger", "second_one"), CASES)
def test_the_drive_switches_as_wished_and_recovers_from_a_dead_line(
    semantics: Semantics, retrigger: Retrigger, second_one: SecondOne
) -> None:
    output = SimulatedOutput(Quirks(retrigger=retrigger, second_one=second_one), recipe(WINDOW.hold_s))
    drive = DeadManDrive(known(semantics), WINDOW)
    run(output, drive, 400.0, wanted=lambda now: now % 100 < 50, gets_through=lambda now: not 205 < now < 240)
    # four times on for 50 s, once cut: the line is dead from second 5 to 40 of the third, which drops after its hold window
    assert output.on_seconds(400.0) == pytest.approx(3 * 50 + 15 + 10, abs=6)
    assert drive.lapses == 1
    assert not output.contact(400.0)


class LossyLine:
    """Loses what the pattern says, but never twice in a row."""

    def __init__(self, pattern: list[bool]) -> None:
        self._pattern = cycle(pattern)
        self._just_lost = False

    def __call__(self, now: float) -> bool:
        self._just_lost = next(self._pattern) and not self._just_lost
        return not self._just_lost


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.sampled_from(CASES))
def test_single_losses_do_not_let_the_heater_drop_and_never_hold_it(
    pattern: list[bool], case: tuple[Semantics, Retrigger, SecondOne]
) -> None:
    semantics, retrigger, second_one = case
    output = SimulatedOutput(Quirks(retrigger=retrigger, second_one=second_one), recipe(WINDOW.hold_s))
    drive = DeadManDrive(known(semantics), WINDOW)
    run(output, drive, 300.0, wanted=lambda now: True, gets_through=LossyLine(pattern))
    assert drive.lapses == 0
    assert output.on_seconds(300.0) > 0.95 * 300
    assert not output.contact(300.0 + WINDOW.hold_s + 0.1)
