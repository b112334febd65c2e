"""Measures lucid2mqtt: `python -m tests.bench [NAME...] [OPTIONS]`. docs/reference/benchmarks.md says what the figures mean."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.stage import Effort

TABLES = ("port", "start", "latency", "load", "rate", "growth", "outage")
"""Each has `measure(effort)`, which yields tables."""
OWN = ("passthrough", "shared", "thermostat", "fleet")
"""Each has `main(words)` with options of its own."""


def main(words: Sequence[str]) -> int:
    if words and words[0] in OWN:
        return _main_of(words[0], words[1:])
    parser = _parser()
    arguments = parser.parse_args(words)
    if unknown := set(arguments.names) - {*TABLES, "all"}:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    everything = not arguments.names or "all" in arguments.names
    effort = Effort(rounds=arguments.rounds, seconds=arguments.seconds, commands=arguments.commands)
    documents = []
    for name in TABLES if everything else arguments.names:
        for table in importlib.import_module(f"tests.bench.{name}").measure(effort):
            print(f"{table.text()}\n", flush=True)
            documents.append({"bench": name, **table.document()})
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"machine": _machine(), "tables": documents}, indent=2))
    for name in OWN if everything else ():
        if importlib.util.find_spec(f"tests.bench.{name}"):
            _main_of(name, ())
    return 0


def _parser() -> argparse.ArgumentParser:
    own = " and ".join(OWN)
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, epilog=f"{own} have options of their own: NAME --help"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(TABLES)}; all, with {own}, by default")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each agent is measured, in turns (default: 3)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="how long each load is watched (default: 10)")
    parser.add_argument("--commands", type=int, default=200, metavar="N", help="commands per round and QoS (default: 200)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    return parser


def _main_of(name: str, words: Sequence[str]) -> int:
    return int(importlib.import_module(f"tests.bench.{name}").main(list(words)))


def _machine() -> dict[str, str]:
    return {"python": platform.python_version(), "system": platform.platform(), "processor": platform.machine()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
