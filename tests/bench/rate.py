"""The most readings a second: every module read as fast as it answers, every reading published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.bench.agents import Agent, MqttIo, installed
from tests.bench.load import use
from tests.bench.stage import Effort, send_commands, stage
from tests.bench.table import Figure, Row, Table, percentile

MODULES = 8
POLL_S = 0.001
REPEATED = 16
"""mqtt-io is to read each of the 32 channels this often a second: 512 readings; with more it gives none at all for a while."""
REACH = {"readings": ">= 4000/s"}
UNITS = {"readings": "1/s", "processor": "% of a core", "processor per reading": "us", "command to wire, QoS 1, p50": "ms"}


def measure(effort: Effort) -> Iterator[Table]:
    agents = tuple(map(_hurried, installed()))
    rounds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(effort.rounds):
        for agent in agents:
            with stage(agent, modules=MODULES, poll_s=POLL_S) as running:
                running.listener.keeps = False
                running.settle()
                used = use(running, effort.seconds)
                rounds["readings"][agent.name].append(used["heard"])
                rounds["processor"][agent.name].append(used["processor"])
                rounds["processor per reading"][agent.name].append(used["processor"] / used["heard"] * 1e4)
                wire_ms = send_commands(running, effort.commands // 4, 1).wire_ms
                if wire_ms:
                    rounds["command to wire, QoS 1, p50"][agent.name].append(percentile(wire_ms, 0.5))
    rows = tuple(
        Row(what, unit, {name: Figure.of(values) for name, values in rounds[what].items()}, REACH.get(what, ""))
        for what, unit in UNITS.items()
    )
    yield Table("As fast as it goes, 8 analog modules", tuple(agent.name for agent in agents), rows, ("lucid2mqtt", "mqtt-io"))


def _hurried(agent: Agent) -> Agent:
    return MqttIo(agent.python, repeated=REPEATED) if isinstance(agent, MqttIo) else agent
