"""From a command at the broker to the frame at the module, and to the new state at a subscriber, while 8 channels are read."""

from __future__ import annotations

import random
import select
import time
from collections import defaultdict
from collections.abc import Iterator

from tests.bench.agents import installed
from tests.bench.probe import Probe
from tests.bench.stage import BETWEEN_COMMANDS_S, Effort, private_broker, send_commands, stage
from tests.bench.table import Figure, Row, Table, percentile

MODULES = 2
FLOOR = "broker alone"
REACH = {
    ("publish to wire", 0, "p50"): "<= 0.75 of mqtt-io",
    ("publish to wire", 1, "p50"): "<= 0.75 of mqtt-io",
    ("command to state echo", 1, "p50"): "<= 3 ms",
}
_SHARES = {"p50": 0.5, "p99": 0.99}

Rounds = dict[tuple[str, int, str], dict[str, list[float]]]


def measure(effort: Effort) -> Iterator[Table]:
    agents = installed()
    rounds: Rounds = defaultdict(lambda: defaultdict(list))
    lost: dict[str, list[float]] = defaultdict(list)
    for _ in range(effort.rounds):
        for qos in (0, 1):
            _note(rounds, "publish to wire", qos, FLOOR, _broker_alone(effort.commands, qos))
        for agent in agents:
            with stage(agent, modules=MODULES) as running:
                running.settle()
                for qos in (0, 1):
                    outcome = send_commands(running, effort.commands, qos)
                    _note(rounds, "publish to wire", qos, agent.name, outcome.wire_ms)
                    _note(rounds, "command to state echo", qos, agent.name, outcome.echo_ms)
                    lost[agent.name].append(outcome.lost)
    rows = [
        Row(f"{what}, QoS {qos}, {share}", "ms", {name: Figure.of(values) for name, values in by_name.items()}, REACH.get(key, ""))
        for key, by_name in sorted(rounds.items(), key=lambda item: (item[0][0] != "publish to wire", *item[0]))
        for what, qos, share in [key]
    ]
    rows.append(Row(f"lost of {effort.commands}", "", {name: Figure.of(values) for name, values in lost.items()}, "0"))
    columns = (*(agent.name for agent in agents), FLOOR)
    yield Table("Commands, 8 channels read at 1 Hz meanwhile", columns, tuple(rows), ("lucid2mqtt", "mqtt-io"))


def _note(rounds: Rounds, what: str, qos: int, name: str, times_ms: list[float]) -> None:
    if times_ms:
        for share, part in _SHARES.items():
            rounds[what, qos, share][name].append(percentile(times_ms, part))


def _broker_alone(count: int, qos: int) -> list[float]:
    """From publisher to subscriber with no agent between: less is not possible."""
    times_ms = []
    with private_broker() as broker, Probe(broker.port) as sender, Probe(broker.port, "floor") as listener:
        for _ in range(count):
            sender.pump(random.uniform(*BETWEEN_COMMANDS_S))
            listener.heard.clear()
            begun_ns = time.monotonic_ns()
            sender.say("floor", "ON", qos)
            if select.select([listener.socket], [], [], 1.0)[0]:
                listener.read()
            times_ms += [(heard.at_ns - begun_ns) / 1e6 for heard in listener.heard]
    return times_ms
