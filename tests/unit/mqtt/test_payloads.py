from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.channel import Channel
from lucid2mqtt.engine.orders import Incident, Toggle
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.mqtt.payloads import (
    LONGEST_COMMAND,
    ParsedCommand,
    attributes,
    edge_event,
    incident,
    outcome,
    parse_command,
    refusal,
    rejection,
    render,
    shorten,
    timestamp,
)
from tests.unit.mqtt.samples import FLOW, NOON, RELAY, VALVE, bad, good

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
COMMANDS = st.one_of(
    st.binary(max_size=1100),
    st.text(max_size=40).map(str.encode),
    JSON_VALUES.map(lambda document: json.dumps(document).encode()),
    st.dictionaries(st.sampled_from(["state", "value", "for_s"]), JSON_VALUES).map(lambda document: json.dumps(document).encode()),
)


def attempt(payload: bytes, target: Channel) -> ParsedCommand | RequestRejected:
    try:
        return parse_command(payload, target)
    except RequestRejected as rejected:
        return rejected


@given(COMMANDS)
def test_any_bytes_are_a_switch_command_or_a_refusal_with_a_remedy(payload: bytes) -> None:
    answer = attempt(payload, RELAY)
    if isinstance(answer, RequestRejected):
        assert answer.reason in (Reason.NOT_UNDERSTOOD, Reason.NOT_TEXT, Reason.TOO_LONG)
        assert answer.remedy
    else:
        assert isinstance(answer.value, bool | Toggle)
        assert answer.for_s is None or 0 < answer.for_s < float("inf")


@given(COMMANDS)
def test_any_bytes_are_a_finite_number_or_a_refusal_with_a_remedy(payload: bytes) -> None:
    answer = attempt(payload, VALVE)
    if isinstance(answer, RequestRejected):
        assert answer.reason in (Reason.NOT_UNDERSTOOD, Reason.NOT_TEXT, Reason.TOO_LONG)
        assert answer.remedy
    else:
        assert isinstance(answer.value, float)
        assert abs(answer.value) < float("inf")
        assert answer.for_s is None


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        ("ON", True),
        ("on", True),
        (" On\n", True),
        ("1", True),
        ("TRUE", True),
        ("OFF", False),
        ("0", False),
        ("false", False),
        ("Toggle", Toggle.TOGGLE),
        ('{"state": "ON"}', True),
        ('{"state": true}', True),
        ('{"state": 0}', False),
        ('{"value": "off"}', False),
    ],
)
def test_a_switch_understands_the_usual_words(payload: str, value: object) -> None:
    assert parse_command(payload.encode(), RELAY) == ParsedCommand(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("payload", "value"), [("5.0", 5.0), ("-3", -3.0), ("1e1", 10.0), ('{"value": 5}', 5.0), ('{"state": "2.5"}', 2.5)]
)
def test_an_analog_output_understands_numbers(payload: str, value: float) -> None:
    assert parse_command(payload.encode(), VALVE) == ParsedCommand(value)


def test_a_switch_can_be_set_for_a_time() -> None:
    assert parse_command(b'{"state":"ON","for_s":30}', RELAY) == ParsedCommand(value=True, for_s=30.0)


