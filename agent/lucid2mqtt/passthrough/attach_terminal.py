"""The device of an attached port on Linux: a pseudo terminal with a link, kept for as long as the program runs.

We do not keep the application's side of the terminal open. Then the terminal itself tells when the last application has left
(a hang-up, and EIO for the reader), unread answers can be thrown away, and what that application set up is undone; with our own
descriptor on that side nothing would ever be seen of coming and going. Opening alone is not seen: an application begins with its
first byte, which is soon enough, because a module never speaks first. When the next application opens in the very moment the
last one closes, the two look like one.

A mark of exclusive use (TIOCEXCL) outlives the program that set it and died: then nobody but root could open the terminal again.
Who may takes it off; else there is a new terminal behind the link.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import socket
import termios
from collections.abc import Callable
from pathlib import Path

from lucid2mqtt.errors import LinkBusy, LinkLost
from lucid2mqtt.passthrough.options import FileRights
from lucid2mqtt.passthrough.terminal import Terminal
from lucid2mqtt.passthrough.wire import Session, Wire

_TERMINALS = "/dev/pts/"


class AttachedTerminal:
    """A device under `link` until `close`. Raises LinkBusy when the place is taken, LinkLost when it cannot be made."""

    def __init__(self, link: Path, rights: FileRights, open_session: Callable[[Wire], Session]) -> None:
        self._link = link.parent.resolve() / link.name  # an old link itself must not be followed
        self._rights = rights
        self._open_session = open_session
        self._loop = asyncio.get_running_loop()
        self._lost: asyncio.Future[LinkLost] = self._loop.create_future()
        self._is_open = True
        self._claim = _claim(self._link)
        try:
            _check_place(self._link)
            self._terminal = self._make()
        except OSError as fault:
            self._claim.close()
            raise _in_words(self._link, fault) from fault
        except BaseException:
            self._claim.close()
            raise

    async def until_lost(self) -> None:
        """Raises LinkLost when a new terminal was needed and could not be had."""
        raise await self._lost

    def close(self) -> None:
        self._is_open = False
        self._terminal.close()
        self._claim.close()

    def _make(self) -> Terminal:
        return Terminal(self._link, self._rights, lambda wire: _Visit(self._open_session(wire), self._application_left))

    def _application_left(self) -> None:
        self._loop.call_soon(self._make_openable)  # the terminal has to finish with it first

    def _make_openable(self) -> None:
        if not self._is_open:
            return
        try:
            device = os.open(self._terminal.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            self._replace()
            return
        try:
            fcntl.ioctl(device, termios.TIOCNXCL)
        finally:
            os.close(device)

    def _replace(self) -> None:
        old = self._terminal
        try:
            self._terminal = self._make()
        except OSError as fault:
            if not self._lost.done():
                self._lost.set_result(_in_words(self._link, fault))
        else:
            old.close()


class _Visit:
    """A session of which the end is told."""

    def __init__(self, session: Session, left: Callable[[], None]) -> None:
        self._session = session
        self._left = left
        self.controls = session.controls
        self.received = session.received
        self.peer_finished = session.peer_finished
        self.stalled = session.stalled
        self.flowing = session.flowing

    def lost(self) -> None:
        self._session.lost()
        self._left()


def _claim(link: Path) -> socket.socket:
    """A mark that this place is ours, which no crash can leave behind: a name in the abstract namespace (unix(7))."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0lucid2mqtt-attach-{hashlib.sha256(bytes(link)).hexdigest()}")
    except OSError:
        claim.close()
        raise LinkBusy(f"another lucid2mqtt attach serves {link}: stop it, or choose another name") from None
    return claim


def _check_place(link: Path) -> None:
    """What a killed predecessor left behind may go: a link to nowhere, or to a pseudo terminal. Nothing else."""
    if not link.is_symlink():
        if link.exists():
            raise LinkBusy(f"{link} is there already and no link of ours: choose another name")
        return
    if link.exists() and not os.path.realpath(link).startswith(_TERMINALS):
        raise LinkBusy(f"{link} is a link to {os.path.realpath(link)}: choose another name")


def _in_words(link: Path, fault: OSError) -> LinkLost:
    if fault.errno == errno.ENOENT:
        return LinkLost(f"the folder {link.parent} is not there: make it first")
    if fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return LinkLost(
            f"{link} cannot be made or given away by this user: {fault.strerror}; run it as root, or choose another folder or group"
        )
    return LinkLost(f"{link} cannot be made: {fault.strerror or fault}")
