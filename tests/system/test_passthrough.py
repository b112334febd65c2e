"""Passthrough in the whole agent: old programs beside MQTT, as users start them."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lucid2mqtt.lucid.frames import get_id, get_io, set_io
from lucid2mqtt.lucid.values import ValueType, encode
from tests.broker import Broker, Peer, free_port, running_broker, wait_until
from tests.processes import PROGRAM, everything

ROOT = "lucid2mqtt/az-2"
OFF, ON = (encode(ValueType.DI1, state) for state in (False, True))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as running:
        yield running


def _ask(port: int, request: bytes, length: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(request)
        answer = b""
        while len(answer) < length and (chunk := line.recv(length - len(answer))):
            answer += chunk
        return answer


def test_a_legacy_client_switches_and_mqtt_shows_it_and_rights_are_reloaded(tmp_path: Path, broker: Broker) -> None:
    port = free_port()
    listener = {"module": "do4-500102", "listen": f"tcp://127.0.0.1:{port}", "access": "outputs"}
    with everything(tmp_path, broker.url, passthrough=[listener]) as (modules, agent), Peer(broker.port, f"{ROOT}/#") as peer:
        wait_until(lambda: peer.last(f"{ROOT}/do4-500102/1/state") == "OFF")
        wait_until(lambda: f"127.0.0.1:{port}" in _clients(agent.folder))
        assert _ask(port, set_io(1, ValueType.DI1, ON).encode(), 2) == b"\x00\x00"
        wait_until(lambda: peer.last(f"{ROOT}/do4-500102/1/state") == "ON")
        assert modules.outputs("do4-500102")[1] is True

        settings = {"node": "az-2", "mqtt": {"url": broker.url}, "ports": [modules.pattern]}
        agent.configure({**settings, "passthrough": [{**listener, "access": "read"}]})
        assert agent.process is not None
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "rights are read again" in agent.said)
        assert _ask(port, set_io(1, ValueType.DI1, OFF).encode(), 2) == b"\xa0\x00"
        assert _ask(port, get_io(1, ValueType.DI1).encode(), 3) == b"\x00\x01\x01"
        assert modules.outputs("do4-500102")[1] is True

        agent.configure({**settings, "passthrough": [{**listener, "access": "everything"}]})
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the earlier ones stay in force" in agent.said)
        assert _ask(port, get_io(1, ValueType.DI1).encode(), 3) == b"\x00\x01\x01"


def test_a_pseudo_terminal_of_the_agent_serves_socat_beside_a_socket(tmp_path: Path, broker: Broker) -> None:
    port, link = free_port(), tmp_path / "lio0"
    listeners = [
        {"module": "do4-500102", "listen": f"tcp://127.0.0.1:{port}"},
        {"module": "do4-500102", "listen": f"pty://{link}", "access": "outputs"},
    ]
    with everything(tmp_path, broker.url, passthrough=listeners) as (_, agent), Peer(broker.port, f"{ROOT}/#") as peer:
        wait_until(lambda: peer.last(f"{ROOT}/do4-500102/status") == "online" and link.is_symlink())
        wait_until(lambda: f"127.0.0.1:{port}" in _clients(agent.folder))
        switched = subprocess.run(
            ["socat", "-t", "1", "-", f"{link},raw,echo=0"], input=set_io(2, ValueType.DI1, ON).encode(), capture_output=True, check=True
        )
        assert switched.stdout == b"\x00\x00"
        wait_until(lambda: peer.last(f"{ROOT}/do4-500102/2/state") == "ON")
        assert _ask(port, get_id().encode(), 18)[:2] == b"\x00\x10"
    assert not link.is_symlink(), "the link goes with the agent"


def test_the_clients_and_their_frames_are_shown(tmp_path: Path, broker: Broker) -> None:
    port = free_port()
    listener = {"module": "do4-500102", "listen": f"tcp://127.0.0.1:{port}"}
    with everything(tmp_path, broker.url, passthrough=[listener]) as (_, agent), Peer(broker.port, f"{ROOT}/#") as peer:
        wait_until(lambda: peer.last(f"{ROOT}/do4-500102/status") == "online")
        wait_until(lambda: f"127.0.0.1:{port}" in _clients(agent.folder))
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(get_id().encode())
            assert len(line.recv(18)) == 18
            wait_until(lambda: "127.0.0.1" in _clients(agent.folder).split("number")[1])
            assert _console(agent.folder, "trace", "1", "--once") == ""
            line.sendall(set_io(0, ValueType.DI1, ON).encode())
            assert line.recv(2) == b"\xa0\x00"
            traced = _console(agent.folder, "trace", "1", "--once")
            assert "SetIo channel 0 [40 00 00 01 01] -> [a0 00]" in traced
            _console(agent.folder, "clients", "--disconnect", "1")
            assert line.recv(1) == b""


def _clients(folder: Path) -> str:
    return _console(folder, "clients")


def _console(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [*PROGRAM, *words, "--console", str(folder / "console.sock")], capture_output=True, text=True, timeout=20, check=False
    )
    return done.stdout
