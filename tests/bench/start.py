"""From the start of the process to the first reading that a subscriber hears."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.agents import installed
from tests.bench.stage import Effort, stage
from tests.bench.table import Figure, Row, Table

MODULES = 2


def measure(effort: Effort) -> Iterator[Table]:
    agents = installed()
    times: dict[str, list[float]] = {agent.name: [] for agent in agents}
    for _ in range(2 * effort.rounds + 1):
        for agent in agents:
            with stage(agent, modules=MODULES) as running:
                times[agent.name].append(running.start_ms)
    row = Row("process to first reading", "ms", {name: Figure.of(values) for name, values in times.items()}, "<= 0.5 of mqtt-io")
    yield Table("Start, 2 analog modules and one output module", tuple(times), (row,), ("lucid2mqtt", "mqtt-io"))
