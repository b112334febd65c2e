"""The broker killed for some seconds: how soon after its return readings come and commands work."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator

from tests.bench.agents import installed
from tests.bench.modules import CHANNELS
from tests.bench.probe import Probe
from tests.bench.stage import Effort, Stage, first_reading, send_command, stage
from tests.bench.table import Figure, Row, Table

MODULES = 2
AWAY_S = 5.0
BACK_WITHIN_S = 20.0
UNITS = {
    "back to first reading": "s",
    "back to first command obeyed": "s",
    "read from the modules meanwhile": "% of full",
    "readings in the first half second": "",
}


def measure(effort: Effort) -> Iterator[Table]:
    agents = installed()
    rounds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(effort.rounds):
        for agent in agents:
            with stage(agent, modules=MODULES) as running:
                running.settle()
                for what, value in _outage(running).items():
                    rounds[what][agent.name].append(value)
    rows = tuple(Row(what, unit, {name: Figure.of(values) for name, values in rounds[what].items()}) for what, unit in UNITS.items())
    yield Table(
        f"Broker killed for {AWAY_S:g} s, 8 channels at 1 Hz", tuple(agent.name for agent in agents), rows, ("lucid2mqtt", "mqtt-io")
    )


def _outage(running: Stage) -> dict[str, float]:
    before = running.modules.readings()
    running.broker.kill()
    time.sleep(AWAY_S)
    read = running.modules.readings() - before
    running.broker.start()
    back_ns = time.monotonic_ns()
    figures = {"read from the modules meanwhile": 100 * read / (MODULES * CHANNELS * AWAY_S)}
    port, agent = running.broker.port, running.agent
    with Probe(port, agent.readings) as listener, Probe(port) as sender, Probe(port, agent.state) as echo:
        end = time.monotonic() + BACK_WITHIN_S
        obeyed_ms = first_ns = None
        state = False
        while (obeyed_ms is None or first_ns is None) and time.monotonic() < end:
            listener.pump(0.02)
            first_ns = first_reading(listener, agent)
            if obeyed_ms is None:
                state = not state
                wire_ms, _ = send_command(running, sender, echo, 1, state=state, within_s=0.1)
                obeyed_ms = None if wire_ms is None else (time.monotonic_ns() - back_ns) / 1e6
        if first_ns is not None:
            figures["back to first reading"] = (first_ns - back_ns) / 1e9
            listener.pump(0.6)
            figures["readings in the first half second"] = sum(heard.at_ns < first_ns + 5e8 for heard in listener.heard)
        if obeyed_ms is not None:
            figures["back to first command obeyed"] = obeyed_ms / 1e3
    return figures
