"""A fleet at one mosquitto: what the broker needs, how late a reading is, and how soon everybody is back after the broker died.

    python -m tests.bench fleet --nodes 10,50,200,800

The first nodes of a fleet are agents, each a process of its own with modules on pseudo terminals. The next ones are light: many in a
process, without ports. The rest is replayed: connections with the bytes of such nodes. The table says how many are which.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import select
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from lucid2mqtt.mqtt.messages import Outgoing
from tests.bench.agents import Running, Task
from tests.bench.fleet_nodes import BASE, MILLIVOLTS_PER_PERIOD, PERIOD_S, node_name
from tests.bench.modules import CHANNELS, ROOT, Modules
from tests.bench.probe import Heard, Probe
from tests.bench.raw import RawClient, StampReader, published
from tests.bench.stage import Stage, send_commands
from tests.bench.table import Figure, Row, Table, percentile
from tests.bench.usage import processor_s, resident_mb
from tests.broker import Broker, Peer, running_broker, wait_until

NODES = (5, 10, 25, 50, 100, 200, 400, 800)
AWAY_S = 5.0
SETTLING_S = 4.0
QUIET_S = 1.5
"""Longer than the broker keeps silent about itself."""
TELLS_WITHIN_S = 10.0
"""How much later than planned the broker may tell its counts on a busy machine."""
READY_WITHIN_S = 120.0
STAMP_TOPIC = f"{BASE}/stamp/in0/0/state"
BETWEEN_STAMPS_S = (0.02, 0.06)
BROKER = "log_type none\nsys_interval 1\nset_tcp_nodelay true\nmax_queued_messages 100000"
"""With a shorter queue the broker drops what it keeps when somebody comes and wants more than fits, at QoS 1 (seen with 1801 messages)."""
_RECEIVED, _SENT = "$SYS/broker/messages/received", "$SYS/broker/messages/sent"
"""All packets: its count of PUBLISH alone leaves out those with the retain flag (seen with mosquitto 2.0.11)."""
_RETAINED = "$SYS/broker/retained messages/count"

ROWS = {
    "agents, each a process": "",
    "light nodes": "",
    "replayed nodes": "",
    "broker, processor": "% of a core",
    "broker, memory": "MB",
    "messages to the broker": "1/s",
    "messages from the broker": "1/s",
    "broker, processor per message": "us",
    "publish to subscriber of all, p50": "ms",
    "publish to subscriber of all, p99": "ms",
    "command to state echo, QoS 1, p50": "ms",
    "command to state echo, QoS 1, p99": "ms",
    "retained messages": "",
    "announcements to Home Assistant": "kB",
    "all online after the broker's return": "s",
    "broker, processor time of the return": "s",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How many nodes are what at most, and what each of them does."""

    agents: int
    light: int
    channels: int
    deadband: float
    seconds: float
    commands: int

    def share(self, nodes: int) -> tuple[int, int, int]:
        """Agents, light and replayed nodes of a fleet of `nodes`."""
        agents = min(nodes, self.agents)
        light = min(nodes - agents, self.light)
        return agents, light, nodes - agents - light


class FleetNode:
    """An agent as `tests.bench.agents` measures it, one of many. The first one has an output."""

    command = f"{BASE}/{node_name(0)}/out/0/set"
    state = f"{BASE}/{node_name(0)}/out/0/state"
    readings = f"{BASE}/+/+/+/state"

    def __init__(self, number: int, deadband: float) -> None:
        self.name = node_name(number)
        self._deadband = deadband

    def prepare(self, task: Task) -> list[str]:
        inputs = [
            {
                "match": {"port": path},
                "name": f"in{place}",
                "poll_s": task.poll_s,
                "channels": {channel: {"deadband": self._deadband} for channel in range(CHANNELS)},
            }
            for place, path in enumerate(task.analog)
        ]
        outputs = [{"match": {"port": task.output}, "name": "out"}] if task.output else []
        settings = task.folder / f"{self.name}.yaml"
        document = {
            "node": self.name,
            "mqtt": {"url": f"mqtt://127.0.0.1:{task.broker_port}"},
            "state_dir": str(task.folder / self.name),
            "console": {"path": str(task.folder / f"{self.name}.sock")},
            "ports": [*task.analog, *([task.output] if task.output else [])],
            "modules": inputs + outputs,
        }
        settings.write_text(json.dumps(document))  # JSON is YAML
        return [sys.executable, "-m", "lucid2mqtt", "run", "-c", str(settings)]


