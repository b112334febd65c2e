"""demo: the whole thing without hardware. Virtual modules, a broker if none is there, the agent, and what it says, live."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import TextIO

from lucid2mqtt.app import Agent
from lucid2mqtt.cli.demo_broker import USUAL_PORT, Broker, demo_broker, find_mosquitto
from lucid2mqtt.cli.demo_memory import remember_the_room
from lucid2mqtt.cli.demo_view import Audience, View, clean_up
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
        "--mqtt-port",
        type=_port,
        default=USUAL_PORT,
        metavar="PORT",
        help=f"use the broker at this port of this machine, or start one there (default: {USUAL_PORT})",
    )
    parser.set_defaults(run=_demo)


def _port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is no port; write a number from 1 to 65535")


def _demo(arguments: Namespace) -> int:
    try:
        world = build_world(arguments.world, speed=arguments.speed)
    except ValueError as fault:
        raise RequestRejected(Reason.NOT_UNDERSTOOD, str(fault), "see lucid2mqtt demo --help") from None
    asyncio.run(show(world, arguments.world, arguments.mqtt_port))
    return Exit.DONE


async def show(world: World, name: str, port: int, *, out: TextIO = sys.stdout, find: Callable[[], str | None] = find_mosquitto) -> None:
    """Shows `world`, called `name`, until a signal ends it; `find` says where mosquitto is. Raises NoBroker."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    view = View(out)
    logging.basicConfig(level=logging.INFO, handlers=[view.log_handler()], force=True)
    with tempfile.TemporaryDirectory(prefix="lucid2mqtt-demo-") as place:
        folder = Path(place)
        async with demo_broker(port, find=find) as broker, Bench(world, folder / "modules"):
            settings = _settings(name, broker, folder)
            remember_the_room(settings, world.speed)
            agent = Agent(settings)
            with Audience(broker.port, ROOT, view):
                print(_introduction(name, broker, folder), file=out, flush=True)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(agent.run(), name="agent")
                    screen = tasks.create_task(view.refresh(), name="screen")
                    await stopped.wait()
                    view.end()
                    screen.cancel()
                    agent.stop()
            if not broker.is_ours:
                await asyncio.to_thread(clean_up, broker.port, ROOT)
    print("\nThe demonstration has ended; nothing is left behind.", file=out)


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
    port = "" if broker.port == USUAL_PORT else f" -p {broker.port}"
    sure = " -q 1" if broker.is_toy else ""  # it loses a message of QoS 0 whose sender leaves at once

    def publish(topic: str, payload: str) -> str:
        return f"mosquitto_pub{port}{sure} -t {ROOT}/{topic} -m {payload}"

    console = f"LUCID2MQTT_CONSOLE__PATH={folder}/console.sock ./run lucid2mqtt"
    in_the_house = (
        f"  target    {publish('thermostat/living/target/set', '22')}",
        f"  autotune  {publish('thermostat/living/autotune/set', 'START')}",
        f"  switch    {publish('heaters/pump/set', 'ON')}",
        f"  or        {console} write heaters pump=ON",
    )
    return "\n".join(
        (
            "",
            f"lucid2mqtt with virtual modules (world: {world}). Ctrl-C ends it.",
            "",
            f"  broker    {broker.url}  ({broker.note})",
            f"  listen    mosquitto_sub{port} -v -t '{ROOT}/#'",
            *(in_the_house if world == "house" else (f"  switch    {publish('MODULE/CHANNEL/set', 'ON')}",)),
            "  Home Assistant, with its MQTT integration on this broker, shows it all.",
            "",
        )
    )
