import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lucid2mqtt.observe.notify import Heartbeats, Notifier, keep_alive, watchdog_s
from tests.virtual_clock import run_virtual


class Systemd:
    """The receiving end of $NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind("\0" + address[1:] if address.startswith("@") else address)
        self._line.setblocking(False)
        self.environ = {"NOTIFY_SOCKET": address}

    def heard(self) -> list[str]:
        messages = []
        while True:
            try:
                messages.append(self._line.recv(4096).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._line.close()


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    listener = Systemd(str(tmp_path / "notify") if request.param == "path" else f"@lucid2mqtt-test-{os.getpid()}-{id(request)}")
    yield listener
    listener.close()


def test_every_state_reaches_systemd(systemd: Systemd) -> None:
    notifier = Notifier(systemd.environ)
    notifier.ready()
    notifier.status("2 modules\nonline")
    notifier.alive()
    notifier.stopping()
    assert systemd.heard() == ["READY=1", "STATUS=2 modules online", "WATCHDOG=1", "STOPPING=1"]
    notifier.reloading()
    (reloading,) = systemd.heard()
    assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert int(reloading.rpartition("=")[2]) > 0


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_without_systemd_nothing_happens(environ: dict[str, str]) -> None:
    Notifier(environ).ready()
    assert not Path("/nowhere").exists()


def test_a_full_socket_neither_blocks_nor_raises(tmp_path: Path) -> None:
    systemd = Systemd(str(tmp_path / "n"))
    notifier = Notifier(systemd.environ)
    for _ in range(5000):
        notifier.alive()
    assert 0 < len(systemd.heard()) < 5000
    systemd.close()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_served_only_where_it_watches_us(environ: dict[str, str], seconds: float | None) -> None:
    assert watchdog_s(environ) == seconds


def test_a_part_is_stalled_when_it_is_silent_for_longer_than_it_may() -> None:
    now = [0.0]
    beats = Heartbeats(lambda: now[0])
    beats.expect("poll:a", 5)
    beats.expect("poll:b", 50)
    now[0] = 5.0
    assert beats.stalled() == ()
    now[0] = 5.1
    assert beats.stalled() == ("poll:a",)
    beats.beat("poll:a")
    assert beats.stalled() == ()
    beats.forget("poll:b")
    beats.beat("poll:b")
    now[0] = 1000.0
    assert beats.stalled() == ("poll:a",)


class Counting(Notifier):
    def __init__(self) -> None:
        super().__init__({})
        self.pings: list[float] = []

    def alive(self) -> None:
        self.pings.append(asyncio.get_running_loop().time())


def test_pings_stop_while_a_part_is_stalled_and_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> list[float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        beats, notifier = Heartbeats(loop.time), Counting()
        beats.expect("poll:a", 3)
        keeping = asyncio.create_task(keep_alive(notifier, beats, 10))
        for second in range(39):
            if not 10 <= second < 25:
                beats.beat("poll:a")
            await asyncio.sleep(1)
        keeping.cancel()
        return [at - began for at in notifier.pings]

    with caplog.at_level(logging.WARNING):
        assert run_virtual(live()) == [0, 5, 10, 30, 35]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "poll:a" in caplog.records[0].message


def test_pings_come_at_half_the_time_while_all_is_well() -> None:
    async def live() -> list[float]:
        loop = asyncio.get_running_loop()
        began, notifier = loop.time(), Counting()
        keeping = asyncio.create_task(keep_alive(notifier, Heartbeats(loop.time), 10))
        await asyncio.sleep(21)
        keeping.cancel()
        return [at - began for at in notifier.pings]

    assert run_virtual(live()) == [0, 5, 10, 15, 20]
