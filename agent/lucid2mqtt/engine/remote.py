"""Values that others measure and publish, put on the board beside our own: an outdoor temperature, a wireless room sensor.

They get the name of a channel of the module `remote`, which no real module may have. How old a value is counts from the moment
it was heard; who published it when is not known.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lucid2mqtt.domain.names import REMOTE, ChannelRef
from lucid2mqtt.domain.numbers import plain_number
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.board import Board

REPEAT_S = 10.0
"""A value that holds is put up again this often: whoever controls by it sees that it is not forgotten."""

LONGEST_PAYLOAD = 65536
"""Bytes; the longest status documents of wireless sensors have some thousand."""

_UNIT = "°C"
_SHOWN = 40

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """`key` is the way into a JSON document (`ENERGY.Power`), "" for a payload that is the number. ValueError for what cannot be."""

    channel: ChannelRef
    topic: str
    key: str = ""
    max_age_s: float = 900.0

    def __post_init__(self) -> None:
        if self.channel.module != REMOTE:
            raise ValueError(f"{self.channel} is not a value that comes by topic; its module is called {REMOTE}")
        if not REPEAT_S <= self.max_age_s < math.inf:
            raise ValueError(f"max_age_s {self.max_age_s:g} of {self.topic} has to be at least {REPEAT_S:g}")


class RemoteValues:
    """Takes in what was heard and puts it on the board; `run` repeats what holds and withdraws what is too old. `now` is the wall clock."""

    def __init__(self, options: Sequence[RemoteOptions], board: Board, *, now: Callable[[], datetime]) -> None:
        self._board = board
        self._now = now
        self._by_topic: dict[str, list[_RemoteValue]] = {}
        self._told_retained: set[str] = set()
        for each in options:
            self._by_topic.setdefault(each.topic, []).append(_RemoteValue(each))

    @property
    def topics(self) -> tuple[str, ...]:
        """What to listen to, each once."""
        return tuple(self._by_topic)

    def heard(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Takes a message; other topics, and whatever bytes, do no harm. A retained one is left out: it may be days old."""
        values = self._by_topic.get(topic, [])
        if retained:
            if values and topic not in self._told_retained:
                self._told_retained.add(topic)
                _log.info("%s: what the broker kept is not used, its age is not known; waiting for news", topic)
            return
        at = asyncio.get_running_loop().time()
        self._put_up(value.hear(payload, at, self._now()) for value in values)

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        values = [value for group in self._by_topic.values() for value in group]
        began = loop.time()
        while values:
            now = loop.time()
            due = min([now + REPEAT_S, *(value.expires_at for value in values if value.expires_at > now)])
            await asyncio.sleep(due - now)
            self._put_up(value.look(loop.time(), began, self._now()) for value in values)

    def _put_up(self, readings: Iterable[Reading | None]) -> None:
        known = [reading for reading in readings if reading is not None]
        if known:
            self._board.update(known)


class _RemoteValue:
    """One value and its age. Times are loop times."""

    def __init__(self, options: RemoteOptions) -> None:
        self._channel = options.channel
        self._topic = options.topic
        self._key = options.key
        self._max_age_s = options.max_age_s
        self._reading: Reading | None = None  # as it was put up last
        self._heard_at: float | None = None  # None: there is no usable value
        self._is_missed = False  # the log says so

    @property
    def expires_at(self) -> float:
        return math.inf if self._heard_at is None else self._heard_at + self._max_age_s

    def hear(self, payload: bytes, at: float, wall: datetime) -> Reading:
        try:
            value = number_in(payload, self._key)
        except ValueError as fault:
            return self._withdraw(f"{self._topic}: {fault}", wall)
        if self._is_missed:
            self._is_missed = False
            _log.info("%s is there again: %s", self._channel, self._topic)
        self._heard_at = at
        self._reading = Reading(channel=self._channel, value=value, unit=_UNIT, quality=Quality.GOOD, taken_at=wall)
        return self._reading

    def look(self, now: float, began: float, wall: datetime) -> Reading | None:
        """What to put up at `now`; None when all is said. `began` is when listening began."""
        if self._heard_at is not None:
            is_fresh = now < self.expires_at
            return self._reading if is_fresh else self._withdraw(f"no news on {self._topic} for {_duration(self._max_age_s)}", wall)
        if self._reading is None:
            self._reading = self._without_value(f"nothing was heard on {self._topic} yet", wall)
            return self._reading
        if not self._is_missed and now - began >= self._max_age_s:
            return self._withdraw(f"nothing was heard on {self._topic} for {_duration(self._max_age_s)}", wall)
        return None

    def _withdraw(self, why: str, wall: datetime) -> Reading:
        if not self._is_missed:
            self._is_missed = True
            _log.warning("%s: %s", self._channel, why)
        self._heard_at = None
        self._reading = self._without_value(why, wall)
        return self._reading

    def _without_value(self, reason: str, wall: datetime) -> Reading:
        return Reading(channel=self._channel, value=None, unit=_UNIT, quality=Quality.STALE, taken_at=wall, reason=reason)


def number_in(payload: bytes, key: str) -> float:
    """The number in a payload, by `key` when it is a JSON document. ValueError with what is wrong, and nothing else, whatever the bytes."""
    if len(payload) > LONGEST_PAYLOAD:
        raise ValueError(f"the message has {len(payload)} bytes, {LONGEST_PAYLOAD} are allowed")
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("the message is no text") from None
    found = _found(text, key) if key else text
    number = plain_number(str(found).strip()) if isinstance(found, str | int | float) else None
    if number is None:
        where = f"{key} is " if key else ""
        raise ValueError(f"{where}{str(found)[:_SHOWN]!r}, which is no number")
    return number


def _found(text: str, key: str) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{text[:_SHOWN]!r} is no JSON document, {key} cannot be looked up in it") from None
    for word in key.split("."):
        if not isinstance(found, dict) or word not in found:
            raise ValueError(f"there is no {key} in {text[:_SHOWN]!r}")
        found = found[word]
    return found


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 120 else f"{seconds:g} s"
