from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.alarms import Alarm, AlarmName
from lucid2mqtt.control.autotune import Phase
from lucid2mqtt.control.exchange import TuningProgress
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.mqtt.payloads import LONGEST_COMMAND
from lucid2mqtt.mqtt.thermostat_payloads import Setting, ThermostatCommand, Tune, parse_thermostat_command, thermostat_state
from tests.unit.mqtt.climate import SIMPLE, state


def parse(what: str, payload: str | bytes) -> ThermostatCommand:
    return parse_thermostat_command("living", what, payload if isinstance(payload, bytes) else payload.encode())


def refusal(what: str, payload: str | bytes) -> RequestRejected:
    with pytest.raises(RequestRejected) as caught:
        parse(what, payload)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("what", "payload", "wanted"),
    [
        ("mode", " HEAT\n", ThermostatCommand(Setting.MODE, "HEAT")),
        ("target", "22.5", ThermostatCommand(Setting.TARGET, 22.5)),
        ("target", " 20.0 ", ThermostatCommand(Setting.TARGET, 20.0)),
        ("target", "-5", ThermostatCommand(Setting.TARGET, -5.0)),
        ("preset", "none", ThermostatCommand(Setting.PRESET, "none")),
        ("preset", "Boost", ThermostatCommand(Setting.PRESET, "Boost")),
        ("preset", '{"preset": "boost", "for_s": 3600}', ThermostatCommand(Setting.PRESET, "boost", 3600.0)),
        ("preset", '{"preset": "eco"}', ThermostatCommand(Setting.PRESET, "eco")),
        ("duty", "40", ThermostatCommand(Setting.DUTY, 0.4)),
        ("duty", "-25.5", ThermostatCommand(Setting.DUTY, -0.255)),
        ("autotune", "start", ThermostatCommand(Setting.AUTOTUNE, Tune.START)),
        ("autotune", " Abort ", ThermostatCommand(Setting.AUTOTUNE, Tune.ABORT)),
        ("autotune", "UNDO", ThermostatCommand(Setting.AUTOTUNE, Tune.UNDO)),
        ("reset", "PRESS", ThermostatCommand(Setting.RESET)),
        ("reset", b"", ThermostatCommand(Setting.RESET)),
        ("reset", b"\xff", ThermostatCommand(Setting.RESET)),
    ],
)
def test_a_command_is_read_whatever_its_case_and_the_spaces_around(what: str, payload: str | bytes, wanted: ThermostatCommand) -> None:
    assert parse(what, payload) == wanted


@pytest.mark.parametrize("what", ["mode", "target", "preset", "duty", "autotune"])
@pytest.mark.parametrize(
    ("payload", "reason"),
    [(b"", Reason.NOT_UNDERSTOOD), (b"  ", Reason.NOT_UNDERSTOOD), (b"\xff", Reason.NOT_TEXT), (b"1" * (LONGEST_COMMAND + 1), Reason.TOO_LONG)],
)  # fmt: skip
def test_what_is_no_command_is_refused(what: str, payload: bytes, reason: Reason) -> None:
    assert refusal(what, payload).reason is reason


@pytest.mark.parametrize("payload", ["nan", "inf", "-Infinity", "21,5", "21.5 °C", "warm", "1_0", "٢١", "true", '{"target": 21}', "0x15"])
@pytest.mark.parametrize("what", ["target", "duty"])
def test_what_is_no_plain_number_is_refused(what: str, payload: str) -> None:
    assert "is no number" in str(refusal(what, payload))


@pytest.mark.parametrize(
    "payload",
    ["{", "[]{", '{"preset": 3}', "{}", '{"for_s": 60}', '{"preset": "boost", "for": 60}', '{"preset":"boost","for_s":"long"}',
     '{"preset":"boost","for_s":true}', '{"preset":"boost","for_s":NaN}', '{"preset":"boost","for_s":1e999}'],
)  # fmt: skip
def test_a_timed_preset_that_is_not_right_is_refused(payload: str) -> None:
    if payload.startswith("{"):
        assert refusal("preset", payload).reason is Reason.NOT_UNDERSTOOD
    else:
        assert parse("preset", payload).value == payload  # the thermostat knows which presets there are