class Fleet:
    """Nodes at a broker; `grow` adds to them. All are gone when the context ends."""

    def __init__(self, folder: Path, broker: Broker, plan: Plan) -> None:
        self.broker = broker
        self.agents: list[Running] = []
        self._folder = folder
        self._plan = plan
        self._counts = (0, 0, 0)
        self._everything = contextlib.ExitStack()
        self.first = FleetNode(0, plan.deadband)

    def __enter__(self) -> Self:
        per_node = self._plan.channels // CHANNELS
        self.modules = self._everything.enter_context(Modules(self._plan.agents * per_node))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._everything.close()

    def grow(self, nodes: int) -> tuple[int, int, int]:
        """Agents, light and replayed nodes there are now. Returns when all are at the broker."""
        agents, light, replayed = wanted = self._plan.share(nodes)
        while len(self.agents) < agents:
            self._add_agent(len(self.agents))
        self._add_process("light", agents + self._counts[1], light - self._counts[1])
        self._add_process("replayed", agents + light + self._counts[2], replayed - self._counts[2])
        self._counts = wanted
        self.wait_online()
        return wanted

    def wait_online(self) -> float:
        """Until every agent and light node says `online`; seconds that took."""
        begun = time.monotonic()
        expected = sum(self._counts[:2])
        with Peer(self.broker.port, f"{BASE}/+/status") as ear:
            wait_until(lambda: all(agent.pid for agent in self.agents) and _online(ear) >= expected, READY_WITHIN_S)
        return time.monotonic() - begun

    def _add_agent(self, number: int) -> None:
        per_node = self._plan.channels // CHANNELS
        ports = self.modules.analog[number * per_node : (number + 1) * per_node]
        task = Task(self._folder, self.broker.port, ports, "" if number else self.modules.output, 1.0)
        node = self.first if number == 0 else FleetNode(number, self._plan.deadband)
        self.agents.append(self._everything.enter_context(Running(node, task)))

    def _add_process(self, kind: str, first: int, count: int) -> None:
        if count <= 0:
            return
        words = (kind, self.broker.port, first, count, self._plan.channels, self._plan.deadband)
        command = [sys.executable, "-m", "tests.bench.fleet_nodes", *map(str, words)]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self._everything.callback(_end, process)
        if process.stdout is None or process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"the {kind} nodes do not start")


def _online(ear: Peer) -> int:
    return sum(payload == "online" for payload in {heard.topic: heard.payload for heard in tuple(ear.heard)}.values())


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


# -- measuring ---------------------------------------------------------------------------------------------------------


def measure(fleet: Fleet, nodes: int, plan: Plan) -> dict[str, float]:
    """One column of the table."""
    counts = fleet.grow(nodes)
    time.sleep(SETTLING_S)
    figures = dict(zip(ROWS, map(float, counts), strict=False))
    figures |= traffic(fleet.broker, plan.seconds)
    figures |= commands(fleet, plan.commands)
    figures |= kept(fleet.broker)
    if not counts[2]:  # what is replayed does not come back
        figures |= outage(fleet)
    return figures


def traffic(broker: Broker, seconds: float) -> dict[str, float]:
    """What goes through the broker in everyday life, and how long a message takes to somebody who hears everything."""
    reader, sent_ns, late_ms = StampReader(), {}, []
    begun, spent_s = time.monotonic(), processor_s(broker.pid)
    with RawClient(broker.port, FleetNode.readings) as ear, RawClient(broker.port) as sender, Probe(broker.port, _RECEIVED, _SENT) as watch:
        end, due, number = begun + seconds, begun, 0
        while (now := time.monotonic()) < end or (not _can_be_rated(watch) and now < end + TELLS_WITHIN_S):
            if now >= due:
                number, due = number + 1, now + random.uniform(*BETWEEN_STAMPS_S)
                sent_ns[number] = time.monotonic_ns()
                sender.socket.sendall(published(_stamp(number)))
            ready = select.select([ear.socket, watch.socket], [], [], max(0.0, min(due, max(end, now + 0.1)) - now))[0]
            if ear.socket in ready:
                chunk, at_ns = ear.socket.recv(1 << 18), time.monotonic_ns()
                late_ms += [(at_ns - sent_ns.pop(found)) / 1e6 for found in reader.feed(chunk) if found in sent_ns]
            if watch.socket in ready:
                watch.read()
    passed_s = time.monotonic() - begun
    used_s = processor_s(broker.pid) - spent_s
    received, sent = _rate(watch, _RECEIVED), _rate(watch, _SENT)
    return {
        "broker, processor": 100 * used_s / passed_s,
        "broker, memory": resident_mb(broker.pid),
        "messages to the broker": received,
        "messages from the broker": sent,
        "broker, processor per message": used_s / passed_s / received * 1e6,
        "publish to subscriber of all, p50": percentile(late_ms, 0.5),
        "publish to subscriber of all, p99": percentile(late_ms, 0.99),
    }


def commands(fleet: Fleet, count: int) -> dict[str, float]:
    """An output of the first node is switched while all the others go on."""
    with Probe(fleet.broker.port) as idle:
        stage = Stage(fleet.first, fleet.broker, fleet.modules, fleet.agents[0], idle, 0.0)
        echo_ms = send_commands(stage, count, 1).echo_ms
    if not echo_ms:
        return {}
    return {"command to state echo, QoS 1, p50": percentile(echo_ms, 0.5), "command to state echo, QoS 1, p99": percentile(echo_ms, 0.99)}


