"""demo: the whole thing without hardware. Virtual modules, a broker if none is there, the agent, and what it says, live."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from importlib.resources import as_file, files
from pathlib import Path

from lucid2mqtt.app import Agent
from lucid2mqtt.cli.demo_broker import Broker, demo_broker
from lucid2mqtt.cli.demo_view import Audience, View
from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.settings import Settings, load
from lucid2mqtt.sim.bench import Bench
from lucid2mqtt.sim.world import World
from lucid2mqtt.sim.worlds import WORLDS, build_world

NODE = "demo"
ROOT = f"lucid2mqtt/{NODE}"
SPEED = 60.0


def add_demo(parser: ArgumentParser) -> None:
    parser.add_argument("--world", default="house", metavar="NAME", help=f"one of {', '.join(WORLDS)} (default: house)")
    parser.add_argument(
        "--speed", type=float, default=SPEED, metavar="N", help=f"how much faster than real the world goes (default: {SPEED:g})"
    )
    parser.add_argument(
        "--mqtt-port", type=int, metavar="PORT", help="start a broker of its own on this port, even if one is running already"
    )
    parser.set_defaults(run=_demo)


def _demo(arguments: Namespace) -> int:
    try:
        world = build_world(arguments.world, speed=arguments.speed)
    except ValueError as fault:
        raise RequestRejected(Reason.NOT_UNDERSTOOD, str(fault), "see lucid2mqtt demo --help") from None
    asyncio.run(_show(world, arguments.world, arguments.mqtt_port))
    return Exit.DONE


async def _show(world: World, name: str, port: int | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    view = View(sys.stdout)
    logging.basicConfig(level=logging.INFO, handlers=[view.log_handler()], force=True)
    with tempfile.TemporaryDirectory(prefix="lucid2mqtt-demo-") as place:
        folder = Path(place)
        async with demo_broker(port) as broker, Bench(world, folder / "modules"):
            agent = Agent(_settings(name, broker, folder))
            audience = Audience(broker.port, ROOT, view)
            with audience:
                print(_introduction(name, broker, folder), flush=True)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(agent.run(), name="agent")
                    screen = tasks.create_task(view.refresh(), name="screen")
                    await stopped.wait()
                    view.end()
                    screen.cancel()
                    agent.stop()
                if not broker.is_ours:
                    audience.clean_up()
    print("\nThe demonstration has ended; nothing is left behind.")


def _settings(world: str, broker: Broker, folder: Path) -> Settings:
    here = "the demonstration"
    overrides: dict[str, tuple[object, str]] = {
        "node": (NODE, here),
        "mqtt.url": (broker.url, here),
        "mqtt.protocol": ("3.1.1" if broker.is_toy else "auto", here),
        "ports": ([f"{folder}/modules/usb-*"], here),
        "state_dir": (str(folder / "state"), here),
        "console.path": (str(folder / "console.sock"), here),
    }
    if world != "house":
        return load(None, {}, overrides=overrides)
    with as_file(files("lucid2mqtt.cli") / "demo.yaml") as file:
        return load(file, {}, overrides=overrides)


def _introduction(world: str, broker: Broker, folder: Path) -> str:
    port = "" if broker.port == 1883 else f" -p {broker.port}"
    command = f"mosquitto_pub{port} -t {ROOT}/heaters/living/set -m ON"
    if world != "house":
        command = f"mosquitto_pub{port} -t {ROOT}/MODULE/CHANNEL/set -m ON"
    without = f"LUCID2MQTT_CONSOLE__PATH={folder}/console.sock ./run lucid2mqtt write heaters living=ON"
    return "\n".join(
        (
            "",
            f"lucid2mqtt with virtual modules (world: {world}). Ctrl-C ends it.",
            "",
            f"  broker    {broker.url}  ({broker.note})",
            f"  listen    mosquitto_sub{port} -v -t '{ROOT}/#'",
            f"  switch    {command}",
            *((f"  or        {without}",) if world == "house" else ()),
            "  Home Assistant with the MQTT integration on this broker shows everything by itself.",
            "",
        )
    )
