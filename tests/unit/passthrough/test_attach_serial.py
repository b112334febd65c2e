"""On a pair of pseudo terminals, as com0com has them: one end ours, one the application's."""

import asyncio
import contextlib
import os
import tty
from collections.abc import Iterator

import pytest

from lucid2mqtt.errors import LinkBusy, LinkLost
from lucid2mqtt.passthrough.attach_serial import SerialPort
from lucid2mqtt.passthrough.wire import LineControls, Session, Wire


class Listening:
    """A session that keeps what it hears."""

    controls: LineControls | None = None

    def __init__(self) -> None:
        self.heard = b""
        self.news = asyncio.Event()

    def open(self, wire: Wire) -> Session:
        del wire
        return self

    def received(self, chunk: bytes) -> None:
        self.heard += chunk
        self.news.set()

    async def until(self, length: int) -> bytes:
        async with asyncio.timeout(5):
            while len(self.heard) < length:
                self.news.clear()
                await self.news.wait()
        return self.heard

    def peer_finished(self) -> None: ...
    def stalled(self) -> None: ...
    def flowing(self) -> None: ...
    def lost(self) -> None: ...


class Pair:
    """`application` is a descriptor, `path` our end."""

    def __init__(self) -> None:
        self.application, self._ours = os.openpty()
        tty.setraw(self._ours)
        self.path = os.ttyname(self._ours)

    def pull_out(self) -> None:
        for end in (self.application, self._ours):
            with contextlib.suppress(OSError):
                os.close(end)


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.pull_out()


async def test_all_bytes_pass_both_ways(pair: Pair) -> None:
    session = Listening()
    every = bytes(range(256))
    with contextlib.closing(SerialPort(pair.path, session.open)) as port:
        os.write(pair.application, every)
        assert await session.until(256) == every
        port.write(every)
        port.write(b"end")
        back = b""
        while len(back) < 259:
            back += await asyncio.to_thread(os.read, pair.application, 1000)
        assert back == every + b"end"


async def test_what_was_asked_before_is_thrown_away(pair: Pair) -> None:
    session = Listening()
    os.write(pair.application, b"old")
    with contextlib.closing(SerialPort(pair.path, session.open)):
        os.write(pair.application, b"new")
        assert await session.until(3) == b"new"


async def test_a_held_port_reads_at_most_what_it_had_begun_to(pair: Pair) -> None:
    session = Listening()
    with contextlib.closing(SerialPort(pair.path, session.open)) as port:
        port.hold()
        for _ in range(3):
            os.write(pair.application, b"ab")
            await asyncio.sleep(0.01)
        assert len(session.heard) <= 2
        port.go_on()
        assert await session.until(6) == b"ababab"


async def test_answers_that_nobody_takes_are_thrown_away_and_counted(pair: Pair) -> None:
    session = Listening()
    with contextlib.closing(SerialPort(pair.path, session.open)) as port:
        for _ in range(200):
            port.write(bytes(2048))
        assert port.unread > 100 * 2048
        os.write(pair.application, b"still here")
        assert await session.until(10) == b"still here"


async def test_a_port_that_goes_away_is_lost_with_its_name(pair: Pair) -> None:
    with contextlib.closing(SerialPort(pair.path, Listening().open)) as port:
        pair.pull_out()
        with pytest.raises(LinkLost, match=f"{pair.path} is lost"):
            async with asyncio.timeout(5):
                await port.until_lost()


async def test_a_port_that_is_not_there_or_taken_is_said_so(pair: Pair) -> None:
    with pytest.raises(LinkLost, match="check the name"):
        SerialPort("/dev/no-such-port", Listening().open)
    with pytest.raises(LinkLost, match="cannot be opened as a serial port"):
        SerialPort("/dev/null", Listening().open)
    with contextlib.closing(SerialPort(pair.path, Listening().open)), pytest.raises(LinkBusy, match="in use by another program"):
        SerialPort(pair.path, Listening().open)


async def test_nobody_at_the_other_end_does_not_end_the_port(pair: Pair) -> None:
    session = Listening()
    with contextlib.closing(SerialPort(pair.path, session.open)) as port:
        port.finish()
        port.abort()
        os.write(pair.application, b"x")
        assert await session.until(1) == b"x"
