"""simulate: virtual modules for trying things out, on pseudo terminals or TCP ports."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import signal
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.printing import print_json
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.sim.bench import CONTROL_SOCKET, run_bench
from lucid2mqtt.sim.ports import PluggedModule
from lucid2mqtt.sim.quirks import SWITCHABLE, with_quirks
from lucid2mqtt.sim.world import World
from lucid2mqtt.sim.worlds import WORLDS, build_world


def add_simulate(parser: ArgumentParser) -> None:
    parser.add_argument("--world", default="house", metavar="NAME", help=f"one of {', '.join(WORLDS)} (default: house)")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="folder for the links to the modules (default: a temporary one)")
    parser.add_argument("--tcp", action="store_true", help="a TCP port on loopback for every module instead of a pseudo terminal")
    parser.add_argument("--speed", type=float, default=1.0, metavar="N", help="how much faster than real the world around the modules goes")
    parser.add_argument(
        "--quirk",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"answer a question that the manuals leave open in this way, on all modules; may be given again; names: {', '.join(SWITCHABLE)}",
    )
    parser.set_defaults(run=_simulate)


def _simulate(arguments: Namespace) -> int:
    try:
        world = build_world(arguments.world, speed=arguments.speed, quirks=with_quirks(arguments.quirk))
    except ValueError as fault:
        raise RequestRejected(Reason.NOT_UNDERSTOOD, str(fault), "see lucid2mqtt simulate --help") from None
    if arguments.dir is not None:
        was_there = arguments.dir.exists()
        asyncio.run(_until_stopped(world, arguments.dir.absolute(), tcp=arguments.tcp))
        if not was_there:
            with contextlib.suppress(OSError):  # somebody put something into it
                arguments.dir.rmdir()
        return Exit.DONE
    with tempfile.TemporaryDirectory(prefix="lucid2mqtt-") as folder:
        asyncio.run(_until_stopped(world, Path(folder), tcp=arguments.tcp))
    return Exit.DONE


async def _until_stopped(world: World, folder: Path, *, tcp: bool) -> None:
    """Ctrl-C, TERM and a closed terminal end it in order, so that no dead links stay behind."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(stop, stopped.set)

    def tell(modules: Sequence[PluggedModule]) -> None:
        for module in modules:
            print_json(asdict(module), one_line=True)
        ports = [f"--port {shlex.quote(module.port)}" for module in modules] if tcp else [f"--port {shlex.quote(f'{folder}/usb-*')}"]
        print(f"try: lucid2mqtt run {' '.join(ports)}", file=sys.stderr)
        fault = json.dumps({"module": modules[0].name, "fault": "unplug", "for_s": 10})
        print(f"faults: echo {shlex.quote(fault)} | socat - UNIX-CONNECT:{shlex.quote(str(folder / CONTROL_SOCKET))}", file=sys.stderr)

    async with asyncio.TaskGroup() as tasks:
        bench = tasks.create_task(run_bench(world, folder, on_ready=tell, tcp=tcp), name="bench")
        await stopped.wait()
        bench.cancel()
