"""check and schema: the settings before anything runs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.printing import print_json
from lucid2mqtt.errors import SettingsError
from lucid2mqtt.settings import Settings, load


def add_check(parser: ArgumentParser) -> None:
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="settings file (default: none, only the environment)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_check)


def add_schema(parser: ArgumentParser) -> None:
    parser.set_defaults(run=_schema)


def _check(arguments: Namespace) -> int:
    try:
        settings = load(arguments.config)
    except SettingsError as error:
        if not arguments.json:
            raise
        print_json({"ok": False, "faults": [asdict(fault) for fault in error.faults], "warnings": []})
        return Exit.SETTINGS
    if arguments.json:
        print_json({"ok": True, "faults": [], "warnings": [asdict(warning) for warning in settings.warnings]})
    else:
        for warning in settings.warnings:
            print(warning, file=sys.stderr)
        counts = _count(len(settings.modules), "named module")
        if settings.thermostats:
            counts += f", {_count(len(settings.thermostats), 'thermostat')}"
        print(f"{arguments.config or 'the environment'} is right: node {settings.node}, {settings.mqtt.url}, {counts}")
    return Exit.DONE


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _schema(arguments: Namespace) -> int:
    del arguments
    print_json({"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "lucid2mqtt settings"} | Settings.model_json_schema())
    return Exit.DONE
