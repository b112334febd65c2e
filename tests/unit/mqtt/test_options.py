from __future__ import annotations

from pathlib import Path

import pytest

from lucid2mqtt.mqtt.options import BrokerAddress, MqttOptions, TlsFiles, parse_broker_url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://broker.lan", BrokerAddress("mqtt", "broker.lan", 1883)),
        ("mqtts://broker.lan", BrokerAddress("mqtts", "broker.lan", 8883)),
        ("mqtt://[::1]:1884", BrokerAddress("mqtt", "::1", 1884)),
        ("ws://broker.lan:9001", BrokerAddress("ws", "broker.lan", 9001, "/mqtt")),
        ("wss://broker.lan/hub", BrokerAddress("wss", "broker.lan", 443, "/hub")),
        ("unix:///run/mosquitto.sock", BrokerAddress("unix", "/run/mosquitto.sock")),
    ],
)
def test_a_url_names_the_broker(url: str, address: BrokerAddress) -> None:
    assert parse_broker_url(url) == address
    assert parse_broker_url(str(address)) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "broker.lan",
        "http://broker.lan",
        "mqtt://",
        "mqtt://broker.lan:0",
        "mqtt://broker.lan:70000",
        "mqtt://broker.lan:x",
        "mqtt://broker.lan/path",
        "unix://relative",
        "ws://broker.lan?x=1",
    ],
)
def test_an_unusable_url_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        parse_broker_url(url)


def test_a_password_in_the_url_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValueError, match="user name") as refused:
        parse_broker_url("mqtt://lucid:secret@broker.lan")
    assert "secret" not in str(refused.value)


def test_certificates_without_tls_are_refused() -> None:
    with pytest.raises(ValueError, match="mqtts"):
        MqttOptions(url="mqtt://broker.lan", tls=TlsFiles(ca=Path("ca.pem")))
    with pytest.raises(ValueError, match="certificate"):
        MqttOptions(url="mqtts://broker.lan", tls=TlsFiles(key=Path("key.pem")))


def test_options_never_show_the_password() -> None:
    assert "secret" not in repr(MqttOptions(password="secret"))
