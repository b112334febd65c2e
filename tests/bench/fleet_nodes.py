"""Nodes without ports: what of a fleet is not an agent of its own.

`light` nodes, many in a process, have the agent's own bridge, link and session; what they tell is made up in place of measured.
`replayed` nodes are only connections on which the bytes of such a node come again and again; they do not come back after an outage.

Run by `tests.bench.fleet` with `light|replayed PORT FIRST COUNT CHANNELS DEADBAND`; prints a line when all have begun.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from lucid2mqtt.domain.channel import ChannelKind, Module
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.engine.board import Board
from lucid2mqtt.mqtt.bridge import Bridge
from lucid2mqtt.mqtt.discovery import Origin
from lucid2mqtt.mqtt.link import MqttLink
from lucid2mqtt.mqtt.messages import Outgoing
from lucid2mqtt.mqtt.options import HomeAssistantOptions, MqttOptions
from lucid2mqtt.mqtt.outlet import Outlet
from lucid2mqtt.mqtt.topics import Topics
from tests.bench.modules import CHANNELS
from tests.bench.raw import RawClient, published
from tests.unit.mqtt.house import Forgetful, SmallHouse
from tests.unit.mqtt.samples import channel, good, module

BASE = "lucid2mqtt"
PERIOD_S = 1.0
MILLIVOLTS_PER_PERIOD = 4
"""By so much every value moves from one reading to the next, as that of a measuring module of `tests.bench.modules` does."""
CYCLE_S = 60
"""What a replayed node says repeats after this time."""
_FIRST_SERIAL = 1_000_000


def node_name(number: int) -> str:
    return f"n{number:05}"


def modules_of(number: int, channels: int, deadband: float) -> list[Module]:
    """The analog modules of a node with `channels` inputs; serial numbers are nobody else's."""
    return [
        module(
            *(channel(ChannelKind.ANALOG_INPUT, c, module=f"in{m}", name=str(c), deadband=deadband) for c in range(CHANNELS)),
            family="AI4",
            serial=_FIRST_SERIAL + number * 100 + m,
            name=f"in{m}",
        )
        for m in range(channels // CHANNELS)
    ]


def readings(of: Module, tick: int, at: datetime) -> list[Reading]:
    volts = 4.0 + tick * MILLIVOLTS_PER_PERIOD % 1_999 / 1000
    return [good(each, volts + each.number, at) for each in of.channels]


# -- light -------------------------------------------------------------------------------------------------------------


async def live(port: int, numbers: range, channels: int, deadband: float, ready: Callable[[], None]) -> None:
    """Until cancelled; `ready` is called when every node has begun."""
    async with asyncio.TaskGroup() as tasks:
        for number in numbers:
            link = MqttLink(MqttOptions(url=f"mqtt://127.0.0.1:{port}", client_id=node_name(number)))
            house = SmallHouse()
            tasks.create_task(_bridge(number, link, house).run())
            await asyncio.sleep(0)  # the bridge listens from now on
            for each in modules_of(number, channels, deadband):
                house.plug(each)
                tasks.create_task(_measure(each, house.board))
        ready()


def _bridge(number: int, link: MqttLink, house: SmallHouse) -> Bridge:
    return Bridge(
        link=link,
        topics=Topics(BASE, node_name(number)),
        house=house,
        board=house.board,
        desk=house,
        store=Forgetful(),
        origin=Origin(version="bench"),
        home_assistant=HomeAssistantOptions(),
        diagnostics=dict,
        rescan=lambda: None,
        now=_now,
    )


async def _measure(of: Module, board: Board) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + random.random() * PERIOD_S
    tick = 0
    while True:
        await asyncio.sleep(due - loop.time())
        board.update(readings(of, tick, _now()))
        tick += 1
        due += PERIOD_S


def _now() -> datetime:
    return datetime.now(UTC)


# -- replayed ----------------------------------------------------------------------------------------------------------


def recorded(of: Module, node: str) -> list[bytes]:
    """What the module's outlets say in each second of a cycle, from the second time on: the first one is a start, and no everyday."""
    said: list[Outgoing] = []
    topics = Topics(BASE, node)
    outlets = {each.ref: Outlet(each, topics, said.append) for each in of.channels}
    seconds = []
    for tick in range(2 * CYCLE_S):
        said.clear()
        for reading in readings(of, tick, _now()):
            outlets[reading.channel].tell(reading, float(tick))
        seconds.append(b"".join(map(published, said)))
    return seconds[CYCLE_S:]


def replay(port: int, numbers: range, channels: int, deadband: float, ready: Callable[[], None]) -> None:
    """Until the broker goes. A node late is not left out: what it has to say is said at once."""
    template = node_name(0)
    tapes = [recorded(each, template) for each in modules_of(0, channels, deadband)]
    clients = [RawClient(port, *Topics(BASE, node_name(number)).subscriptions()) for number in numbers]
    names = [node_name(number).encode() for number in numbers]
    # each module at a second of the cycle and a moment of the second of its own
    order = sorted((random.random(), random.randrange(CYCLE_S), place, tape) for place in range(len(clients)) for tape in tapes)
    ready()
    begun = time.monotonic()
    for second in itertools.count():
        for moment, shift, place, tape in order:
            if text := tape[(second + shift) % CYCLE_S]:
                ahead_s = begun + second * PERIOD_S + moment - time.monotonic()
                if ahead_s > 0.001:
                    time.sleep(ahead_s)
                clients[place].socket.sendall(text.replace(template.encode(), names[place]))


def main() -> None:
    kind, port, first, count, channels, deadband = sys.argv[1:]
    logging.disable()  # that the broker goes and comes is part of the bench
    numbers = range(int(first), int(first) + int(count))
    if kind == "light":
        asyncio.run(live(int(port), numbers, int(channels), float(deadband), _say_ready))
    else:
        replay(int(port), numbers, int(channels), float(deadband), _say_ready)


def _say_ready() -> None:
    print("ready", flush=True)


if __name__ == "__main__":
    main()
