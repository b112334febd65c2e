"""The bench's control socket: one JSON document a line in, one out.

    {"show": "modules"}                                          names, families, serial numbers, ports
    {"module": "ri4-500101", "fault": "silence", "for_s": 5}     faults and their options: `sim.faults`
    {"module": "do4-500102", "show": "journal", "since": 12.5}   what the module noted; "kinds": ["output"] for some only
    {"module": "do4-500102", "show": "outputs"}                  what its outputs do now
    {"module": "ri4-500101", "drive": 0, "signal": 21.5}         number, true or false, "open", "shorted"

An answer has `"ok": true` and what was asked for, or `"ok": false` and `"error"`. `"now"` is the time on the modules' clock.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from lucid2mqtt.sim.channel import SensorFault, Signal
from lucid2mqtt.sim.faults import AnyFault, parse_fault
from lucid2mqtt.sim.journal import Kind
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.ports import PluggedModule

LONGEST_LINE = 65_536


class RemoteBench(Protocol):
    """What of a bench can be reached from outside."""

    def module(self, name: str) -> VirtualModule: ...

    def plugged(self) -> tuple[PluggedModule, ...]: ...

    def inject(self, name: str, fault: AnyFault) -> None: ...


def answer(bench: RemoteBench, line: bytes, now: float) -> dict[str, object]:
    """Carry out one line; whatever is wrong with it is in the answer."""
    try:
        return {"ok": True, "now": now, **_carry_out(bench, json.loads(line), now)}
    except json.JSONDecodeError as error:
        return {"ok": False, "now": now, "error": f'no JSON: {error}; write it like {{"show": "modules"}}'}
    except (ValueError, RecursionError) as error:
        return {"ok": False, "now": now, "error": str(error)}


async def serve_remote(bench: RemoteBench, path: Path) -> asyncio.Server:
    """Listen at `path`, in the place of a socket a dead bench left there."""
    loop = asyncio.get_running_loop()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(answer(bench, line, loop.time())).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):  # gone, or a line without end
            pass
        finally:
            writer.close()

    path.unlink(missing_ok=True)  # noqa: ASYNC240  (once, at the start)
    return await asyncio.start_unix_server(converse, path, limit=LONGEST_LINE)


def _carry_out(bench: RemoteBench, document: Any, now: float) -> dict[str, object]:  # Any: it comes from JSON
    match document:
        case {"show": "modules"}:
            return {"modules": [asdict(plugged) for plugged in bench.plugged()]}
        case {"module": str(name), "fault": str(fault), **options}:
            bench.inject(name, parse_fault(fault, {str(option): value for option, value in options.items()}))
            return {}
        case {"module": str(name), "show": "journal"}:
            match document:
                case {"kinds": list(names)}:
                    kinds = [Kind(kind) for kind in names]
                case {"kinds": _}:
                    raise ValueError(f"kinds is a list of {', '.join(Kind)}")
                case _:
                    kinds = []
            match document:
                case {"since": int(since) | float(since)}:
                    pass
                case {"since": _}:
                    raise ValueError("since is a time in seconds")
                case _:
                    since = float("-inf")
            return {"notes": [note.document() for note in bench.module(name).journal.notes(*kinds, since=since)]}
        case {"module": str(name), "show": "outputs"}:
            module = bench.module(name)
            return {"outputs": {str(channel): module.output(channel, now) for channel in module.outputs}}
        case {"module": str(name), "drive": int(channel), "signal": signal}:
            bench.module(name).drive(channel, _signal(signal), now)
            return {}
    raise ValueError("not understood: it takes show, or module with fault, show or drive and signal")


def _signal(signal: object) -> Signal:
    if isinstance(signal, str):
        return SensorFault(signal)
    if isinstance(signal, bool | int | float):
        return signal
    raise ValueError(f"{signal!r} is no signal")
