"""What a listener's keys become, and what is refused with which remedy."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from lucid2mqtt.lucid.frames import Status
from lucid2mqtt.passthrough.options import FileRights, LineSettings, ListenerOptions, Mode, OnTimeout, ServerTls, parse_listen
from lucid2mqtt.passthrough.rights import Access, Grant, Rights, Rule
from lucid2mqtt.settings.passthrough import PassthroughSettings

PLAIN = {"listen": "tcp://127.0.0.1:4001", "module": "Boiler room"}


def options(**keys: object) -> ListenerOptions:
    return PassthroughSettings.model_validate({**PLAIN, **keys}).options()


def test_a_listener_with_nothing_else_reads_and_is_for_this_machine() -> None:
    assert options() == ListenerOptions(listen=parse_listen("tcp://127.0.0.1:4001"), module="boiler-room")


def test_every_key_of_a_shared_listener_arrives() -> None:
    given = options(
        listen="tls://0.0.0.0:4002",
        access="none",
        channels={3: "read"},
        clients=[{"name": "anna", "access": "outputs", "channels": {0: "all"}}, {"address": "192.0.2.0/24"}],
        tls={"cert": "/etc/az-2.pem", "key": "/etc/az-2.key", "ca": "/etc/ca.pem"},
        max_clients=3,
        hold_s=-1,
        unknown="forward",
        refuse_with="close",
        on_timeout="silent",
        frames_per_s=100,
    )
    assert given == ListenerOptions(
        listen=parse_listen("tls://0.0.0.0:4002"),
        module="boiler-room",
        rights=Rights(
            Grant(Access.NONE, {3: Access.READ}),
            (
                Rule(grant=Grant(Access.OUTPUTS, {0: Access.ALL}), names=("anna",)),
                Rule(grant=Grant(Access.READ), networks=(ip_network("192.0.2.0/24"),)),
            ),
        ),
        tls=ServerTls(cert=Path("/etc/az-2.pem"), key=Path("/etc/az-2.key"), ca=Path("/etc/ca.pem")),
        max_clients=3,
        hold_s=None,
        forward_unknown=True,
        refuse_with=None,
        on_timeout=OnTimeout.SILENT,
        frames_per_s=100.0,
    )


def test_every_key_of_an_exclusive_device_arrives() -> None:
    line = {"baud_rate": 19200, "data_bits": 7, "parity": "E", "stop_bits": 1.5, "rtscts": True, "xonxoff": True}
    given = options(
        listen="pty:///run/x", module=None, port="/dev/ttyUSB0", mode="exclusive", access="all", group="dialout", file_mode=640, line=line
    )
    assert given == ListenerOptions(
        listen=parse_listen("pty:///run/x"),
        port="/dev/ttyUSB0",
        mode=Mode.EXCLUSIVE,
        rights=Rights(Grant(Access.ALL)),
        file_rights=FileRights(group="dialout", mode=0o640),
        line=LineSettings(baud_rate=19200, data_bits=7, parity="E", stop_bits=1.5, rtscts=True, xonxoff=True),
        idle_s=None,
    )


def test_a_share_of_everybody_is_that_of_each_client_unless_it_has_its_own() -> None:
    clients = [{"address": "192.0.2.7", "bus_share": 0.5}, {"address": "192.0.2.8", "bus_share": 1}, {"address": "192.0.2.9"}]
    rights = options(bus_share=0.2, clients=clients).rights
    assert rights.default.bus_share == 0.2
    assert [rule.grant.bus_share for rule in rights.rules] == [0.5, 1.0, 0.2]
    assert options(clients=clients).rights.default.bus_share is None


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"listen": "udp://127.0.0.1:1"}, "write tcp://host:port"),
        ({"module": None}, "either a module or a port"),
        ({"port": "/dev/ttyUSB0"}, "either a module or a port"),
        ({"mode": "exclusive"}, "give `access: all` to somebody"),
        ({"mode": "exclusive", "channels": {3: "all"}}, "leave `channels` out"),
        ({"listen": "tcp://0.0.0.0:4001", "access": "outputs"}, "name who may, by `address`"),
        ({"listen": "tls://0.0.0.0:4001"}, "name certificate and key"),
        ({"clients": [{"name": "anna", "address": "192.0.2.7"}]}, "by name or by address"),
        ({"clients": [{}]}, "by name or by address"),
        ({"clients": [{"address": "my desk"}]}, "no address range"),
        ({"file_mode": "rw"}, "no file mode"),
        ({"line": {"stop_bits": 3}}, "stop bits"),
        ({"bus_share": 0}, "greater than or equal to 0.01"),
        ({"bus_share": 30}, "less than or equal to 1"),
        ({"clients": [{"name": "anna", "bus_share": float("nan")}]}, "less than or equal to 1"),
        ({"refuse_with": "A1"}, "A0"),
        ({"max_clients": 0}, "greater than or equal to 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        options(**keys)


@pytest.mark.parametrize(("given", "status"), [("A0", Status.NSUP), ("D0", Status.ERR_EXEC), ("B8", Status.INV_IOCH)])
def test_a_refusal_is_chosen_by_its_code(given: str, status: Status) -> None:
    assert options(refuse_with=given).refuse_with is status


def test_an_exclusive_client_of_a_module_goes_after_a_silence_and_of_a_device_when_it_likes() -> None:
    assert options(mode="exclusive", access="all").idle_s == 60.0
    assert options(mode="exclusive", access="all", idle_s=5).idle_s == 5.0
    assert options(module=None, port="/dev/ttyUSB0", mode="exclusive", access="all").idle_s is None
