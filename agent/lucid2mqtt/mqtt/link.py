"""The link to the broker: dials, comes back by itself, and never tells old news."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

from lucid2mqtt.mqtt.messages import Message, Outgoing, Subscription
from lucid2mqtt.mqtt.options import MqttOptions, Protocol
from lucid2mqtt.mqtt.outbox import Outbox
from lucid2mqtt.mqtt.redial import BrokerUnavailable, Trouble, VersionChoice, retry_delay_s
from lucid2mqtt.mqtt.session import Session

LASTING_S = 2.0
"""A connection that ends earlier is no sign that the broker is back."""

_ENDED_AT_ONCE = "the broker %s ends our connections at once: %s; is another client called %s too? Give each agent its own node"
_NOBODY_THERE = frozenset({Trouble.SILENT, Trouble.WRONG_VERSION, Trouble.UNREACHABLE})

_log = logging.getLogger(__name__)


class LinkListener(Interface):
    """Who is told. All three are called on the loop, one at a time; what they raise ends `MqttLink.run()`."""

    def connected(self) -> None:
        """The broker is there and our subscriptions are sent: say everything anew."""

    def disconnected(self) -> None:
        """The broker is gone, or could not be reached at the start."""

    def received(self, message: Message) -> None: ...


@dataclass(slots=True)
class LinkCounters:
    """Since the start; `dropped` messages were overtaken by newer ones while they waited."""

    published: int = 0
    received: int = 0
    connects: int = 0
    dropped: int = 0
    queue_high_water: int = 0

    @property
    def reconnects(self) -> int:
        return max(self.connects - 1, 0)


class MqttLink:
    """One broker, for the life of the program. `spread` gives numbers from 0 to 1 for the waits between tries."""

    def __init__(self, options: MqttOptions, *, spread: Callable[[], float] = random.random) -> None:
        self._options = options
        self._spread = spread
        self._choice = VersionChoice(options.protocol)
        self._outbox = Outbox()
        self._counters = LinkCounters()
        self._session: Session | None = None
        self._is_stopping = asyncio.Event()
        self._away_since = 0.0
        self._told: Trouble | None = None
        self._short_lived = 0  # connections since the last one that lasted

    @property
    def is_connected(self) -> bool:
        return self._session is not None

    @property
    def protocol(self) -> Protocol | None:
        """The version spoken now, None without a connection."""
        return None if self._session is None else self._choice.current

    @property
    def address(self) -> str:
        return str(self._options.address)

    @property
    def counters(self) -> LinkCounters:
        self._counters.dropped = self._outbox.dropped
        self._counters.queue_high_water = self._outbox.high_water
        return self._counters

    def publish(self, message: Outgoing) -> bool:
        """Says `message`, now or as soon as the broker takes more; never blocks. False without a connection: then it is forgotten."""
        if self._session is None:
            return False
        self._counters.published += 1
        self._session.publish(message)
        return True

    async def run(self, *, will: Outgoing, subscriptions: Sequence[Subscription], listener: LinkListener) -> None:
        """Stays connected until `stop()`. Weather is waited out; an exception of the listener comes out here."""
        self._away_since = asyncio.get_running_loop().time()
        is_first_try = True
        while not self._is_stopping.is_set():
            session = Session(self._options, self._choice.current, will=will, outbox=self._outbox, on_message=self._count_in(listener))
            try:
                await session.open()
            except BrokerUnavailable as unavailable:
                if is_first_try:
                    listener.disconnected()
                await self._wait_after(unavailable)
            else:
                await self._serve(session, subscriptions, listener)
            is_first_try = False

    async def stop(self, last: Outgoing, *, within_s: float = 2.0) -> None:
        """Says `last`, waits until the broker has it, disconnects; `run()` then returns. Without a connection: `run()` ends at its next try."""
        self._is_stopping.set()
        if self._session is not None:
            self._counters.published += 1
            await self._session.finish(last, within_s)

    def _count_in(self, listener: LinkListener) -> Callable[[Message], None]:
        def received(message: Message) -> None:
            self._counters.received += 1
            listener.received(message)

        return received

    async def _serve(self, session: Session, subscriptions: Sequence[Subscription], listener: LinkListener) -> None:
        self._choice.worked()
        self._counters.connects += 1
        self._tell_up()
        self._session = session
        lasting = asyncio.get_running_loop().call_later(LASTING_S, self._connection_lasts)
        try:
            session.subscribe(subscriptions)
            listener.connected()
            reason = await session.serve()
        finally:
            self._session = None
            lasting.cancel()
            session.close()
            self._outbox.clear()
        listener.disconnected()
        if not self._is_stopping.is_set():
            self._tell_lost(reason)
            await self._wait(Trouble.UNREACHABLE)

    async def _wait_after(self, unavailable: BrokerUnavailable) -> None:
        trouble = unavailable.trouble
        if self._choice.failed(trouble):
            _log.info("%s: %s; trying MQTT %s", self.address, unavailable, self._choice.current.value)
        kind = Trouble.UNREACHABLE if trouble in _NOBODY_THERE else trouble
        level = logging.DEBUG if kind is self._told else logging.WARNING
        _log.log(level, "no connection to the broker %s: %s; trying again", self.address, unavailable)
        self._told = kind
        await self._wait(trouble)

    async def _wait(self, trouble: Trouble) -> None:
        away_s = asyncio.get_running_loop().time() - self._away_since
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(retry_delay_s(away_s, trouble, self._spread())):
                await self._is_stopping.wait()

    # Told once down and once up. Connections that end at once (two agents of one name throw each other out) count as one outage.

    def _tell_up(self) -> None:
        away_s = asyncio.get_running_loop().time() - self._away_since
        if self._counters.connects == 1:
            _log.info("connected to the broker %s, MQTT %s", self.address, self._choice.current.value)
        else:
            _log.log(logging.INFO if self._short_lived <= 1 else logging.DEBUG, "the broker %s is back after %.1f s", self.address, away_s)

    def _tell_lost(self, reason: str) -> None:
        if self._short_lived == 0:
            self._away_since = asyncio.get_running_loop().time()
            _log.warning("lost the broker %s: %s", self.address, reason)
        elif self._short_lived == 1:
            _log.warning(_ENDED_AT_ONCE, self.address, reason, self._options.client_id)
        self._short_lived += 1
        self._told = Trouble.UNREACHABLE

    def _connection_lasts(self) -> None:
        if self._short_lived > 1:
            _log.info("the connection to the broker %s lasts", self.address)
        self._short_lived = 0
        self._told = None
