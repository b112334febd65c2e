"""The agent and the virtual modules as programs of their own, as users start them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.broker import wait_until

PROGRAM = (sys.executable, "-m", "lucid2mqtt")
_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("LUCID2MQTT_")}
END_WITHIN_S = 10.0


class Program:
    """One process; its output goes to `log`."""

    def __init__(self, words: Sequence[str], log: Path) -> None:
        self._words = (*PROGRAM, *words)
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(self._words, stdout=output, stderr=output, env=_CLEAN)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends it and gives its exit code; with SIGKILL without a word."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(END_WITHIN_S)
        self.process = None
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    @property
    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


class Modules(Program):
    """`lucid2mqtt simulate` on pseudo terminals in `folder`, with its control socket."""

    def __init__(self, folder: Path, *, world: str = "house", speed: float = 1.0, quirks: Sequence[str] = ()) -> None:
        self.folder = folder / "modules"
        words = ("simulate", "--world", world, "--speed", str(speed), "--dir", str(self.folder))
        super().__init__((*words, *(f"--quirk={quirk}" for quirk in quirks)), folder / "simulate.log")

    def start(self) -> Self:
        super().start()
        wait_until(lambda: "faults:" in self.said)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        code = super().stop(number)
        self.log.unlink(missing_ok=True)
        return code

    @property
    def pattern(self) -> str:
        return f"{self.folder}/usb-*"

    def ask(self, **request: Any) -> dict[str, Any]:  # Any: JSON
        """One line over the control socket, see `lucid2mqtt.sim.remote`."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(str(self.folder / "control.sock"))
            line.sendall(json.dumps(request).encode() + b"\n")
            with line.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        assert answer["ok"], answer
        return answer

    def outputs(self, module: str) -> dict[int, Any]:  # Any: bool or volts
        """What the outputs of `module` do, by channel."""
        return {int(channel): state for channel, state in self.ask(module=module, show="outputs")["outputs"].items()}


class AgentProgram(Program):
    """`lucid2mqtt run` with settings given as a dictionary."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:  # Any: JSON
        self.folder = folder
        self.file = folder / "settings.yaml"
        self.configure(settings)
        super().__init__(("run", "-c", str(self.file)), folder / "agent.log")

    def configure(self, settings: dict[str, Any]) -> None:
        """Writes the settings; JSON is YAML."""
        whole = {"state_dir": str(self.folder / "state"), "console": {"path": str(self.folder / "console.sock")}, **settings}
        self.file.write_text(json.dumps(whole))


@contextlib.contextmanager
def everything(
    folder: Path, broker_url: str, *, world: str = "house", **settings: Any
) -> Iterator[tuple[Modules, AgentProgram]]:  # Any: JSON
    """Virtual modules and an agent on them, node `az-2`."""
    with Modules(folder, world=world) as modules:
        whole = {"node": "az-2", "mqtt": {"url": broker_url}, "ports": [modules.pattern], **settings}
        with AgentProgram(folder, whole) as agent:
            yield modules, agent
