"""A booted Debian with virtual modules on pseudo terminals, and the agent as its service."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

from lucid2mqtt.console.client import ConsoleClient
from tests.broker import wait_until
from tests.system.nspawn import Machine, in_root

UNIT = "lucid2mqtt.service"
RELAYS = "do4-500102"
_BENCH = """
[Service]
RuntimeDirectory=modules
ExecStart={program} simulate --dir /run/modules
"""
_TO_DIALOUT = "for link in /run/modules/usb-*; do port=$(readlink -f $link); chgrp dialout $port && chmod 660 $port; done"


def add_program(root: Path, wheels: Path, home: str) -> None:
    """The program in an environment of its own, from wheels alone."""
    shutil.copytree(wheels, root / "wheels")
    in_root(root, "python3", "-m", "venv", home)
    in_root(root, f"{home}/bin/pip", "install", "-q", "--no-index", "--find-links", "/wheels", "lucid2mqtt")
    shutil.rmtree(root / "wheels")


def add_bench(root: Path, program: str) -> None:
    """The service of the virtual modules; root's, so that nobody has their ports by chance."""
    (root / "etc/systemd/system/bench.service").write_text(_BENCH.format(program=program))


class ServiceHouse(Machine):
    """The machine, seen as an owner of modules sees it. Its relay module has serial number 500102 and is called heaters."""

    def start_bench(self) -> None:
        """Puts the modules in; their ports belong to dialout, as udev has it."""
        self.must("systemctl", "start", "bench")
        wait_until(self.inside("/run/modules/control.sock").exists)
        self.must("sh", "-c", _TO_DIALOUT)

    def modules(self, **request: Any) -> dict[str, Any]:  # Any: JSON
        """One line over the modules' control socket, see `lucid2mqtt.sim.remote`."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(str(self.inside("/run/modules/control.sock")))
            line.sendall(json.dumps(request).encode() + b"\n")
            with line.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        assert answer["ok"], answer
        return answer

    def relays(self) -> tuple[bool, bool]:
        """What the first two relays really do."""
        outputs = self.modules(module=RELAYS, show="outputs")["outputs"]
        return outputs["0"], outputs["1"]

    def agent(self, *words: str) -> str:
        return self.must("lucid2mqtt", *words)

    def pid(self) -> int:
        return int(self.show(UNIT, "MainPID"))

    def serves_heaters(self) -> bool:
        console = ConsoleClient.connect(self.inside("/run/lucid2mqtt/console.sock"))
        if console is None:
            return False
        with console:
            return any(module["name"] == "heaters" and module.get("online") for module in console.ask("modules"))

    def switch_both_on(self) -> None:
        self.agent("write", "serial:500102", "0=ON", "1=ON")
        assert self.relays() == (True, True)
