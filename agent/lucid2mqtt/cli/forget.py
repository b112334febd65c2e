"""forget: a module that will not come back."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.reach import add_console_option, running_agent


def add_forget(parser: ArgumentParser) -> None:
    parser.add_argument("module", metavar="MODULE", help="its name in topics, see lucid2mqtt list")
    add_console_option(parser)
    parser.set_defaults(run=_forget)


def _forget(arguments: Namespace) -> int:
    with running_agent(arguments) as agent:
        agent.ask("forget", module=arguments.module)
    print(f"{arguments.module} is forgotten: its topics and its device in Home Assistant are gone")
    return Exit.DONE
