from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.port.address import SerialAddress, TcpAddress, TlsAddress, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/dev/ttyACM0", SerialAddress("/dev/ttyACM0")),
        ("/dev/serial/by-id/usb-a b", SerialAddress("/dev/serial/by-id/usb-a b")),
        ("tcp://192.168.1.20:4001", TcpAddress("192.168.1.20", 4001)),
        ("TCP://pi.lan:4001", TcpAddress("pi.lan", 4001)),
        ("tls://pi.lan:4433", TlsAddress("pi.lan", 4433)),
        ("tcp://[::1]:4001", TcpAddress("::1", 4001)),
    ],
)
def test_an_address_is_read(text: str, address: object) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ttyACM0",
        "COM6",
        "/dev/tty\0ACM0",
        "http://pi.lan:80",
        "serial:4711",
        "tcp://",
        "tcp://pi.lan",
        "tcp://:4001",
        "tcp://pi.lan:0",
        "tcp://pi.lan:65536",
        "tcp://pi.lan:four",
        "tcp://::1:4001",
        "tcp://pi.lan:4001/path",
        "tcp://user@pi.lan:4001",
        "tls://pi.lan:4001?ca=x",
    ],
)
def test_what_is_no_address_is_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"write .*tcp://host:port|write a full path"):
        parse_address(text)


hosts = st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{2,5})?", fullmatch=True) | st.ip_addresses().map(str)
ports = st.integers(1, 65535)
addresses = (
    st.builds(TcpAddress, hosts, ports)
    | st.builds(TlsAddress, hosts, ports)
    | st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))
    .filter(lambda path: "://" not in "/" + path)
    .map(lambda path: SerialAddress("/" + path))
)


@given(addresses)
def test_every_address_survives_being_written_and_read(address: object) -> None:
    assert parse_address(str(address)) == address


@given(st.text())
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert parse_address(str(address)) == address
