"""thermostat: what the thermostats of the running agent do, commands for them, and a day replayed without any of it."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.printing import print_json, print_table
from lucid2mqtt.cli.reach import add_console_option, running_agent
from lucid2mqtt.cli.replay import add_replay

Document = dict[str, Any]  # Any: JSON

_KEYS = ("mode", "target", "preset", "duty", "autotune", "alarms")
_NUMBERS = ("target", "duty")


def add_thermostat(parser: ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="what", metavar="list|set|replay", required=True)
    listing = verbs.add_parser("list", help="every thermostat of the running agent, as it stands", allow_abbrev=False)
    listing.add_argument("--json", action="store_true", help="print JSON")
    add_console_option(listing)
    listing.set_defaults(run=_list)
    setting = verbs.add_parser("set", help="commands for one thermostat", allow_abbrev=False)
    setting.add_argument("name", metavar="NAME", help="the thermostat's name in topics")
    setting.add_argument(
        "commands",
        metavar="KEY=VALUE",
        nargs="+",
        type=_command,
        help="mode=heat, target=21.5, preset=eco, preset=boost:3600, duty=40 (per cent, mode manual), autotune=start|abort|undo, alarms=reset",
    )
    setting.add_argument("--json", action="store_true", help="print JSON")
    add_console_option(setting)
    setting.set_defaults(run=_set)
    add_replay(verbs.add_parser("replay", help="run the controller over a simulated or recorded day", allow_abbrev=False))


def _command(text: str) -> Document:
    key, separator, value = text.partition("=")
    if not separator or key not in _KEYS:
        raise ArgumentTypeError(f"{text!r} is no command; write KEY=VALUE with one of {', '.join(_KEYS)}")
    if key in _NUMBERS:
        return {"set": key, "value": _number(value)}
    preset, colon, seconds = value.partition(":")
    if key == "preset" and colon:
        return {"set": key, "value": preset, "for_s": _number(seconds)}
    return {"set": key, "value": value}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no number; write it with a decimal point, such as 21.5") from None


def _list(arguments: Namespace) -> int:
    with running_agent(arguments) as agent:
        found: list[Document] = agent.ask("thermostats")
    if arguments.json:
        print_json(found)
    elif not found:
        print("no thermostats; they are declared under thermostats: in the settings")
    else:
        _tell_rows(found)
        _tell_words(found)
    return Exit.DONE


def _set(arguments: Namespace) -> int:
    with running_agent(arguments) as agent:
        for command in arguments.commands:
            state: Document = agent.ask("thermostat", name=arguments.name, **command)
    if arguments.json:
        print_json(state)
    else:
        # what was commanded, and no more: duty and reasons follow with the thermostat's next step
        row = (state["name"], state["mode"], _degrees(state["target_c"]), state["preset"])
        print_table([row], heading=("thermostat", "mode", "target", "preset"))
    return Exit.DONE


def _tell_rows(thermostats: list[Document]) -> None:
    print_table(
        [
            (
                each["name"],
                each["mode"],
                each["action"],
                _degrees(each["current_c"]),
                _degrees(each["target_c"]),
                f"{100 * each['duty']:.0f} %",
                each["preset"],
                str(each["closures_today"]),
            )
            for each in thermostats
        ],
        heading=("thermostat", "mode", "does", "is", "target", "duty", "preset", "closures today"),
    )


def _tell_words(thermostats: list[Document]) -> None:
    for each in thermostats:
        print(f"{each['name']}: {each['reason']}")
        for alarm in each["alarms"]:
            print(f"{each['name']}: ALARM {alarm['name']}{' (latched)' if alarm['latched'] else ''}: {alarm['reason']}")
        alarms = {alarm["reason"] for alarm in each["alarms"]}
        for notice in (notice for notice in each["notices"] if notice not in alarms):
            print(f"{each['name']}: {notice}")


def _degrees(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} °C"