@pytest.mark.parametrize("payload", ["stop", "START NOW", "1"])
def test_an_autotune_takes_three_words(payload: str) -> None:
    assert refusal("autotune", payload).remedy == "send START, ABORT, UNDO"


@pytest.mark.parametrize("what", ["", "temperature", "MODE", "state", "x" * 500])
def test_what_cannot_be_set_is_refused_with_what_can(what: str) -> None:
    refused = refusal(what, "21")
    assert refused.reason is Reason.NOT_UNDERSTOOD
    assert "thermostat/living/target/set" in refused.remedy
    assert "mode, target, preset, duty, autotune, reset" in refused.remedy
    assert len(str(refused)) < 200


@given(st.sampled_from([*Setting, "", "x"]), st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_nothing_a_stranger_sends_is_an_accident(what: str, payload: bytes) -> None:
    try:
        outcome: ThermostatCommand | RequestRejected = parse(what, payload)
    except RequestRejected as rejected:
        outcome = rejected
    assert outcome.remedy if isinstance(outcome, RequestRejected) else outcome.setting == what


@given(st.floats(min_value=-1e6, max_value=1e6))
def test_every_number_is_taken_as_it_is(number: float) -> None:
    assert parse("target", repr(number)).value == number
    assert parse("duty", repr(number)).value == number / 100.0


def document(**changes: Any) -> dict[str, object]:  # Any: fields of ClimateState
    read: dict[str, object] = json.loads(thermostat_state(state(**changes), SIMPLE))
    return read


def test_the_state_holds_all_a_user_needs() -> None:
    assert document() == {
        "mode": "heat",
        "action": "heating",
        "preset": "none",
        "target": 21.0,
        "setpoint": 20.5,
        "current": 19.88,
        "duty": 42.4,
        "manual_duty": 0.0,
        "window": "closed",
        "stage": "none",
        "reason": "heats to 21 °C",
        "drive": "plain",
        "alarms": [],
        "notices": [],
        "tuning": "assumed",
        "autotune": None,
        "closures_today": 3,
        "closures_total": 1234,
        "closures_per_day": None,
        "closures_rated": 100_000,
        "days_left": None,
        "minimum": 5.0,
        "maximum": 35.0,
        "step": 0.5,
    }


def test_alarms_notices_and_a_failed_autotune_are_told_with_their_reasons() -> None:
    told = document(
        alarms=(Alarm(AlarmName.LIMITER, "the flow was at 61 °C", latched=True, blocks=True, active=False),),
        notices=("the clock is not set",),
        autotune=TuningProgress(phase=Phase.FAILED, target_c=21.004, remaining_s=0.0, reason="the temperature does not fall"),
        days_left=1234.567,
    )
    assert told["alarms"] == [{"name": "limiter", "reason": "the flow was at 61 °C", "latched": True, "active": False}]
    assert told["notices"] == ["the clock is not set"]
    assert told["autotune"] == {"phase": "failed", "target": 21.0, "remaining_s": 0, "reason": "the temperature does not fall"}
    assert told["days_left"] == 1234.57


NUMBERS = st.none() | st.floats()


@given(NUMBERS, NUMBERS, st.floats(min_value=-1, max_value=1), st.text(st.characters(codec="utf-8"), max_size=40))
def test_every_state_is_json_that_everybody_can_read(current_c: float | None, target_c: float | None, duty: float, reason: str) -> None:
    told = thermostat_state(replace(state(), current_c=current_c, target_c=target_c, duty=duty, reason=reason), SIMPLE)
    read = json.loads(told, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert read["reason"] == reason
    assert [key for key, value in read.items() if value == 0 and str(value).startswith("-")] == []
