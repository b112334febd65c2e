"""What comes in: commands to the desk, requests to read, and an answer to each."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from lucid2mqtt.domain.channel import Channel
from lucid2mqtt.domain.names import ChannelRef, is_slug
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.engine.orders import Order, Outcome
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.mqtt.messages import Message, Outgoing
from lucid2mqtt.mqtt.payloads import outcome, parse_command, refusal, rejection, render, shorten
from lucid2mqtt.mqtt.topics import Errand, ReadChannel, ReadModule, ReadThermostat, SetChannel, SetThermostat, Topics

LATEST_S = 5.0
"""A command is carried out within this time after it came, or not at all."""

MOST_UNDER_WAY = 64
"""Commands and reads at a time; more are refused as BUSY."""

WHO = "mqtt"
_LOG_LINES = 10
_LOG_LINE_EVERY_S = 6.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Where commands go. All but `confirm`, `expect_news`, `tell_thermostat` and `publish` raise RequestRejected."""

    find_output: Callable[[ChannelRef], Channel]
    carry_out: Callable[[Order], Awaitable[Outcome]]
    read_channel: Callable[[ChannelRef], Awaitable[str | None]]
    """Reads, publishes, and returns the state as published."""
    read_module: Callable[[str], Awaitable[None]]
    confirm: Callable[[Reading], None]
    """Has the read-back of a command told, also when it is no news."""
    expect_news: Callable[[ChannelRef], None]
    """Has the next reading of a channel told, whatever it says."""
    ask_thermostat: Callable[[SetThermostat | ReadThermostat, bytes], str | None]
    """Carries a payload out at once, and returns what is in force then."""
    tell_thermostat: Callable[[str], None]
    """Publishes the state of a thermostat; nothing for one there is not."""
    publish: Callable[[Outgoing], object]


class Commands:
    """Takes messages as they come, never waits, never raises for what a stranger sent; refusals are answered, counted and told."""

    def __init__(self, topics: Topics, doors: Doors, *, now: Callable[[], datetime]) -> None:
        self._topics = topics
        self._doors = doors
        self._now = now
        self._under_way = 0
        self._log_lines = _ScarceLines()
        self.refused: Counter[Reason] = Counter()
        """Since the start, by reason."""

    def take(self, incoming: Errand, message: Message, tasks: asyncio.TaskGroup) -> None:
        """Begins what `message` asks for as a task of `tasks`, or refuses it at once."""
        if message.retained and not message.payload:
            return  # somebody clears a retained command
        try:
            work = self._admit(incoming, message)
        except RequestRejected as rejected:
            self._refuse(incoming, message, rejected)
            return
        self._under_way += 1
        tasks.create_task(self._answer(work, incoming, message), name=f"mqtt:{message.topic}")

    def _admit(self, incoming: Errand, message: Message) -> Callable[[], Awaitable[str | None]]:
        if message.retained:
            remedy = f"publish without the retain flag, and clear it: mosquitto_pub -r -n -t {shorten(message.topic)}"
            raise RequestRejected(Reason.RETAINED, "a retained command is not carried out", remedy)
        if message.expires_s is not None and message.expires_s <= 0:
            raise RequestRejected(Reason.EXPIRED, "the command came too late", "send it again if it is still wanted")
        if self._under_way >= MOST_UNDER_WAY:
            raise RequestRejected(Reason.BUSY, f"{self._under_way} commands are under way", "send fewer at a time")
        match incoming:
            case SetChannel(ref):
                return self._order(ref, message)
            case ReadChannel(ref):
                return lambda: self._doors.read_channel(ref)
            case ReadModule(module):
                return lambda: self._doors.read_module(module)
            case SetThermostat() | ReadThermostat():
                return lambda: self._ask_thermostat(incoming, message.payload)

    def _order(self, ref: ChannelRef, message: Message) -> Callable[[], Awaitable[str]]:
        channel = self._doors.find_output(ref)
        parsed = parse_command(message.payload, channel)
        within_s = LATEST_S if message.expires_s is None else min(message.expires_s, LATEST_S)
        deadline = asyncio.get_running_loop().time() + within_s
        order = Order(channel=ref, value=parsed.value, for_s=parsed.for_s, who=WHO, deadline=deadline)

        async def carry_out() -> str:
            try:
                done = await self._doors.carry_out(order)
            except RequestRejected:
                self._doors.expect_news(ref)  # whoever asked hears what the module says
                raise
            self._doors.confirm(done.reading)
            value = done.reading.value
            return "" if value is None else render(value, channel.decimals)

        return carry_out

    async def _ask_thermostat(self, incoming: SetThermostat | ReadThermostat, payload: bytes) -> str | None:
        return self._doors.ask_thermostat(incoming, payload)

    async def _answer(self, work: Callable[[], Awaitable[str | None]], incoming: Errand, message: Message) -> None:
        try:
            state = await work()
        except RequestRejected as rejected:
            self._refuse(incoming, message, rejected)
        else:
            self._tell_thermostat(incoming)
            self._respond(message, outcome(state or None))
        finally:
            self._under_way -= 1

    def _refuse(self, incoming: Errand, message: Message, rejected: RequestRejected) -> None:
        self.refused[rejected.reason] += 1
        if not isinstance(incoming, ReadModule) and is_slug(incoming.ref.module) and is_slug(incoming.ref.channel):
            payload = refusal(rejected, message.payload, self._now())
            self._doors.publish(Outgoing(topic=self._topics.error(incoming.ref), payload=payload))
        self._tell_thermostat(incoming)
        self._respond(message, rejection(rejected))
        missed = self._log_lines.take(asyncio.get_running_loop().time())
        if missed is not None:
            more = f" (and {missed} more refusals before)" if missed else ""
            _log.warning("refused %s: %s; %s%s", shorten(message.topic), rejected, rejected.remedy, more)

    def _tell_thermostat(self, incoming: Errand) -> None:
        """Whatever became of a command: Home Assistant shows nothing but what it is told."""
        if isinstance(incoming, SetThermostat | ReadThermostat):
            self._doors.tell_thermostat(incoming.name)

    def _respond(self, message: Message, payload: str) -> None:
        if message.response_topic is not None and self._topics.may_answer_on(message.response_topic):
            answer = Outgoing(topic=message.response_topic, payload=payload, qos=min(message.qos, 1), correlation=message.correlation)
            self._doors.publish(answer)


class _ScarceLines:
    """Lets ten log lines through, then one every six seconds."""

    def __init__(self) -> None:
        self._left = float(_LOG_LINES)
        self._at = 0.0
        self._missed = 0

    def take(self, now: float) -> int | None:
        """None when this line is one too many; else how many were left out before it."""
        self._left = min(_LOG_LINES, self._left + (now - self._at) / _LOG_LINE_EVERY_S)
        self._at = now
        if self._left < 1:
            self._missed += 1
            return None
        self._left -= 1
        missed, self._missed = self._missed, 0
        return missed
