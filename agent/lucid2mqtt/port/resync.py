"""Gets a line into step: finds out who answers, and that nothing owed to somebody else can still arrive.

Answers carry no identifier, so one late or torn answer would shift all that follow. The only way out is silence and a
question whose answer looks like nothing else: GetId (protocol page, section 9).

One danger lies in asking: a module that holds a half-written request takes the bytes of GetId for the rest of it, and
0xC0 as a value switches an output on. So where our own last request may have arrived only in part (the line was cut, or a
write got no answer) zero bytes go first: they complete it as "off" or as a request of length 0, which is refused. What another program left half-written before we
opened the port cannot be known; there GetId goes first, since zeros may switch something off.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from lucid2mqtt.errors import GarbledReply, LinkLost, ReplyTimeout
from lucid2mqtt.lucid.frames import Reply, get_id
from lucid2mqtt.lucid.identity import Identity, parse_identity
from lucid2mqtt.lucid.readers import ReplyReader
from lucid2mqtt.port.link import Link

QUIET_S = 0.5
"""Silence that lets us believe a late answer will not come any more; at least twice the reply timeout."""
NOISE_LIMIT_S = 5.0
"""A line that does not fall silent for this long is not a module: those never speak first."""
PROBES = 2
"""Questions for the identity that may meet with silence."""
MOST_PROBES = 6
"""Questions altogether where something answers, but not with an identity."""
SLOW_ZEROS = 8
"""Zeros fed one by one, each with time for an answer: enough for any header and one value."""
SLOW_ZERO_S = 0.05
MOST_ZEROS = 260
"""The longest rest of a request: no request is longer than 6 + 255 bytes."""
ZEROS_AT_ONCE = 4
"""A whole request of opcode 0 (refused, as unknown): past the end of the half one, each step is answered."""
FAST_ZERO_S = 0.01
SETTLE_S = 0.1
"""Silence after fed zeros, for the answers they provoked."""


class Ear:
    """Hears a line on which no transaction runs."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        self._replies: list[Reply] = []
        self._stirred = asyncio.Event()
        self._lost: LinkLost | None = None
        self._heard_at = self._loop.time()
        self.heard = 0  # bytes, since the ear was made

    def hear(self, chunk: bytes) -> None:
        self.heard += len(chunk)
        self._heard_at = self._loop.time()
        self._replies += self._reader.feed(chunk)
        self._stirred.set()

    def lose(self, fault: LinkLost) -> None:
        """Whoever listens gets `fault` raised."""
        self._lost = fault
        self._stirred.set()

    def forget(self) -> None:
        """Drops what was heard so far."""
        self._reader.clear()
        self._replies.clear()

    async def reply(self, until: float) -> Reply | None:
        """The next whole reply; None when there is none at loop time `until`. Raises LinkLost."""
        while not self._replies:
            if not await self._stirs(until):
                return None
        return self._replies.pop(0)

    async def stirs(self, within_s: float) -> bool:
        """True as soon as any byte arrives. Raises LinkLost."""
        return await self._stirs(self._loop.time() + within_s)

    async def silence(self, for_s: float) -> None:
        """Swallows bytes until none came for `for_s`. Raises GarbledReply after NOISE_LIMIT_S, LinkLost."""
        begun = self._heard_at = self._loop.time()
        while await self._stirs(self._heard_at + for_s):
            if self._loop.time() - begun > NOISE_LIMIT_S:
                raise GarbledReply("something talks there without being asked; a module never does")
        self.forget()

    async def _stirs(self, until: float) -> bool:
        self._stirred.clear()
        if self._lost is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._stirred.wait()
        if self._lost is not None:
            raise self._lost
        return self._stirred.is_set()


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is uncertain about a line.

    `torn`: our last request may have arrived only in part. `owed`: answers to GetId that may still be on their way.
    """

    torn: bool = False
    owed: int = 0


class Resync:
    """The questions put to a line nobody else may use meanwhile."""

    def __init__(self, link: Link, ear: Ear, *, reply_timeout_s: float) -> None:
        self._link = link
        self._ear = ear
        self._loop = asyncio.get_running_loop()
        self._timeout_s = reply_timeout_s
        self._quiet_s = max(2 * reply_timeout_s, QUIET_S)

    async def meet(self, *, feed: bool, torn: bool = False) -> Identity:
        """Who answers on a port just opened; asked twice, so that no answer left behind by another program is taken for it.

        With `feed` a port that does not answer well gets zero bytes and another chance. Raises ReplyTimeout when nobody answers,
        GarbledReply when what answers is no LucidControl module, LinkLost.
        """
        if torn:
            await self._feed_zeros()
        heard = self._ear.heard
        found, _ = await self._find(None, silent=PROBES if feed else 1, feed=feed)
        if found is not None:
            return found
        if self._ear.heard == heard:
            raise ReplyTimeout("nothing answers there")
        raise GarbledReply("something answers there, but it is no LucidControl module")

    async def recover(self, identity: Identity, *, silent: int, doubt: Doubt) -> None:
        """Waits for silence, then for `identity` to answer; `silent` probes may meet with none.

        Raises ReplyTimeout when it does not answer, LinkLost also when another module does, GarbledReply.
        """
        await self._ear.silence(self._quiet_s)
        if doubt.torn:
            await self._feed_zeros()
        found, earlier = await self._find(identity, silent=silent, feed=True)
        if found is None:
            raise ReplyTimeout("the module does not answer any more")
        if found != identity:
            raise LinkLost("another module answers there")
        if doubt.owed + earlier > 0:
            await self._ear.silence(self._quiet_s)

    async def _find(self, expected: Identity | None, *, silent: int, feed: bool) -> tuple[Identity | None, int]:
        """The identity to believe, `expected` at once and any other when it comes twice in a row; and how many probes went before.

        Gives up after `silent` probes that heard nothing, or MOST_PROBES: whoever answers amiss may only be out of step.
        """
        last = None
        for earlier in range(MOST_PROBES):
            if earlier and last is None:
                if not feed:
                    break
                await self._feed_zeros()
            heard = self._ear.heard
            found = await self._probe(expected)
            if found is not None and found in (expected, last):
                return found, earlier
            last = found
            silent -= self._ear.heard == heard
            if silent == 0:
                break
        return None, 0

    async def _probe(self, expected: Identity | None = None) -> Identity | None:
        """The identity that is answered in time: `expected`, or any; of several others the last.

        Answers owed from before are passed over; a long one can look like the identity of another module.
        """
        self._ear.forget()
        self._link.flush_input()
        self._link.write(get_id().encode())
        until = self._loop.time() + self._timeout_s
        found = None
        while (reply := await self._ear.reply(until)) is not None:
            if not reply.ok:
                continue
            with contextlib.suppress(GarbledReply):
                found = parse_identity(reply.data)
                if expected is None or found == expected:
                    return found
        return found

    async def _feed_zeros(self) -> None:
        """Completes whatever request the module may hold half of, and leaves it between two requests."""
        answered = await self._feed(SLOW_ZEROS, at_once=1, pause_s=SLOW_ZERO_S) or await self._feed(
            MOST_ZEROS - SLOW_ZEROS, at_once=ZEROS_AT_ONCE, pause_s=FAST_ZERO_S
        )
        await self._ear.silence(SETTLE_S)
        if answered:  # by something late, perhaps, and some zeros too many; nothing is late any more now
            await self._feed(SLOW_ZEROS, at_once=1, pause_s=SLOW_ZERO_S)
            await self._ear.silence(SETTLE_S)

    async def _feed(self, most: int, *, at_once: int, pause_s: float) -> bool:
        """True as soon as the module says something."""
        for _ in range(0, most, at_once):
            self._link.write(bytes(at_once))
            if await self._ear.stirs(pause_s):
                return True
        return False
