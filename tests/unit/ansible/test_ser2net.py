"""What the migration reads from the files of ser2net, new and old."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ansible.filters import role_filter

connections = role_filter("lucid2mqtt", "ser2net.py", "lucid2mqtt_ser2net")

DEBIAN = r"""%YAML 1.1
---
define: &banner \r\nser2net port \p device \d [\B] (Debian GNU/Linux)\r\n\r\n

connection: &con0096
    accepter: tcp,localhost,2000
    enable: on
    options:
      banner: *banner
      kickolduser: true
      telnet-brk-on-sync: true
    connector: serialdev,
              /dev/ttyACM0,
              9600n81,local
"""


def new(accepter: str = "tcp,4001", connector: str = "serialdev,/dev/ttyACM0,9600n81,local", more: str = "", before: str = "") -> str:
    return f"%YAML 1.1\n---\n{before}connection: &con1\n  accepter: {accepter}\n{more}  connector: {connector}\n"


def the_one(text: str) -> dict[str, Any]:  # Any: JSON
    found = connections(text)
    assert found["left"] == []
    (connection,) = found["connections"]
    assert isinstance(connection, dict)
    return connection


def left(text: str) -> str:
    found = connections(text)
    assert found["connections"] == []
    (one,) = found["left"]
    why = one["why"]
    assert isinstance(why, str)
    return why


# -- ser2net 4


def test_the_file_that_debian_installs_is_understood() -> None:
    assert the_one(DEBIAN) == {
        "name": "con0096",
        "scheme": "tcp",
        "host": "localhost",
        "port": 2000,
        "device": "/dev/ttyACM0",
        "line": {},
        "only": [],
        "idle_s": 0,
    }


@pytest.mark.parametrize(
    ("accepter", "scheme", "host"),
    [
        ("tcp,4001", "tcp", ""),
        ("4001", "tcp", ""),
        ("192.0.2.1,4001", "tcp", "192.0.2.1"),
        ("tcp(nodelay,readbuf=100),192.0.2.1,4001", "tcp", "192.0.2.1"),
        ("tcp,ipv4,192.0.2.1,4001", "tcp", "192.0.2.1"),
        ("tcp,ipv6,::1,4001", "tcp", "::1"),
        ("telnet,tcp,4001", "rfc2217", ""),
        ("telnet(rfc2217),tcp,localhost,4001", "rfc2217", "localhost"),
        ('"telnet(rfc2217=true,writebuf=100),tcp,4001"', "rfc2217", ""),
    ],
)
def test_an_accepter_says_how_and_where_clients_come_in(accepter: str, scheme: str, host: str) -> None:
    found = the_one(new(accepter))
    assert (found["scheme"], found["host"], found["port"]) == (scheme, host, 4001)


def test_an_accepter_at_two_addresses_is_two_connections() -> None:
    found = connections(new("tcp,192.0.2.1,4001,::1,4002"))["connections"]
    assert [(one["host"], one["port"]) for one in found] == [("192.0.2.1", 4001), ("::1", 4002)]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("", {}),
        (",local", {}),
        (",9600n81,local,nobreak,hangup-when-done,dtr=on", {}),
        (",19200E71", {"baud_rate": 19200, "parity": "E", "data_bits": 7}),
        (", 115200n82 local rtscts", {"baud_rate": 115200, "stop_bits": 2, "rtscts": True}),
        (",speed=300o81,xonxoff=true,rtscts=false", {"baud_rate": 300, "parity": "O", "xonxoff": True}),
        (",9600", {}),
    ],
)
def test_a_connector_says_how_the_line_is_set_up(words: str, line: dict[str, object]) -> None:
    assert the_one(new(connector=f"serialdev,/dev/ttyUSB0{words}"))["line"] == line


def test_defaults_hold_from_their_place_on_and_are_overruled_by_the_connection() -> None:
    before = "default:\n  name: speed\n  value: 115200n81\ndefault:\n  name: speed\n  value: 4800e71\n  class: serialdev\n"
    assert the_one(new(connector="serialdev,/dev/ttyUSB0,local", before=before))["line"] == {
        "baud_rate": 4800,
        "parity": "E",
        "data_bits": 7,
    }
    gone = before + "delete_default:\n  name: speed,\n  class: serialdev\n"
    assert the_one(new(connector="serialdev,/dev/ttyUSB0", before=gone))["line"] == {"baud_rate": 115200}
    assert the_one(new(connector="serialdev,/dev/ttyUSB0,9600n81", before=gone))["line"] == {}


def test_what_was_defined_is_put_in() -> None:
    before = 'define: &base "/dev/serial/by-path/pci-0000:00:1d.0"\ndefine: &port "*(base)-usb-0:1.8:1.0"\n'
    assert the_one(new(connector="serialdev,*(port)-port0,9600n81", before=before))["device"] == (
        "/dev/serial/by-path/pci-0000:00:1d.0-usb-0:1.8:1.0-port0"
    )
    assert "is no device" in left(new(connector="serialdev,*(nowhere)-port0"))


def test_comments_and_quotes_are_no_part_of_a_word() -> None:
    text = new("'tcp,4001'  # for the heaters", connector='"serialdev,/dev/ttyACM0,local" # relays', more="  # enable: off\n")
    assert the_one(text)["device"] == "/dev/ttyACM0"
    assert connections(new().replace("\nconnection", "\n# connection").replace("\n  ", "\n#  ")) == {"connections": [], "left": []}


def test_addresses_that_may_come_and_the_time_of_silence_are_kept() -> None:
    found = the_one(new(more='  timeout: 600\n  options:\n    remaddr: "192.0.2.17,0;ipv4,192.0.2.18,0"\n    kickolduser: true\n'))
    assert (found["only"], found["idle_s"]) == (["192.0.2.17", "192.0.2.18"], 600)


@pytest.mark.parametrize("word", ["off", "false", '"off"'])
def test_a_connection_that_is_off_is_nothing(word: str) -> None:
    assert connections(new(more=f"  enable: {word}\n")) == {"connections": [], "left": []}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (new("udp,4001"), "clients come in by udp"),
        (new("telnet,sctp,4001"), "clients come in by sctp"),
        (new("ssl(key=/etc/k.pem),tcp,4001"), "it is encrypted"),
        (new("tcp"), "no port number"),
        (new("tcp,0"), "is no port"),
        (new("tcp,65536"), "is no port"),
        (new("tcp,no host,4001"), "is no host"),
        (new(connector="ipmisol,lan -U admin 192.0.2.1,115200"), "leads to ipmisol"),
        (new(connector="serialdev"), "not to a serial device"),
        (new(connector="serialdev,ttyS0"), "is no device"),
        (new(connector="serialdev,/dev/ttyS0,rs485=0:0"), "RS-485"),
        (new(connector="serialdev,/dev/ttyS0,5000000n81"), "is no speed"),
        (new(more="  options:\n    pamauth: login\n"), "asks for a login"),
        (new(more="  options:\n    no-acc-to-con: true\n"), "one direction only"),
        (new(more="  options:\n    connback: tcp,192.0.2.1,99\n"), "by itself"),
        (new(more='  options:\n    remaddr: "!192.0.2.1,99"\n'), "by itself"),
        (new(more="  options:\n    remaddr: workshop,0\n"), "names no address"),
        ("%YAML 1.1\n---\nrotator: &r\n  accepter: tcp,4001\n  connections: [ *con1 ]\n", "several devices"),
        ("%YAML 1.1\n---\ninclude: /etc/ser2net/*.yaml\n", "lucid2mqtt_ser2net_files"),
    ],
)
def test_what_has_no_counterpart_is_left_with_a_reason(text: str, why: str) -> None:
    assert why in left(text)


def test_what_is_left_is_named_by_its_ports() -> None:
    (one,) = connections(new("udp,4001"))["left"]
    assert (one["name"], one["ports"]) == ("con1", [4001])


# -- ser2net 2 and 3


@pytest.mark.parametrize(
    ("line", "scheme", "host", "device"),
    [
        ("4001:raw:0:/dev/ttyACM0:9600 NONE 1STOPBIT 8DATABITS LOCAL", "tcp", "", "/dev/ttyACM0"),
        ("localhost,4001:raw:0:/dev/ttyACM0:9600", "tcp", "localhost", "/dev/ttyACM0"),
        ("4001:telnet:600:/dev/ttyACM0:9600 8DATABITS NONE 1STOPBIT banner remctl", "rfc2217", "", "/dev/ttyACM0"),
        ("4001:raw:0:/dev/ttyACM0", "tcp", "", "/dev/ttyACM0"),
        (
            "4001:raw:0:/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0:9600 LOCAL",
            "tcp",
            "",
            "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0",
        ),
    ],
)
def test_a_line_of_the_old_file_is_a_connection(line: str, scheme: str, host: str, device: str) -> None:
    found = the_one(f"# heaters\n\n{line}\n")
    assert (found["name"], found["scheme"], found["host"], found["port"], found["device"]) == ("line 3", scheme, host, 4001, device)


def test_an_old_line_is_set_up_by_its_words() -> None:
    found = the_one("4001:raw:600:/dev/ttyS0:19200 EVEN 2STOPBITS 7DATABITS XONXOFF -RTSCTS LOCAL remaddr=192.0.2.17\n")
    assert found["line"] == {"baud_rate": 19200, "parity": "E", "data_bits": 7, "stop_bits": 2, "xonxoff": True}
    assert (found["idle_s"], found["only"]) == (600, ["192.0.2.17"])


def test_banners_may_go_on_and_are_no_connections() -> None:
    text = "BANNER:hello:one\\\n4001:raw:0:/dev/ttyS0\\\nlast\nTRACEFILE:t:/tmp/x\n4002:off:0:/dev/ttyS1:9600\n4003:raw:0:/dev/ttyS2:9600\n"
    assert the_one(text)["port"] == 4003


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("4001:rawlp:0:/dev/lp0:9600", "state rawlp"),
        ("udp,4001:raw:0:/dev/ttyS0:9600", "clients come in by udp"),
        ("4001:raw:0:sol.alias:9600", "is no device"),
        ("ROTATOR:4001:1,2", "not understood"),
        ("what is this", "not understood"),
    ],
)
def test_an_old_line_without_a_counterpart_is_left_with_a_reason(line: str, why: str) -> None:
    assert why in left(f"{line}\n")


# -- whatever stands there

KEYS = st.sampled_from(
    ["connection", "default", "define", "rotator", "accepter", "connector", "options", "enable", "timeout", "name", "value", "class"]
)
VALUES = st.sampled_from(
    ["tcp", "telnet", "serialdev", "/dev/ttyS0", "4001", "localhost", "9600n81", "off", "raw", "remaddr", "::1", "rfc2217", "%YAML"]
)
ODDITIES = st.sampled_from(
    [":", ",", "&", "*", "(", ")", '"', "'", "#", "\\", "-", "=", ";", "!", "*(x)", "&x", "99999999999999999999", "²", "٣"]
)
WORDS = KEYS | VALUES | ODDITIES
LINES = st.lists(
    st.tuples(st.sampled_from(["", "  ", "    ", "\t"]), st.lists(WORDS, max_size=8), st.sampled_from(["", " ", ":", ": ", ","]))
)


def _text(lines: list[tuple[str, list[str], str]]) -> str:
    return "\n".join(indent + glue.join(words) for indent, words, glue in lines)


@given(st.booleans(), LINES.map(_text) | st.text())
def test_no_file_is_too_strange(is_new: bool, text: str) -> None:
    found = connections("%YAML 1.1\n" + text if is_new else text)
    for connection in found["connections"]:
        assert connection["scheme"] in ("tcp", "rfc2217")
        assert 1 <= connection["port"] <= 65535
        assert connection["device"].startswith("/")
    assert all(isinstance(one["why"], str) and one["why"] for one in found["left"])


DEVICES = st.from_regex(r"/dev/[A-Za-z0-9_.:/-]{1,20}", fullmatch=True)


@given(
    st.integers(1, 65535),
    st.sampled_from(["", "localhost", "192.0.2.1", "::1"]),
    DEVICES,
    st.sampled_from([300, 9600, 115200]),
    st.sampled_from("NEO"),
)
def test_both_kinds_of_files_say_the_same(port: int, host: str, device: str, rate: int, parity: str) -> None:
    where = f"{host},{port}" if host else str(port)
    words = {"N": "NONE", "E": "EVEN", "O": "ODD"}[parity]
    young = the_one(new(f"tcp,{where}", f"serialdev,{device},{rate}{parity.lower()}81,local"))
    if ":" in host:  # the old file separates by colons
        assert young["host"] == host
        return
    old = the_one(f"{where}:raw:0:{device}:{rate} {words} 1STOPBIT 8DATABITS LOCAL\n")
    assert {**young, "name": ""} == {**old, "name": ""}
