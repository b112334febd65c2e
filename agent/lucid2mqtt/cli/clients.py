"""clients and trace: who uses the passthrough of the running agent, and what they say."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.printing import print_json, print_table
from lucid2mqtt.cli.reach import add_console_option, running_agent

_TRACE_EVERY_S = 0.5


def add_clients(parser: ArgumentParser) -> None:
    parser.add_argument("--disconnect", type=int, metavar="NUMBER", help="cut this client off instead; it may come back")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_console_option(parser)
    parser.set_defaults(run=_clients)


def add_trace(parser: ArgumentParser) -> None:
    parser.add_argument("client", type=int, metavar="NUMBER", help="the client's number, as lucid2mqtt clients shows it")
    parser.add_argument("--once", action="store_true", help="print what is in the log and stop (default: go on until Ctrl-C)")
    add_console_option(parser)
    parser.set_defaults(run=_trace)


def _clients(arguments: Namespace) -> int:
    with running_agent(arguments) as agent:
        if arguments.disconnect is not None:
            agent.ask("disconnect", client=arguments.disconnect)
            return Exit.DONE
        found = agent.ask("clients")
    if arguments.json:
        print_json(found)
        return Exit.DONE
    print_table(
        [(each["listen"], each["target"], each["mode"], str(each["clients"]), each["detail"]) for each in found["listeners"]],
        heading=("listener", "module", "mode", "clients", ""),
    )
    print()
    print_table(
        [
            (
                str(each["number"]),
                each["target"],
                each["identity"],
                each["address"],
                each["access"],
                str(each["frames"]),
                str(each["refused"]),
                f"{100 * each['bus_share']:.1f} %",
            )
            for each in found["clients"]
        ],
        heading=("number", "module", "identity", "address", "access", "frames", "refused", "of its time"),
    )
    return Exit.DONE


def _trace(arguments: Namespace) -> int:
    with running_agent(arguments) as agent:
        seen: list[str] = []
        try:
            while True:
                frames: list[str] = agent.ask("trace", client=arguments.client)
                for line in _news(seen, frames):
                    print(line, flush=True)
                seen = frames
                if arguments.once:
                    return Exit.DONE
                time.sleep(_TRACE_EVERY_S)
        except KeyboardInterrupt:
            agent.ask("trace", client=arguments.client, on=False)
            return Exit.DONE


def _news(seen: list[str], frames: list[str]) -> list[str]:
    """What `frames` has behind the longest end of `seen` that it begins with: the log forgets its oldest lines."""
    for start in range(len(seen) + 1):
        if frames[: len(seen) - start] == seen[start:]:
            return frames[len(seen) - start :]
    return frames
