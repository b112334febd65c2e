"""The programs that are measured: how each is told what to do, and how it is reached."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tests.bench.modules import CHANNELS, Modules

_PATIENCE_S = 8.0


@dataclass(frozen=True, slots=True)
class Task:
    """What an agent is to do: read `analog` every `poll_s` seconds, obey for the first output of `output`."""

    folder: Path
    broker_port: int
    analog: Sequence[str]
    output: str
    poll_s: float

    @classmethod
    def of(cls, folder: Path, broker_port: int, modules: Modules, poll_s: float) -> Self:
        return cls(folder, broker_port, modules.analog, modules.output, poll_s)


class Agent(Protocol):
    """One program. `readings` is the topic filter of what the analog modules measure."""

    name: str
    readings: str
    command: str
    state: str

    def prepare(self, task: Task) -> list[str]:
        """Writes the settings; the command line that starts it."""


class Lucid2Mqtt:
    name = "lucid2mqtt"
    readings = "lucid2mqtt/bench/+/+/state"
    command = "lucid2mqtt/bench/out/0/set"
    state = "lucid2mqtt/bench/out/0/state"

    def prepare(self, task: Task) -> list[str]:
        settings = task.folder / "lucid2mqtt.yaml"
        settings.write_text(
            "\n".join(
                (
                    "node: bench",
                    f"mqtt: {{url: 'mqtt://127.0.0.1:{task.broker_port}'}}",
                    f"state_dir: {task.folder}/state",
                    f"console: {{path: {task.folder}/console.sock}}",
                    "ports:",
                    *(f"  - {path}" for path in (*task.analog, task.output)),
                    "modules:",
                    *(f"  - {{match: {{port: {path}}}, name: in{i}, poll_s: {task.poll_s}}}" for i, path in enumerate(task.analog)),
                    f"  - {{match: {{port: {task.output}}}, name: out}}",
                ),
            ),
        )
        return [sys.executable, "-m", "lucid2mqtt", "run", "-c", str(settings)]


class MqttIo:
    """mqtt-io reads no faster than once a second; `repeated` asks for every channel that many times instead."""

    name = "mqtt-io"
    readings = "bench/sensor/+"
    command = "bench/output/out/set"
    state = "bench/output/out"

    def __init__(self, python: str, *, repeated: int = 1) -> None:
        self.python = python
        self._repeated = repeated

    def prepare(self, task: Task) -> list[str]:
        settings = task.folder / "mqtt-io.yaml"
        inputs = [
            {"name": f"in{i}-{channel}-{again}", "module": f"in{i}", "channel": channel, "interval": 1, "digits": 3, "retain": True}
            for i in range(len(task.analog))
            for channel in range(CHANNELS)
            for again in range(self._repeated)
        ]
        document = {
            "mqtt": {"host": "127.0.0.1", "port": task.broker_port, "topic_prefix": "bench", "reconnect_delay": 1},
            "sensor_modules": [{"name": f"in{i}", "module": "lucid_bench", "device": path} for i, path in enumerate(task.analog)],
            "sensor_inputs": inputs,
            "gpio_modules": [{"name": "out", "module": "lucid_bench", "device": task.output}],
            "digital_outputs": [{"name": "out", "module": "out", "pin": 0, "retain": True}],
            "options": {"install_requirements": False},
        }
        settings.write_text(json.dumps(document))  # JSON is YAML
        return [self.python, str(Path(__file__).with_name("mqttio_agent.py")), str(settings)]


def installed() -> tuple[Agent, ...]:
    """lucid2mqtt, and mqtt-io where MQTTIO_PY names the Python it is installed for."""
    python = os.environ.get("MQTTIO_PY")
    return (Lucid2Mqtt(), *((MqttIo(python),) if python else ()))


class Running:
    """An agent at work while the context lasts; `begun_ns` is when it was started (CLOCK_MONOTONIC)."""

    def __init__(self, agent: Agent, task: Task) -> None:
        self._command = agent.prepare(task)
        self._log = task.folder / f"{agent.name}.log"

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self.begun_ns = time.monotonic_ns()
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Raises RuntimeError, with what it said, when it has ended by itself."""
        if self._process.poll() is not None:
            raise RuntimeError(f"it ended by itself:\n{self._log.read_text(errors='replace')[-2000:]}")
        return self._process.pid
