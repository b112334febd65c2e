"""Faults by name: on the line, on a sensor, on the cable.

silence     {"for_s": 5, "executes": true}     no replies; commands are carried out all the same unless said otherwise
half        {"keep": 1, "times": 1}            only the first bytes of a reply
late        {"by_s": 0.5, "times": 1}          the reply comes later
garbage     {"data": "ff00", "times": 1}       these bytes stand before the reply
error       {"status": 208, "times": 1}        refused, not carried out
stuck       {"channel": 0, "for_s": 60}        an input keeps its present value
unplug      {"for_s": 2}                       the cable is out, for ever without for_s
replug      {"name": "usb-..."}                in again, under its old name or another
swap        {"other": "do4-500101"}            both cables out and in again, each under the other's name
healthy     {}                                 end of every line and sensor fault
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No reply for `for_s` seconds. With `executes` the command was carried out: the case a writer must expect."""

    for_s: float
    executes: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfReply:
    """Only the first `keep` bytes of the next `times` replies."""

    keep: int = 1
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LateReply:
    """The next `times` replies come `by_s` seconds later."""

    by_s: float
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbageBeforeReply:
    """`data` (hexadecimal) stands before the next `times` replies."""

    data: str = "ff00"
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStatus:
    """The next `times` requests are refused with `status` (1..255) and not carried out."""

    status: int = 0xD0
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckSensor:
    """Input `channel` keeps its present value, whatever happens at the terminal; for ever with `for_s` None."""

    channel: int
    for_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """End of every fault on the line and the sensors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplug:
    """The cable is pulled; put back under the same name after `for_s` seconds, never with None."""

    for_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replug:
    """The cable is put back; `name` is the new link name, the old one with None."""

    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapNames:
    """The module and `other` are pulled and put back, each under the other's name."""

    other: str


LineFault = Silence | HalfReply | LateReply | GarbageBeforeReply | ErrorStatus
ModuleFault = LineFault | StuckSensor | Healthy
CableFault = Unplug | Replug | SwapNames
AnyFault = ModuleFault | CableFault

_Fault = TypeVar("_Fault", HalfReply, LateReply, GarbageBeforeReply, ErrorStatus)

_NAMES: Mapping[str, type[AnyFault]] = {
    "silence": Silence,
    "half": HalfReply,
    "late": LateReply,
    "garbage": GarbageBeforeReply,
    "error": ErrorStatus,
    "stuck": StuckSensor,
    "unplug": Unplug,
    "replug": Replug,
    "swap": SwapNames,
    "healthy": Healthy,
}


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


_OPTIONS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "for_s": (lambda value: value is None or _is_seconds(value), "seconds"),
    "by_s": (_is_seconds, "seconds"),
    "executes": (lambda value: isinstance(value, bool), "true or false"),
    "keep": (lambda value: _is_whole(value, 0, 255), "a number of bytes"),
    "times": (lambda value: _is_whole(value, 1, 1_000_000), "a number of times"),
    "status": (lambda value: _is_whole(value, 1, 0xFF), "an error status, 1..255"),
    "channel": (lambda value: _is_whole(value, 0, 255), "a channel number"),
    "data": (
        lambda value: isinstance(value, str) and re.fullmatch(r"([0-9a-fA-F]{2}){1,64}", value) is not None,
        "1..64 bytes in hexadecimal",
    ),
    "name": (lambda value: value is None or isinstance(value, str), "a link name"),
    "other": (lambda value: isinstance(value, str), "the name of another module"),
}


def parse_fault(name: str, options: Mapping[str, Any]) -> AnyFault:  # Any: it comes from JSON
    """The fault called `name`; ValueError that lists what there is when name or options do not fit."""
    kind = _NAMES.get(name)
    if kind is None:
        raise ValueError(f"no fault {name!r}; there are {', '.join(sorted(_NAMES))}")
    for option, value in options.items():
        fits, what = _OPTIONS.get(option, (lambda _: True, ""))
        if not fits(value):
            raise ValueError(f"fault {name}: {option} is {what}, not {value!r}")
    try:
        return kind(**options)
    except TypeError as error:
        allowed = ", ".join(field.name for field in fields(kind)) or "none"
        raise ValueError(f"fault {name}: options are {allowed}, not {', '.join(options) or 'none'}") from error


class FaultyLine:
    """What is wrong with the line now. Faults of one kind replace each other, different ones add up."""

    def __init__(self) -> None:
        self._faults: dict[type[LineFault], LineFault] = {}
        self._left: dict[type[LineFault], int] = {}
        self._silent_until = float("-inf")

    def add(self, fault: LineFault, now: float) -> None:
        self._faults[type(fault)] = fault
        if isinstance(fault, Silence):
            self._silent_until = now + fault.for_s
        else:
            self._left[type(fault)] = fault.times

    def clear(self) -> None:
        self._faults.clear()
        self._left.clear()
        self._silent_until = float("-inf")

    def ignores(self, now: float) -> bool:
        """True when a request at `now` is neither carried out nor answered."""
        silence = self._faults.get(Silence)
        return isinstance(silence, Silence) and not silence.executes and now < self._silent_until

    def refusal(self) -> int | None:
        """The error status the next request gets instead of being carried out."""
        error = self._take(ErrorStatus)
        return None if error is None else error.status

    def spoil(self, reply: bytes, due: float) -> tuple[bytes, float]:
        """What is really sent, and when; nothing at all while silent."""
        if due < self._silent_until:
            return b"", due
        if (late := self._take(LateReply)) is not None:
            due += late.by_s
        if (half := self._take(HalfReply)) is not None:
            reply = reply[: half.keep]
        if (garbage := self._take(GarbageBeforeReply)) is not None:
            reply = bytes.fromhex(garbage.data) + reply
        return reply, due

    def _take(self, kind: type[_Fault]) -> _Fault | None:
        """The fault of the kind if it strikes now; its last time takes it off the line."""
        left = self._left.get(kind, 0)
        if left <= 0:
            return None
        self._left[kind] = left - 1
        fault = self._faults[kind]
        return fault if isinstance(fault, kind) else None
