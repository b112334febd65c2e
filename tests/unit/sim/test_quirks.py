from dataclasses import fields

from lucid2mqtt.lucid.frames import Status
from lucid2mqtt.sim.quirks import COMFORTABLE, STATUSES, Fault, Quirks

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