def kept(broker: Broker) -> dict[str, float]:
    """What the broker keeps for those who come later."""
    with Peer(broker.port, "homeassistant/device/+/config", _RETAINED) as ear:
        heard = -1
        while len(ear.heard) > heard:
            heard = len(ear.heard)
            time.sleep(QUIET_S)
        announced = sum(len(message.payload.encode()) for message in ear.heard if message.topic != _RETAINED)
        count = ear.last(_RETAINED)
    return {"announcements to Home Assistant": announced / 1000} | ({} if count is None else {"retained messages": float(count)})


def outage(fleet: Fleet) -> dict[str, float]:
    """The broker is killed, and comes back with nothing in its memory."""
    fleet.broker.kill()
    time.sleep(AWAY_S)
    fleet.broker.start()
    back_s = fleet.wait_online()
    return {"all online after the broker's return": back_s, "broker, processor time of the return": processor_s(fleet.broker.pid)}


def _stamp(number: int) -> Outgoing:
    return Outgoing(topic=STAMP_TOPIC, payload=StampReader.payload(number), qos=0)


def _can_be_rated(watch: Probe) -> bool:
    return all(len(_told(watch, topic)) > 1 for topic in (_RECEIVED, _SENT))


def _told(watch: Probe, topic: str) -> list[Heard]:
    return [heard for heard in watch.heard if heard.topic == topic]


def _rate(watch: Probe, topic: str) -> float:
    """Counts per second between the first and the last time the broker told."""
    first, *_, last = _told(watch, topic)
    return (int(last.payload) - int(first.payload)) / ((last.at_ns - first.at_ns) / 1e9)


# -- the table ---------------------------------------------------------------------------------------------------------


def climb(nodes: Sequence[int], plan: Plan) -> Iterator[tuple[int, dict[str, float]]]:
    """Measures one fleet that grows."""
    with (
        tempfile.TemporaryDirectory(prefix="lucid2mqtt-fleet-") as folder,
        running_broker(Path(folder), extra=BROKER) as broker,
        Fleet(Path(folder), broker, plan) as fleet,
    ):
        for count in sorted(nodes):
            yield count, measure(fleet, count, plan)


def table(columns: Sequence[tuple[int, dict[str, float]]], plan: Plan) -> Table:
    rounds: dict[str, dict[str, Figure | None]] = defaultdict(dict)
    for nodes, figures in columns:
        for what, value in figures.items():
            rounds[what][str(nodes)] = Figure.of([value])
    news = f", deadband {plan.deadband:g} V" if plan.deadband else ", every reading is news"
    title = f"Fleet: nodes of {plan.channels} channels, each read at 1 Hz{news}; one mosquitto"
    return Table(title, tuple(str(nodes) for nodes, _ in columns), tuple(Row(what, unit, rounds[what]) for what, unit in ROWS.items()))


def main(words: list[str]) -> int:
    asked = _parser().parse_args(words)
    between_news_s = PERIOD_S * asked.deadband * 1000 / MILLIVOLTS_PER_PERIOD  # all channels that began together have theirs together
    plan = Plan(asked.agents, asked.light, asked.channels, asked.deadband, max(asked.seconds, between_news_s), asked.commands)
    columns = []
    try:
        for nodes, figures in climb(asked.nodes, plan):
            columns.append((nodes, figures))
            print(f"{nodes} nodes: the broker uses {figures['broker, processor']:.0f} % of a core", file=sys.stderr, flush=True)
    finally:  # a fleet too large for the machine must not take the smaller ones' figures with it
        print(table(columns, plan).text())
    if asked.json is not None:
        asked.json.write_text(json.dumps(table(columns, plan).document(), indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench fleet", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=_numbers, default=NODES, metavar="N,N,...", help=f"default: {','.join(map(str, NODES))}")
    parser.add_argument("--channels", type=_channels, default=32, metavar="N", help="of each node, a multiple of 4 (default: 32)")
    parser.add_argument("--agents", type=_positive, default=10, metavar="N", help="so many nodes are agents (default: 10)")
    parser.add_argument("--light", type=int, default=190, metavar="N", help="so many are light; the rest is replayed (default: 190)")
    parser.add_argument(
        "--deadband", type=float, default=0.0, metavar="V", help="0.1: one reading in 25 is news, and 25 s are watched (default: 0)"
    )
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="how long each fleet is watched (default: 10)")
    parser.add_argument("--commands", type=int, default=100, metavar="N", help="commands to each fleet (default: 100)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(_positive(word) for word in text.split(","))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _channels(text: str) -> int:
    number = _positive(text)
    if number % CHANNELS:
        raise argparse.ArgumentTypeError(f"a multiple of {CHANNELS}: that many has a module")
    return number
