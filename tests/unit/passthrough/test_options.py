from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.passthrough.options import ListenAddress, ListenerOptions, Mode, Scheme, ServerTls, parse_listen
from lucid2mqtt.passthrough.rights import Access, Grant, Rights, Rule

FILES = ServerTls(cert=Path("cert.pem"), key=Path("key.pem"))
MUTUAL = ServerTls(cert=Path("cert.pem"), key=Path("key.pem"), ca=Path("ca.pem"))


@pytest.mark.parametrize(
    "text", ["tcp://127.0.0.1:4001", "tls://0.0.0.0:4443", "rfc2217://[::1]:7000", "unix:///run/l.sock", "pty:///run/lucid2mqtt/lio0"]
)
def test_an_address_prints_as_it_is_written(text: str) -> None:
    assert str(parse_listen(text)) == text


def test_without_a_host_nobody_else_can_connect() -> None:
    assert parse_listen("tcp://:4001") == ListenAddress(Scheme.TCP, "127.0.0.1", 4001)
    assert parse_listen("tcp://:4001").is_local


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4001",
        "udp://127.0.0.1:1",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:70000",
        "tcp://host:1/path",
        "tcp://me@host:1",
        "pty://run/lio0",
        "pty:///",
        "unix:///run/",
    ],
)
def test_what_is_no_address_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|needs"):
        parse_listen(text)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        address = parse_listen(text)
    except ValueError:
        return
    assert parse_listen(str(address)) == address


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.9.9.9", True), ("0.0.0.0", False), ("::", False), ("lab.lan", False)],
)
def test_only_loopback_is_local(host: str, is_local: bool) -> None:
    assert ListenAddress(Scheme.TCP, host, 1).is_local is is_local


def listener(
    listen: str = "tcp://127.0.0.1:4001", *, access: Access = Access.READ, rules: tuple[Rule, ...] = (), tls: ServerTls | None = None
) -> ListenerOptions:
    return ListenerOptions(listen=parse_listen(listen), module="heaters", rights=Rights(Grant(access), rules), tls=tls)


def test_reading_is_all_that_is_given_unasked() -> None:
    assert ListenerOptions(listen=parse_listen("tcp://:1"), module="m").rights.most is Access.READ


def test_writing_for_everybody_is_possible_on_this_machine_only() -> None:
    assert listener(access=Access.OUTPUTS).rights.most is Access.OUTPUTS
    for rights in ({"access": Access.OUTPUTS}, {"rules": (Rule(grant=Grant(Access.OUTPUTS)),)}):
        with pytest.raises(ValueError, match="by `address`"):
            listener("tcp://0.0.0.0:4001", **rights)
    lab = Rule(grant=Grant(Access.OUTPUTS), networks=(ip_network("192.0.2.0/24"),))
    assert listener("tcp://0.0.0.0:4001", rules=(lab,)).rights.most is Access.OUTPUTS


def test_writing_over_tls_needs_certificates_of_the_clients() -> None:
    with pytest.raises(ValueError, match="`ca`"):
        listener("tls://0.0.0.0:4443", access=Access.OUTPUTS, tls=FILES)
    assert listener("tls://0.0.0.0:4443", access=Access.OUTPUTS, tls=MUTUAL).tls is MUTUAL
    assert listener("tls://0.0.0.0:4443", tls=FILES).rights.most is Access.READ


@pytest.mark.parametrize(
    ("how", "remedy"),
    [
        ({}, "either a module or a port"),
        ({"module": "m", "port": "/dev/ttyS0"}, "either a module or a port"),
        ({"port": "/dev/ttyS0"}, "mode: exclusive"),
        ({"module": "m", "mode": Mode.EXCLUSIVE}, "access: all"),
        ({"module": "m", "mode": Mode.EXCLUSIVE, "rights": Rights(Grant(Access.READ, {3: Access.ALL}))}, "leave `channels` out"),
        ({"module": "m", "mode": Mode.EXCLUSIVE, "rights": Rights(Grant(Access.ALL, {3: Access.NONE}))}, "leave `channels` out"),
        (
            {"module": "m", "mode": Mode.EXCLUSIVE, "rights": Rights(Grant(Access.ALL), (Rule(grant=Grant(channels={3: Access.ALL})),))},
            "leave `channels` out",
        ),
        ({"module": "m", "tls": FILES}, "tls:// address"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_remedy(how: dict[str, object], remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        ListenerOptions(listen=parse_listen("tcp://:1"), **how)  # type: ignore[arg-type]


def test_a_tls_listener_needs_its_certificate() -> None:
    with pytest.raises(ValueError, match="certificate and key"):
        listener("tls://127.0.0.1:1")
