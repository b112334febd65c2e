"""The two filters of the Ansible roles."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROLES = Path(__file__).parents[2] / "ansible/roles"


def _filter(path: str, name: str) -> Callable[..., Any]:  # Any: Ansible's own
    found: Callable[..., Any] = runpy.run_path(str(ROLES / path))["FilterModule"]().filters()[name]
    return found


hashed = _filter("lucid2mqtt_broker/filter_plugins/passwords.py", "lucid2mqtt_broker_hash")
connections = _filter("lucid2mqtt/filter_plugins/ser2net.py", "lucid2mqtt_ser2net_connections")

PLAIN = """
connection: &con0096
    accepter: tcp,localhost,2000
    enable: on
    connector: serialdev,
              /dev/ttyACM0,
              9600n81,local
"""


def test_a_password_gives_the_same_line_at_every_run_and_another_for_every_user() -> None:
    assert hashed("geheim", "broker az-2") == hashed("geheim", "broker az-2")
    assert hashed("geheim", "broker az-2") != hashed("geheim", "broker az-3")
    assert hashed("geheim", "broker az-2") != hashed("anders", "broker az-2")


def test_a_password_has_the_form_that_mosquitto_reads() -> None:
    assert re.fullmatch(r"\$7\$\d+\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==", hashed("geheim", "broker az-2"))


def test_a_connection_of_ser2net_is_found() -> None:
    assert connections(PLAIN) == [{"listen": "tcp://localhost:2000", "device": "/dev/ttyACM0"}]


def test_without_a_host_ser2net_listens_everywhere() -> None:
    (found,) = connections(PLAIN.replace("localhost,", ""))
    assert found["listen"] == "tcp://0.0.0.0:2000"


@pytest.mark.parametrize("accepter", ["telnet,tcp,2000", "telnet(rfc2217),tcp,2000"])
def test_telnet_over_tcp_is_a_connection_too(accepter: str) -> None:
    (found,) = connections(PLAIN.replace("tcp,localhost,2000", accepter))
    assert found["listen"] == "tcp://0.0.0.0:2000"


@pytest.mark.parametrize(
    "text",
    [
        "",
        PLAIN.replace("enable: on", "enable: off"),
        re.sub("^", "#", PLAIN, flags=re.MULTILINE),
        PLAIN.replace("tcp,localhost,2000", "udp,2000"),
    ],
)
def test_what_is_off_or_no_tcp_is_no_connection(text: str) -> None:
    assert connections(text) == []
