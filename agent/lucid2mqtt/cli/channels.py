"""read, write and watch: channels in engineering units."""

from __future__ import annotations

import asyncio
import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.printing import Document, print_json, print_table, reading_row
from lucid2mqtt.cli.reach import PORT_HELP, add_console_option, reach
from lucid2mqtt.engine.orders import Toggle
from lucid2mqtt.errors import Reason, RequestRejected

_WORDS: dict[str, bool | Toggle] = {
    "on": True,
    "true": True,
    "1": True,
    "off": False,
    "false": False,
    "0": False,
    "toggle": Toggle.TOGGLE,
}
_CHANNELS_HELP = "channels by number or name, as in 0,2-3,flow (default: all)"


def add_read(parser: ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("channels", nargs="?", metavar="CHANNELS", help=_CHANNELS_HELP)
    parser.set_defaults(run=lambda arguments: asyncio.run(_read(arguments)))


def add_write(parser: ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument(
        "settings",
        nargs="+",
        metavar="CHANNEL=VALUE",
        help="0=on, pump=toggle, 2=4.5 (V or mA); all are checked before the first is written",
    )
    parser.set_defaults(run=lambda arguments: asyncio.run(_write(arguments)))


def add_watch(parser: ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("channels", nargs="?", metavar="CHANNELS", help=_CHANNELS_HELP)
    parser.add_argument("--interval", type=_seconds, default=1.0, metavar="S", help="time between two reads, s (default: 1)")
    parser.add_argument("--count", type=_rounds, default=None, metavar="N", help="stop after N reads (default: at Ctrl-C)")
    parser.set_defaults(run=_watch_until_stopped)


def _add_common(parser: ArgumentParser) -> None:
    parser.add_argument("port", metavar="PORT", help=PORT_HELP)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_console_option(parser)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise ArgumentTypeError("must be more than 0")
    return seconds


def _rounds(text: str) -> int:
    rounds = int(text)
    if rounds < 1:
        raise ArgumentTypeError("must be at least 1")
    return rounds


async def _read(arguments: Namespace) -> int:
    async with reach(arguments.port, arguments) as module:
        readings = await module.read(select(module.document, arguments.channels))
    if arguments.json:
        print_json(readings)
    else:
        print_table([reading_row(reading) for reading in readings])
    return _exit_for(readings)


def _exit_for(readings: Sequence[Document]) -> Exit:
    return Exit.REFUSED if any(reading["value"] is None for reading in readings) else Exit.DONE


async def _write(arguments: Namespace) -> int:
    async with reach(arguments.port, arguments) as module:
        orders = [parse_setting(module.document, text) for text in arguments.settings]
        outcomes = []
        for channel, value in orders:
            outcome = await module.write(channel["number"], value)
            outcomes.append(outcome)
            if not arguments.json:
                print(outcome["text"], flush=True)
    if arguments.json:
        print_json(outcomes)
    return Exit.DONE


def _watch_until_stopped(arguments: Namespace) -> int:
    try:
        return asyncio.run(_watch(arguments))
    except KeyboardInterrupt:
        return Exit.DONE


async def _watch(arguments: Namespace) -> int:
    """On a fixed grid; a value that did not change is not shown again."""
    loop = asyncio.get_running_loop()
    shown: dict[int, tuple[object, object]] = {}
    async with reach(arguments.port, arguments) as module:
        numbers = select(module.document, arguments.channels)
        due, rounds = loop.time(), 0
        while True:
            for reading in await module.read(numbers):
                said = reading["value"], reading["quality"]
                if shown.get(reading["channel"]) != said:
                    shown[reading["channel"]] = said
                    if arguments.json:
                        print_json(reading, one_line=True)
                    else:
                        print(reading["taken_at"][11:19], *reading_row(reading), flush=True)
            rounds += 1
            if rounds == arguments.count:
                return Exit.DONE
            due = max(due + arguments.interval, loop.time())
            await asyncio.sleep(due - loop.time())


def select(module: Document, text: str | None) -> list[int]:
    """The channel numbers that CHANNELS names, in its order. Raises RequestRejected."""
    if text is None:
        return [channel["number"] for channel in module["channels"]]
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if dash and first.isdecimal() and last.isdecimal():
            if int(last) < int(first):
                raise RequestRejected(Reason.NOT_UNDERSTOOD, f"{part} is no range of channels", "write the lower number first")
            numbers += [_find(module, str(number))["number"] for number in range(int(first), min(int(last), 255) + 1)]
        else:
            numbers.append(_find(module, part)["number"])
    return list(dict.fromkeys(numbers))


def parse_setting(module: Document, text: str) -> tuple[Document, bool | float | Toggle]:
    """The channel and the value of `CHANNEL=VALUE`. Raises RequestRejected when the channel cannot take it."""
    key, equals, word = text.partition("=")
    if not equals:
        raise RequestRejected(Reason.NOT_UNDERSTOOD, f"{text!r} is no CHANNEL=VALUE", "write it like 0=on or 2=4.5")
    channel = _find(module, key)
    if not channel["output"]:
        raise RequestRejected(Reason.NOT_AN_OUTPUT, f"channel {key} is a {channel['kind']}", "outputs only can be written")
    if channel["signal"] == "state":
        if (state := _WORDS.get(word.strip().casefold())) is None:
            raise RequestRejected(Reason.NOT_UNDERSTOOD, f"channel {key} cannot be {word!r}", "write on, off or toggle")
        return channel, state
    return channel, _number(channel, key, word)


def _number(channel: Document, key: str, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    low, high, unit = channel["minimum"], channel["maximum"], channel["unit"]
    if not math.isfinite(value):
        raise RequestRejected(Reason.NOT_UNDERSTOOD, f"channel {key} cannot be {word!r}", f"write a number of {unit}, with a point")
    if (low is not None and value < low) or (high is not None and value > high):
        raise RequestRejected(Reason.OUT_OF_RANGE, f"channel {key} cannot be {value:g} {unit}", f"its range is {low:g}..{high:g} {unit}")
    return value


def _find(module: Document, key: str) -> Document:
    for channel in module["channels"]:
        if str(channel["number"]) == key or channel["name"] == key:
            found: Document = channel
            return found
    known = ", ".join(
        str(channel["number"]) if channel["name"] == str(channel["number"]) else f"{channel['number']} ({channel['name']})"
        for channel in module["channels"]
    )
    raise RequestRejected(Reason.UNKNOWN_CHANNEL, f"{module['label']} has no channel {key!r}", f"its channels: {known}")