@pytest.mark.parametrize(
    "payload", ["", "maybe", "2", "ON OFF", "ＯＮ", '{"state":"ON","value":1}', '{"for_s":3}', "{", "[1]", '{"state":[]}', '{"on":1}']
)
def test_a_switch_refuses_what_is_no_state(payload: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        parse_command(payload.encode(), RELAY)
    assert refused.value.reason is Reason.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    "payload", ["nan", "inf", "-Infinity", "1,5", "1_000", "٣", "ON", "0x10", '{"value": NaN}', '{"value": 1e999}', '{"value": true}']
)
def test_an_analog_output_refuses_what_is_no_finite_number(payload: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        parse_command(payload.encode(), VALVE)
    assert refused.value.reason is Reason.NOT_UNDERSTOOD


@pytest.mark.parametrize("seconds", ["0", "-1", "true", '"30"', "NaN", "1e999", "null"])
def test_a_time_that_is_none_is_refused(seconds: str) -> None:
    with pytest.raises(RequestRejected, match="for_s"):
        parse_command(f'{{"state":"ON","for_s":{seconds}}}'.encode(), RELAY)


def test_a_time_for_an_analog_output_is_refused() -> None:
    with pytest.raises(RequestRejected, match="switches only"):
        parse_command(b'{"value":5,"for_s":30}', VALVE)


def test_a_huge_command_is_refused_without_being_read() -> None:
    with pytest.raises(RequestRejected) as refused:
        parse_command(b"1" * 1_000_000, RELAY)
    assert refused.value.reason is Reason.TOO_LONG
    assert len(refusal(refused.value, b"\xff" * 1_000_000, NOON)) < 1000
    parse_command(b"1" + b" " * (LONGEST_COMMAND - 1), RELAY)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(RequestRejected) as refused:
        parse_command(b"\xff\xfe", RELAY)
    assert refused.value.reason is Reason.NOT_TEXT


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (True, None, "ON"),
        (False, 2, "OFF"),
        (1234, None, "1234"),
        (21.3, 1, "21.3"),
        (21.0, 2, "21.00"),
        (-0.04, 1, "0.0"),
        (-0.06, 1, "-0.1"),
        (0.1, None, "0.1"),
        (1e-9, None, "0"),
        (-1e-9, None, "0"),
        (12.0, None, "12"),
        (1e15, 0, "1000000000000000"),
    ],
)
def test_a_state_is_plain_text(value: float, decimals: int | None, text: str) -> None:
    assert render(value, decimals) == text


@given(st.floats(-1e12, 1e12), st.none() | st.integers(0, 6))
def test_a_number_is_published_as_a_decimal_that_means_the_same(value: float, decimals: int | None) -> None:
    text = render(value, decimals)
    assert set(text) <= set("-0123456789.")
    assert float(text) == pytest.approx(value, abs=0.51 * 10 ** -(6 if decimals is None else decimals), rel=1e-12)


@given(st.floats(-100, 100))
def test_an_analog_output_understands_what_it_publishes(value: float) -> None:
    assert parse_command(render(value, 3).encode(), VALVE).value == pytest.approx(value, abs=0.0006)


def test_attributes_tell_quality_reason_unit_and_time() -> None:
    assert json.loads(attributes(bad(FLOW))) == {
        "quality": "open sensor",
        "reason": "the sensor is not connected",
        "unit": "°C",
        "taken_at": "2026-11-23T12:00:00.000+00:00",
    }
    assert json.loads(attributes(good(FLOW, 21.0)))["quality"] == "good"


def test_a_refusal_shows_the_command_the_reason_and_the_remedy() -> None:
    rejected = RequestRejected(Reason.CLAIMED, "it belongs to the thermostat living", "command the thermostat")
    assert json.loads(refusal(rejected, b"ON", NOON)) == {
        "command": "ON",
        "reason": "claimed",
        "message": "it belongs to the thermostat living",
        "remedy": "command the thermostat",
        "time": "2026-11-23T12:00:00.000+00:00",
    }


def test_an_answer_tells_done_rejected_and_unknown_apart() -> None:
    assert json.loads(outcome("ON")) == {"result": "done", "state": "ON"}
    assert json.loads(rejection(RequestRejected(Reason.BUSY, "m", "r"))) == {
        "result": "rejected",
        "reason": "busy",
        "message": "m",
        "remedy": "r",
    }
    assert json.loads(rejection(RequestRejected(Reason.NO_ANSWER, "m", "r")))["result"] == "unknown"


def test_an_incident_is_no_answer_to_a_command() -> None:
    told = json.loads(incident(Incident(channel=RELAY.ref, what="max_on_s", reason=None, message="switched off"), NOON))
    assert (told["command"], told["what"], told["reason"], told["message"]) == (None, "max_on_s", None, "switched off")


def test_an_edge_event_is_what_home_assistant_expects() -> None:
    assert json.loads(edge_event(3)) == {"event_type": "edge", "count": 3}


@given(st.text(max_size=300))
def test_what_a_stranger_sent_never_breaks_a_log_line(text: str) -> None:
    shown = shorten(text)
    assert len(shown) <= 81
    assert shown.isprintable()


def test_time_is_given_in_the_zone_it_has() -> None:
    assert timestamp(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)) == "2026-01-02T03:04:05.678+00:00"
    assert timestamp(datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1)))).endswith("+01:00")
