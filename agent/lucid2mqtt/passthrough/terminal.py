"""A pseudo terminal that stands for a module: programs on this machine open it like a serial port.

Nothing tells directly when a program opens or closes it. While nobody has it open the kernel reports a hang-up for ever,
so the terminal is watched for changes only (edge-triggered): a change brings either bytes, which begin a visit, or the
end of the last program, which ends it. Then unread answers are thrown away and the terminal is made raw again, so that
the next program finds it as new. A program cannot be sent away from a terminal: its next byte begins another visit.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import select
import termios
import tty
from collections.abc import Callable
from pathlib import Path

from lucid2mqtt.passthrough.files import drop_link, hand_over, put_link
from lucid2mqtt.passthrough.options import FileRights
from lucid2mqtt.passthrough.wire import LONGEST_CHUNK, STUCK_LIMIT_S, UNREAD_LIMIT, Session, Wire

_log = logging.getLogger(__name__)


class Terminal:
    """One pseudo terminal with a link that leads to it, until `close`."""

    def __init__(self, link: Path, rights: FileRights, open_session: Callable[[Wire], Session]) -> None:
        """Raises OSError when the link or its rights are not possible."""
        self._link = link
        self._rights = rights
        self._open_session = open_session
        self._loop = asyncio.get_running_loop()
        self._visit: _Visit | None = None
        self._ours, self.device = self._make()
        self._edges = select.epoll()
        self._edges.register(self._ours, select.EPOLLIN | select.EPOLLET)
        self._loop.add_reader(self._edges.fileno(), self._changed)

    def _make(self) -> tuple[int, str]:
        ours, device = os.openpty()
        try:
            name = os.ttyname(device)
            tty.setraw(device)
            os.set_blocking(ours, False)
            hand_over(name, self._rights)
            put_link(self._link, name)
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(device)
        return ours, name

    def close(self) -> None:
        """Ends the terminal; the link goes if it still leads here."""
        if self._visit is not None:
            self._visit.abort()
        self._loop.remove_reader(self._edges.fileno())
        self._edges.close()
        os.close(self._ours)
        self._ours = -1
        drop_link(self._link, self.device)

    def _changed(self) -> None:
        self._edges.poll(0)  # takes the change off the list
        self._read()

    def _read(self) -> None:
        """Reads until there is nothing more: a change is reported once."""
        while self._visit is None or not self._visit.is_held:
            try:
                chunk = os.read(self._ours, LONGEST_CHUNK)
            except BlockingIOError:
                return
            except OSError:  # EIO: no program has the terminal open
                self._program_left()
                return
            if self._visit is None:
                self._visit = _Visit(self._ours, self._read, self._over)
                self._visit.begin(self._open_session)
            if self._visit is not None:
                self._visit.received(chunk)

    def _program_left(self) -> None:
        visit, self._visit = self._visit, None
        if visit is None:
            return
        visit.nobody_reads()
        try:
            device = os.open(self.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:  # the program marked it for itself alone, and the mark outlives it: only root could take it away
            self._renew()
            return
        with contextlib.suppress(OSError, termios.error):
            fcntl.ioctl(device, termios.TIOCNXCL)
            termios.tcflush(device, termios.TCIFLUSH)
            tty.setraw(device, termios.TCSANOW)
        os.close(device)

    def _renew(self) -> None:
        """Another pseudo terminal behind the same link."""
        try:
            ours, device = self._make()
        except OSError as fault:
            _log.warning("%s cannot be opened any more, and no new terminal can be put there: %s", self._link, fault)
            return
        self._edges.unregister(self._ours)
        os.close(self._ours)
        self._ours, self.device = ours, device
        self._edges.register(ours, select.EPOLLIN | select.EPOLLET)

    def _over(self, visit: _Visit) -> None:
        if self._visit is visit:
            self._visit = None


class _Visit:
    """The wire to a program that has the terminal open."""

    def __init__(self, terminal: int, read: Callable[[], None], over: Callable[[_Visit], None]) -> None:
        self._terminal = terminal
        self._read = read
        self._tell_over = over
        self._loop = asyncio.get_running_loop()
        self._session: Session | None = None
        self._unsent = b""
        self._is_deaf = False
        self._is_finishing = False
        self._stuck: asyncio.TimerHandle | None = None
        self.is_held = False

    def begin(self, open_session: Callable[[Wire], Session]) -> None:
        self._session = open_session(self)

    def received(self, chunk: bytes) -> None:
        if self._session is not None:
            self._session.received(chunk)

    def nobody_reads(self) -> None:
        """The program is gone: what it asked is still carried out, answers have no reader."""
        self._is_deaf = True
        self._drop_unsent()
        if self._session is not None:
            self._session.flowing()
        if self._session is not None:
            self._session.peer_finished()

    def write(self, data: bytes) -> None:
        if self._is_deaf:
            return
        if self._unsent:
            self._unsent += data
            if len(self._unsent) > UNREAD_LIMIT:
                self.abort()
            return
        sent = self._send(data)
        if sent < len(data) and not self._is_deaf:
            self._unsent = data[sent:]
            self._loop.add_writer(self._terminal, self._writable)
            self._stuck = self._loop.call_later(STUCK_LIMIT_S, self.abort)  # set exactly while the writer is
            if self._session is not None:
                self._session.stalled()

    def hold(self) -> None:
        self.is_held = True

    def go_on(self) -> None:
        if self.is_held:
            self.is_held = False
            self._loop.call_soon(self._read)

    def finish(self) -> None:
        if self._unsent:
            self._is_finishing = True
        else:
            self.abort()

    def abort(self) -> None:
        self._is_deaf = True
        self._drop_unsent()
        session, self._session = self._session, None
        self._tell_over(self)
        if session is not None:
            session.lost()

    def _send(self, data: bytes) -> int:
        try:
            return os.write(self._terminal, data)
        except BlockingIOError:
            return 0
        except OSError:  # nobody has it open: the reader will notice
            self._is_deaf = True
            return 0

    def _writable(self) -> None:
        self._unsent = self._unsent[self._send(self._unsent) :]
        if self._is_deaf:
            self._drop_unsent()
        if self._unsent:
            return
        self._drop_unsent()
        if self._session is not None:
            self._session.flowing()
        if self._is_finishing:
            self.abort()

    def _drop_unsent(self) -> None:
        self._unsent = b""
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
            self._loop.remove_writer(self._terminal)
