"""From 1 module to 64: what a reading costs, and how long a command takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.bench.agents import Lucid2Mqtt
from tests.bench.load import use
from tests.bench.stage import Effort, send_commands, stage
from tests.bench.table import Figure, Row, Table, percentile

MODULES = (1, 4, 16, 64)
POLL_S = 0.25
"""Fast enough that the readings, and not the agent's own second hand, are what is paid for."""
REACH = {"processor per reading": "<= 1.3 from 1 to 64", "command to wire, QoS 1, p50": "<= 1.5 from 1 to 64"}
UNITS = {
    "start to first reading": "ms",
    "processor per reading": "us",
    "memory": "MB",
    "command to wire, QoS 1, p50": "ms",
    "command to wire, QoS 1, p99": "ms",
}


def measure(effort: Effort) -> Iterator[Table]:
    rounds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(effort.rounds):
        for modules in MODULES:
            with stage(Lucid2Mqtt(), modules=modules, poll_s=POLL_S) as running:
                running.settle()
                used = use(running, effort.seconds)
                wire_ms = send_commands(running, effort.commands // 2, 1).wire_ms
                figures = {
                    "start to first reading": running.start_ms,
                    "processor per reading": used["processor"] / used["heard"] * 1e4,
                    "memory": used["memory"],
                    "command to wire, QoS 1, p50": percentile(wire_ms, 0.5),
                    "command to wire, QoS 1, p99": percentile(wire_ms, 0.99),
                }
                for what, value in figures.items():
                    rounds[what][str(modules)].append(value)
    columns = tuple(map(str, MODULES))
    rows = tuple(
        Row(what, unit, {column: Figure.of(values) for column, values in rounds[what].items()}, REACH.get(what, ""))
        for what, unit in UNITS.items()
    )
    yield Table(f"Growth: analog modules, every channel read at {1 / POLL_S:g} Hz", columns, rows, (columns[-1], columns[0]))
