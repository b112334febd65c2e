"""Finds the verb, runs it, and turns what went wrong into one line with a remedy and an exit code.

A verb is an entry in VERBS and a function `add_VERB(parser)` in its file, which declares the arguments and ends with
`parser.set_defaults(run=...)`: a function from the parsed arguments to an exit code. Only that one file is imported:
the start of the agent is counted in tenths of a second.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

from lucid2mqtt import __version__
from lucid2mqtt.cli.exits import Exit, exit_of
from lucid2mqtt.cli.printing import complain, print_json
from lucid2mqtt.console.wire import error_document
from lucid2mqtt.errors import LucidError, SettingsError


class Verb(NamedTuple):
    """`module` is the file below `lucid2mqtt.cli` that has `add_VERB`."""

    module: str
    help: str


VERBS: Mapping[str, Verb] = {
    "run": Verb("agent", "the agent: modules on MQTT and in Home Assistant, until it is stopped"),
    "demo": Verb("demo", "see everything work, without hardware"),
    "simulate": Verb("simulate", "virtual modules to try things on, without hardware"),
    "list": Verb("ports", "ports and the modules behind them"),
    "read": Verb("channels", "read channels of a module"),
    "write": Verb("channels", "write outputs of a module"),
    "watch": Verb("channels", "read a module again and again and show what changes"),
    "safe-state": Verb("safe_state", "put every output into its declared exit state"),
    "verify-deadman": Verb("verify_deadman", "try on a module whether an output goes off when nobody triggers it any more"),
    "attach": Verb("attach", "a serial port of this machine that leads to a module of another one"),
    "certs": Verb("certs", "private certificates for servers and clients of the passthrough"),
    "clients": Verb("clients", "who is connected to the passthrough of the running agent"),
    "trace": Verb("clients", "show the frames of one passthrough client as they pass"),
    "thermostat": Verb("thermostat", "what the thermostats of the running agent do, commands for them, and a day replayed"),
    "forget": Verb("forget", "take a module that will not come back off the broker and out of Home Assistant"),
    "doctor": Verb("doctor", "udev rules for the modules that are plugged in"),
    "check": Verb("settings_file", "look through the settings and show every fault"),
    "schema": Verb("settings_file", "print the JSON schema of the settings"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line (default: this process's) and gives its exit code; never raises for expected faults."""
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = argparse.Namespace()
    try:
        parser = _parser(words)
        if not words:
            parser.print_help(sys.stderr)
            parser.exit(Exit.USAGE)
        arguments = parser.parse_args(words)
        run: Callable[[argparse.Namespace], int] = arguments.run
        gc.enable()  # off since __main__
        return int(run(arguments))
    except SystemExit as end:  # argparse has said what it had to say
        return int(end.code or 0)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except SettingsError as error:
        for fault in error.faults:  # as compilers write them, for editors that jump to the place
            print(fault, file=sys.stderr)
        return Exit.SETTINGS
    except LucidError as error:
        if getattr(arguments, "json", False):
            print_json({"error": error_document(error)})
        complain(str(error), getattr(error, "remedy", ""))
        return exit_of(error)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lucid2mqtt",
        description="LucidControl USB IO modules on MQTT and in Home Assistant.",
        epilog="exit codes: 0 done, 1 the module or the broker said no, 2 usage, 3 port or network, 4 settings",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"lucid2mqtt {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, verb in VERBS.items():
        own = verbs.add_parser(name, help=verb.help, description=verb.help.capitalize() + ".", allow_abbrev=False)
        if name == asked:
            add = getattr(import_module(f"lucid2mqtt.cli.{verb.module}"), f"add_{name.replace('-', '_')}")
            add(own)
    return parser
