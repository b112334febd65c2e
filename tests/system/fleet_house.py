"""A booted Debian under Ansible: broker and node in one, and programs that visit its ports."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.system.fleet import Fleet, Variables
from tests.system.service_house import ServiceHouse

_PYTHON = "/opt/bench/bin/python"
_CA = "/etc/mosquitto/lucid2mqtt/ca.pem"
_LISTEN = f"""
import sys, paho.mqtt.subscribe as subscribe
user, password, topic = sys.argv[1:]
login = {{"username": user, "password": password}}
message = subscribe.simple(topic, hostname="localhost", port=8883, auth=login, tls={{"ca_certs": "{_CA}"}})
print(message.topic, message.payload.decode())
"""
_SPEAK = f"""
import sys, paho.mqtt.publish as publish
user, password, topic, payload = sys.argv[1:]
login = {{"username": user, "password": password}}
publish.single(topic, payload, qos=1, retain=True, hostname="localhost", port=8883, auth=login, tls={{"ca_certs": "{_CA}"}})
"""
_VISIT = """
import socket, sys
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
for request in sys.stdin:
    line.sendall(bytes.fromhex(request))
    print(line.recv(256).hex(), flush=True)
"""


class Visitor:
    """A program inside that has a TCP connection to a port of this machine."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, request: bytes) -> bytes:
        """The answer; nothing when the connection is closed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(request.hex() + "\n")
        self._process.stdin.flush()
        return bytes.fromhex(self._process.stdout.readline())


class FleetHouse(ServiceHouse):
    fleet: Fleet
    node: Variables

    def hears(self, user: str, password: str, topic: str) -> str:
        return self.tell("timeout", "5", _PYTHON, "-c", _LISTEN, user, password, topic).strip()

    def says(self, user: str, password: str, topic: str, payload: str) -> int:
        return self.exit_code("timeout", "5", _PYTHON, "-c", _SPEAK, user, password, topic, payload)

    def release(self) -> str:
        return self.must("readlink", "/usr/local/bin/lucid2mqtt").strip()

    def text(self, path: str) -> str:
        return self.inside(path).read_text()

    @contextmanager
    def visitor(self, port: int) -> Iterator[Visitor]:
        words = ["nsenter", "--target", str(self.leader), "--all", "--", _PYTHON, "-u", "-c", _VISIT, str(port)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                yield Visitor(process)
            finally:
                process.kill()
