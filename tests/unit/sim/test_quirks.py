from dataclasses import fields, replace

import pytest

from lucid2mqtt.lucid.frames import Status
from lucid2mqtt.sim.quirks import COMFORTABLE, STATUSES, SWITCHABLE, Fault, OutputReads, Quirks, Retrigger, with_quirks

MEASURES = {
    "reply_delay_s",
    "calibration_delay_s",
    "statuses",
    "edge_read_clears",
    "analog_noise_v",
    "temperature_noise_c",
    "analog_conversion_s",
}
"""Not a matter of comfort: figures, the table of codes, and the one answer that is inferred and not open."""


def test_a_comfortable_module_answers_every_open_question_the_other_way() -> None:
    same = {field.name for field in fields(Quirks) if getattr(Quirks(), field.name) == getattr(COMFORTABLE, field.name)}
    assert same == MEASURES


def test_every_fault_has_a_status_that_is_published_and_no_success() -> None:
    assert set(STATUSES) == set(Fault)
    assert set(STATUSES.values()) <= set(Status) - {Status.OK}


def test_every_switch_can_be_set_by_a_word_and_leaves_the_others_alone() -> None:
    assert set(SWITCHABLE) == {field.name for field in fields(Quirks)} - {"statuses"}
    words = ("output_reads=timed", "retrigger=extends hold", "persisted_one_starts=false", "inter_byte_timeout_s=0.5")
    expected = replace(
        Quirks(),
        output_reads=OutputReads.TIMED,
        retrigger=Retrigger.EXTENDS_HOLD,
        persisted_one_starts=False,
        inter_byte_timeout_s=0.5,
    )
    assert with_quirks(words) == expected
    assert with_quirks(()) == Quirks()


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("output_reads=late", "written, timed"),
        ("output_reads", "written, timed"),
        ("statuses=3", "output_reads"),
        ("persisted_one_starts=yes", "true or false"),
        ("reply_delay_s=-1", "0 to 3600"),
        ("reply_delay_s=nan", "0 to 3600"),
        ("reply_delay_s=soon", "0 to 3600"),
        ("", "output_reads"),
    ],
)
def test_a_wrong_word_is_answered_with_what_can_be(word: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        with_quirks([word])
