"""Tells systemd how the agent is (sd_notify(3)), and that it lives only while its parts make progress.

A ping that a free-running timer sends says nothing: here every poller and the loop beat, and one part that falls silent
stops the pings, so systemd starts the agent again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

_log = logging.getLogger(__name__)


class Notifier:
    """Sends states to `$NOTIFY_SOCKET`; does nothing where there is none."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def ready(self) -> None:
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send("STATUS=" + " ".join(text.splitlines()))

    def reloading(self) -> None:
        """Settings are being read again; `ready()` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as line:
                line.sendto(state.encode(), self._address)
        except OSError as fault:
            _log.debug("systemd was not told %r: %s", state, fault)


class Heartbeats:
    """When each part of the agent last made progress. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._within_s: dict[str, float] = {}
        self._beaten_at: dict[str, float] = {}

    def expect(self, name: str, within_s: float) -> None:
        """From now on `name` must beat at least every `within_s` seconds."""
        self._within_s[name] = within_s
        self._beaten_at[name] = self._clock()

    def beat(self, name: str) -> None:
        """`name` made progress; unknown names are those of parts that have just been forgotten."""
        if name in self._beaten_at:
            self._beaten_at[name] = self._clock()

    def forget(self, name: str) -> None:
        """`name` has ended as it should."""
        self._within_s.pop(name, None)
        self._beaten_at.pop(name, None)

    def stalled(self) -> tuple[str, ...]:
        """Who has been silent for too long."""
        now = self._clock()
        return tuple(name for name, at in self._beaten_at.items() if now - at > self._within_s[name])


def watchdog_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """How long systemd lets us be silent, s; None when it does not watch this process (sd_watchdog_enabled(3))."""
    given, owner = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not given.isdigit() or int(given) == 0 or (owner and owner != str(os.getpid())):
        return None
    return int(given) / 1e6


async def keep_alive(notifier: Notifier, heartbeats: Heartbeats, within_s: float) -> None:
    """Pings at half of `within_s`, except while a part is stalled; says once who is, and once that it goes on."""
    silent: tuple[str, ...] = ()
    while True:
        stalled = heartbeats.stalled()
        if stalled and stalled != silent:
            _log.error("no progress from %s: systemd is not pinged and will start the agent again", ", ".join(stalled))
        elif silent and not stalled:
            _log.warning("progress again from %s", ", ".join(silent))
        silent = stalled
        if not stalled:
            notifier.alive()
        await asyncio.sleep(within_s / 2)
