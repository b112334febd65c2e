"""Payloads in both directions, without a word about topics: commands in, states, attributes and refusals out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lucid2mqtt.domain.channel import Channel, Signal
from lucid2mqtt.domain.numbers import plain_number
from lucid2mqtt.domain.reading import Reading, Value
from lucid2mqtt.engine.orders import Incident, Toggle
from lucid2mqtt.errors import Reason, RequestRejected

ONLINE = "online"
OFFLINE = "offline"
EDGE_EVENT = "edge"

LONGEST_COMMAND = 1024
"""Bytes; the longest sensible command is a JSON object of some forty."""

_SWITCH_WORDS: Mapping[str, bool | Toggle] = {
    "ON": True,
    "1": True,
    "TRUE": True,
    "OFF": False,
    "0": False,
    "FALSE": False,
    "TOGGLE": Toggle.TOGGLE,
}
_KEYS = frozenset({"state", "value", "for_s"})
_SWITCH_REMEDY = 'send ON, OFF or TOGGLE, or JSON such as {"state": "ON", "for_s": 30}'
_NUMBER_REMEDY = "send a number with a decimal point, such as 5.0"
_SHOWN_OF_COMMAND = 80


@dataclass(frozen=True, slots=True)
class ParsedCommand:
    """What a payload asks for; `for_s` in seconds, only for switches."""

    value: bool | float | Toggle
    for_s: float | None = None


def parse_command(payload: bytes, channel: Channel) -> ParsedCommand:
    """Reads a command for `channel`: a switch word in any case, a number, or a JSON object with `state` or `value`, and `for_s`.

    Raises RequestRejected (TOO_LONG, NOT_TEXT, NOT_UNDERSTOOD) and nothing else, whatever the bytes. Limits are the desk's business.
    """
    remedy = _SWITCH_REMEDY if channel.signal is Signal.STATE else _NUMBER_REMEDY
    text = text_of(payload, remedy)
    if not text.startswith("{"):
        return ParsedCommand(_value_of(text, channel, remedy))
    document = object_of(text, remedy)
    unknown = document.keys() - _KEYS
    if unknown:
        raise _not_understood(f"unknown key {min(unknown)[:_SHOWN_OF_COMMAND]!r}", remedy)
    if ("state" in document) is ("value" in document):
        raise _not_understood("a command has either a state or a value", remedy)
    wanted = document["state"] if "state" in document else document["value"]
    value = _value_of(_word_of(wanted, remedy), channel, remedy)
    return ParsedCommand(value, _duration_of(document["for_s"], channel) if "for_s" in document else None)


def text_of(payload: bytes, remedy: str) -> str:
    """The text of a command, without the spaces around it. RequestRejected: TOO_LONG, NOT_TEXT."""
    if len(payload) > LONGEST_COMMAND:
        raise RequestRejected(Reason.TOO_LONG, f"the command has {len(payload)} bytes, {LONGEST_COMMAND} are allowed", remedy)
    try:
        return payload.decode().strip()
    except UnicodeDecodeError:
        raise RequestRejected(Reason.NOT_TEXT, "the command is not UTF-8 text", remedy) from None


def object_of(text: str, remedy: str) -> dict[str, object]:
    """The JSON object that `text` is. RequestRejected: NOT_UNDERSTOOD."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _not_understood("the command begins like JSON but is none", remedy) from None
    if not isinstance(document, dict):
        raise _not_understood("the command is no JSON object", remedy)
    return document


def _word_of(wanted: object, remedy: str) -> str:
    if isinstance(wanted, bool | int | float | str):
        return str(wanted)
    raise _not_understood("the state is neither a word nor a number", remedy)


def _value_of(word: str, channel: Channel, remedy: str) -> bool | float | Toggle:
    if channel.signal is Signal.STATE:
        known = _SWITCH_WORDS.get(word.upper())
        if known is None:
            raise _not_understood(f"{shorten(word)!r} is no switch state", remedy)
        return known
    number = plain_number(word)
    if number is None:
        raise _not_understood(f"{shorten(word)!r} is no number", remedy)
    return number


def _duration_of(wanted: object, channel: Channel) -> float:
    if channel.signal is not Signal.STATE:
        raise _not_understood("for_s is for switches only", "leave for_s out")
    seconds = None if isinstance(wanted, bool) or not isinstance(wanted, int | float) else plain_number(str(wanted))
    if seconds is None or seconds <= 0:
        raise _not_understood("for_s is not a number of seconds above 0", 'send for example {"state": "ON", "for_s": 30}')
    return seconds


def _not_understood(message: str, remedy: str) -> RequestRejected:
    return RequestRejected(Reason.NOT_UNDERSTOOD, message, remedy)


def render(value: Value, decimals: int | None) -> str:
    """The state payload: `ON`, `OFF`, or a plain decimal number with a dot, never an exponent."""
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, int) and decimals is None:
        return str(value)
    text = f"{value:.6f}".rstrip("0").rstrip(".") if decimals is None else f"{value:.{decimals}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def attributes(reading: Reading) -> str:
    """The attributes payload; `taken_at` tells how old the news is."""
    return to_json(
        {"quality": reading.quality, "reason": reading.reason, "unit": reading.unit, "taken_at": timestamp(reading.taken_at)},
    )


def edge_event(count: int) -> str:
    """The event payload of an edge channel: `count` edges since the last one."""
    return to_json({"event_type": EDGE_EVENT, "count": count})


def refusal(rejected: RequestRejected, command: bytes, at: datetime) -> str:
    """The error payload of a refused command."""
    return to_json(
        {
            "command": shorten(command[:LONGEST_COMMAND].decode(errors="replace")),
            "reason": rejected.reason,
            "message": str(rejected),
            "remedy": rejected.remedy,
            "time": timestamp(at),
        },
    )


def incident(event: Incident, at: datetime) -> str:
    """The error payload of something that happened to an output without a command."""
    return to_json(
        {
            "command": None,
            "what": event.what,
            "reason": event.reason,
            "message": event.message,
            "remedy": event.remedy,
            "time": timestamp(at),
        },
    )


def outcome(state: str | None) -> str:
    """The answer on the response topic to a command that was carried out, with the read-back as it is published."""
    return to_json({"result": "done", "state": state})


def rejection(rejected: RequestRejected) -> str:
    """The answer on the response topic to a command that was not, or perhaps not, carried out."""
    result = "unknown" if rejected.reason is Reason.NO_ANSWER else "rejected"
    return to_json({"result": result, "reason": rejected.reason, "message": str(rejected), "remedy": rejected.remedy})


def timestamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds and offset: `2026-11-23T10:00:00.000+00:00`."""
    return moment.isoformat(timespec="milliseconds")


def shorten(text: str) -> str:
    """`text` on one line, at most 80 characters of it, fit for a log or an error message."""
    plain = "".join(sign if sign.isprintable() else "�" for sign in text[: _SHOWN_OF_COMMAND + 1])
    return plain if len(text) <= _SHOWN_OF_COMMAND else f"{plain[:_SHOWN_OF_COMMAND]}…"


def to_json(document: object) -> str:
    """Compact JSON, readable in captures: signs such as ° stay themselves."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
