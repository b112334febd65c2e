"""The quick selector does what the standard one does; every test runs over both."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector, EpollSelector

import pytest

from lucid2mqtt.passthrough.quick_loop import QuickSelector, quick_loop


@pytest.fixture(params=[QuickSelector, EpollSelector])
def selector(request: pytest.FixtureRequest) -> Iterator[BaseSelector]:
    made: Callable[[], BaseSelector] = request.param
    with made() as selector:
        yield selector


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


def test_it_tells_what_can_be_read_and_written(selector: BaseSelector, pair: Pair) -> None:
    ours, theirs = pair
    selector.register(ours, EVENT_READ, "reading")
    assert selector.select(0) == []
    theirs.send(b"x")
    ((key, events),) = selector.select(None)
    assert (key.data, key.fd, events) == ("reading", ours.fileno(), EVENT_READ)
    selector.modify(ours, EVENT_READ | EVENT_WRITE, "both")
    ((key, events),) = selector.select(-1)
    assert (key.data, events) == ("both", EVENT_READ | EVENT_WRITE)
    selector.modify(ours, EVENT_WRITE, "writing")
    assert selector.select(0)[0][1] == EVENT_WRITE


@pytest.mark.parametrize("events", [EVENT_READ, EVENT_WRITE])
def test_a_hang_up_wakes_whoever_waits(selector: BaseSelector, events: int, pair: Pair) -> None:
    ours, theirs = pair
    selector.register(ours, events)
    theirs.close()
    assert selector.select(1)[0][1] == events


def test_a_wait_is_as_long_as_asked_for(selector: BaseSelector, pair: Pair) -> None:
    selector.register(pair[0], EVENT_READ)
    begun = time.monotonic()
    assert selector.select(0.0123) == []
    assert time.monotonic() - begun >= 0.0123


def test_it_knows_what_is_registered(selector: BaseSelector, pair: Pair) -> None:
    ours, _ = pair
    key = selector.register(ours.fileno(), EVENT_READ, "data")
    assert selector.get_map()[ours.fileno()] == selector.get_key(ours.fileno()) == key
    with pytest.raises(KeyError):
        selector.register(ours.fileno(), EVENT_READ)
    assert selector.unregister(ours.fileno()) == key
    assert len(selector.get_map()) == 0
    with pytest.raises(KeyError):
        selector.unregister(ours.fileno())
    with pytest.raises(KeyError):
        selector.modify(ours.fileno(), EVENT_READ)


def test_a_file_that_was_closed_meanwhile_can_be_unregistered(selector: BaseSelector) -> None:
    reading, writing = os.pipe()
    selector.register(reading, EVENT_READ)
    os.close(reading)
    selector.unregister(reading)
    os.close(writing)


def test_a_plain_file_cannot_be_watched(selector: BaseSelector) -> None:
    with open(__file__) as file, pytest.raises(PermissionError):  # noqa: PTH123  the descriptor is what counts
        selector.register(file.fileno(), EVENT_READ)
    assert len(selector.get_map()) == 0


def test_a_loop_runs_on_it() -> None:
    async def main() -> bytes:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(4))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"echo")
        await asyncio.sleep(0.01)
        assert await asyncio.to_thread(lambda: 7) == 7
        answer = await reader.read()
        writer.close()
        server.close()
        return answer

    with asyncio.Runner(loop_factory=quick_loop) as runner:
        assert runner.run(main()) == b"echo"
