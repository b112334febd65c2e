import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from lucid2mqtt.settings.fields import (
    BrokerUrl,
    Objection,
    State,
    checked_port,
    checked_topic,
    checked_usb_id,
    parse_broker_url,
)

_STATE: TypeAdapter[object] = TypeAdapter(State)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("mqtt://broker", BrokerUrl("mqtt", "broker", 1883)),
        ("mqtt://broker:1884/", BrokerUrl("mqtt", "broker", 1884)),
        ("mqtts://[::1]", BrokerUrl("mqtts", "::1", 8883)),
        ("ws://broker", BrokerUrl("ws", "broker", 80, "/mqtt")),
        ("wss://broker:9443/live", BrokerUrl("wss", "broker", 9443, "/live")),
        ("unix:///run/mosquitto.sock", BrokerUrl("unix", "", 0, "/run/mosquitto.sock")),
    ],
)
def test_broker_addresses_are_taken_apart(text: str, parts: BrokerUrl) -> None:
    assert parse_broker_url(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "://",
        "broker",
        "http://broker",
        "mqtt:broker",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://b:0",
        "mqtt://b:99999",
        "mqtt://b:x",
        "mqtt://b/topic",
        "mqtt://b?x=1",
        "mqtt://[::1",
        "mqtt://a b",
        "unix://",
        "unix://run/x",
    ],
)
def test_what_is_no_broker_address_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(Objection) as refused:
        parse_broker_url(text)
    assert refused.value.remedy


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(Objection, match="user name or password") as refused:
        parse_broker_url("mqtt://me:hunter2@broker")
    assert "hunter2" not in f"{refused.value} {refused.value.remedy}"


@given(st.text(max_size=40) | st.from_regex(r"(mqtts?|wss?|unix)://.{0,30}", fullmatch=True))
def test_any_text_is_a_broker_address_or_an_objection(text: str) -> None:
    try:
        parts = parse_broker_url(text)
    except Objection:
        return
    assert (parts.scheme == "unix" and parts.path.startswith("/")) or (parts.host and 1 <= parts.port <= 65535)


@pytest.mark.parametrize(
    "text", ["auto", "/dev/ttyACM0", "/dev/serial/by-id/usb-*", "tcp://pi:4001", "tls://[fe80::1]:4001", "!/dev/ttyACM3", "!/dev/tty*"]
)
def test_places_to_look_for_modules(text: str) -> None:
    assert checked_port(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "ttyACM0", "COM4", "tcp://pi", "tcp://pi:0", "tcp://pi:70000", "tcp://pi:4001/x", "udp://pi:1", "!auto", "!tcp://pi:1", "Auto"],
)
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(Objection, match="names no port"):
        checked_port(text)


def test_usb_ids_are_hexadecimal_pairs_in_capitals() -> None:
    assert checked_usb_id("16d0:0821") == "16D0:0821"
    for wrong in ("16D0", "16D0:821", "16D0:0821:1", "ghij:0821", ""):
        with pytest.raises(Objection, match="no USB id"):
            checked_usb_id(wrong)


@pytest.mark.parametrize("text", ["", "/a", "a/", "a//b", "a/+", "#", "$SYS", "a\n"])
def test_what_cannot_start_a_topic_is_refused(text: str) -> None:
    with pytest.raises(Objection):
        checked_topic(text)


@given(st.text(max_size=30))
def test_an_accepted_topic_has_neither_wildcards_nor_empty_levels(text: str) -> None:
    try:
        checked_topic(text)
    except Objection:
        return
    assert text
    assert not re.search(r"[+#]|^/|/$|//", text)


@pytest.mark.parametrize(
    ("given_state", "meant"),
    [("hold", "hold"), ("on", True), ("OFF", False), (True, True), (False, False), (4.5, 4.5), ("4.5", 4.5), (-2, -2.0), ("0", 0.0)],
)
def test_declared_states_in_all_their_spellings(given_state: object, meant: object) -> None:
    read = _STATE.validate_python(given_state)
    assert read == meant
    assert isinstance(read, bool) is isinstance(meant, bool)


@pytest.mark.parametrize("given_state", ["", "onn", "nan", "inf", float("nan"), float("inf"), None, [], {"on": 1}])
def test_what_is_no_declared_state_is_refused(given_state: object) -> None:
    with pytest.raises(ValidationError):
        _STATE.validate_python(given_state)
