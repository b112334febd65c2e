"""Processor and memory while every channel is read once a second."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator

from tests.bench.agents import installed
from tests.bench.modules import CHANNELS
from tests.bench.stage import Effort, Stage, stage
from tests.bench.table import Figure, Row, Table
from tests.bench.usage import processor_s, resident_mb

MODULES = (2, 8)
REACH = {("processor", 8): "<= 0.7 %", ("memory", 8): "<= 45 MB"}
UNITS = {"processor": "% of a core", "memory": "MB", "heard": "readings/s"}


def measure(effort: Effort) -> Iterator[Table]:
    agents = installed()
    rounds: dict[tuple[str, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(effort.rounds):
        for modules in MODULES:
            for agent in agents:
                with stage(agent, modules=modules) as running:
                    running.settle()
                    for what, value in use(running, effort.seconds).items():
                        rounds[what, modules][agent.name].append(value)
    rows = tuple(
        Row(
            f"{what}, {modules * CHANNELS} channels",
            UNITS[what],
            {name: Figure.of(values) for name, values in rounds[what, modules].items()},
            REACH.get((what, modules), ""),
        )
        for what in UNITS
        for modules in MODULES
    )
    yield Table("Load, every channel read at 1 Hz", tuple(agent.name for agent in agents), rows, ("lucid2mqtt", "mqtt-io"))


def use(running: Stage, seconds: float) -> dict[str, float]:
    """What the agent uses for what it gives, over `seconds`."""
    pid, listener = running.running.pid, running.listener
    spent_s, heard, begun = processor_s(pid), listener.counted, time.monotonic()
    listener.pump(seconds)
    passed_s = time.monotonic() - begun
    return {
        "processor": 100 * (processor_s(pid) - spent_s) / passed_s,
        "memory": resident_mb(pid),
        "heard": (listener.counted - heard) / passed_s,
    }
