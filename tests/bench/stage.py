"""One run of one agent: a broker, measuring modules, the agent and a listener, all gone at the end."""

from __future__ import annotations

import contextlib
import random
import select
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.agents import Agent, Running, Task
from tests.bench.modules import Modules
from tests.bench.probe import Probe
from tests.broker import Broker, running_broker

FIRST_READING_WITHIN_S = 30.0
SETTLING_S = 2.0
COMMAND_WITHIN_S = 3.0
BETWEEN_COMMANDS_S = (0.004, 0.016)  # irregular, so that no command falls into step with anything


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    rounds: int
    seconds: float
    commands: int


@dataclass(frozen=True, slots=True)
class Stage:
    """An agent that has given its first reading, `start_ms` after it was started."""

    agent: Agent
    broker: Broker
    modules: Modules
    running: Running
    listener: Probe
    start_ms: float

    def settle(self) -> None:
        """Lets what a start brings with it pass by."""
        self.listener.pump(SETTLING_S)
        self.listener.heard.clear()


@contextlib.contextmanager
def private_broker() -> Iterator[Broker]:
    """A mosquitto as it comes, but silent: a log line for every message would be a part of every latency."""
    with tempfile.TemporaryDirectory(prefix="lucid2mqtt-bench-") as folder, running_broker(Path(folder), extra="log_type none") as broker:
        yield broker


@contextlib.contextmanager
def stage(agent: Agent, *, modules: int, poll_s: float = 1.0) -> Iterator[Stage]:
    """`agent` with `modules` analog modules and an output module; RuntimeError when no reading comes."""
    with (
        tempfile.TemporaryDirectory(prefix="lucid2mqtt-bench-") as folder,
        private_broker() as broker,
        Modules(modules) as bank,
        Probe(broker.port, agent.readings) as listener,
        Running(agent, Task.of(Path(folder), broker.port, bank, poll_s)) as running,
    ):
        listener.pump(FIRST_READING_WITHIN_S, until=lambda: first_reading(listener, agent) or running.pid is None)
        first = first_reading(listener, agent)
        if first is None:
            raise RuntimeError(f"{agent.name} gave no reading within {FIRST_READING_WITHIN_S:g} s")
        yield Stage(agent, broker, bank, running, listener, (first - running.begun_ns) / 1e6)


def first_reading(listener: Probe, agent: Agent) -> int | None:
    """When the first one was heard that is no state of an output (CLOCK_MONOTONIC, ns)."""
    return next((heard.at_ns for heard in listener.heard if heard.topic != agent.state), None)


@dataclass(slots=True)
class Commands:
    """What became of commands: milliseconds until the whole frame was at the module, and until its new state was heard."""

    wire_ms: list[float]
    echo_ms: list[float]
    lost: int = 0


def send_commands(stage: Stage, count: int, qos: int) -> Commands:
    """Switches the output `count` times, each time to the other state."""
    outcome = Commands([], [])
    with Probe(stage.broker.port) as sender, Probe(stage.broker.port, stage.agent.state) as listener:
        listener.pump(0.1)
        for number in range(count):
            sender.pump(random.uniform(*BETWEEN_COMMANDS_S))
            stage.listener.pump(0.0)
            wire_ms, echo_ms = send_command(stage, sender, listener, qos, state=number % 2 == 0)
            if wire_ms is not None:
                outcome.wire_ms.append(wire_ms)
            if echo_ms is not None:
                outcome.echo_ms.append(echo_ms)
            outcome.lost += wire_ms is None or echo_ms is None
    return outcome


def send_command(
    stage: Stage, sender: Probe, listener: Probe, qos: int, *, state: bool, within_s: float = COMMAND_WITHIN_S
) -> tuple[float | None, float | None]:
    """One command; None for what did not happen in time."""
    events = stage.modules.events
    while select.select([events], [], [], 0)[0]:
        stage.modules.next_write()
    listener.heard.clear()
    word = "ON" if state else "OFF"
    wire_ms = echo_ms = None
    begun_ns = time.monotonic_ns()
    end = time.monotonic() + within_s
    sender.say(stage.agent.command, word, qos)
    while (wire_ms is None or echo_ms is None) and (left_s := end - time.monotonic()) > 0:
        ready = select.select([events, listener.socket, sender.socket], [], [], left_s)[0]
        if events in ready:
            arrived_ns, written = stage.modules.next_write()
            if written is state:
                wire_ms = (arrived_ns - begun_ns) / 1e6
        if listener.socket in ready:
            listener.read()
            echo_ms = next(((heard.at_ns - begun_ns) / 1e6 for heard in listener.heard if heard.payload == word.encode()), None)
        if sender.socket in ready:
            sender.read()
    return wire_ms, echo_ms
