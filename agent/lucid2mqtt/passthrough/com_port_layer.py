"""RFC 2217 between a wire and a session: the telnet stream of a client taken apart, its wishes for the line granted.

An exclusive client sets up the real line, in a thread, since drivers may take their time, one wish after the other. Now and then
its modem lines are looked at, and it is told when one changed.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Callable

from lucid2mqtt.passthrough.com_port import Command, ComPort
from lucid2mqtt.passthrough.telnet import (
    BINARY,
    COM_PORT,
    DO,
    ECHO,
    SUPPRESS_GO_AHEAD,
    WILL,
    Negotiation,
    OptionBook,
    Subnegotiation,
    TelnetReader,
    escape,
    subnegotiation,
)
from lucid2mqtt.passthrough.wire import LineControls, Session, Wire

MOST_WISHES = 64
"""Wishes that may wait for the driver; whoever has more is cut off."""

LOOK_S = 0.25
"""Time between two looks at the modem lines: what waits for a person to plug something in can wait so long."""

_OURS = frozenset({BINARY, ECHO, SUPPRESS_GO_AHEAD, COM_PORT})
_THEIRS = _OURS - {ECHO}

_Wish = Callable[[LineControls | None], bytes]
"""Does something at the line, if there is one; what the client is told, empty for nothing."""

_log = logging.getLogger(__name__)


class ComPortLayer:
    """The server's end: a session towards the wire, a wire towards the session of the client."""

    def __init__(self, wire: Wire, admit: Callable[[Wire], Session]) -> None:
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._reader = TelnetReader()
        self._options = OptionBook(ours=_OURS, theirs=_THEIRS)
        self._port = ComPort()
        self._wishes: deque[_Wish] = deque()
        self._next_look: asyncio.TimerHandle | None = None
        self._is_busy = False
        self._is_lost = False
        self._session = admit(self)

    # -- a session towards the wire

    @property
    def controls(self) -> LineControls | None:
        return self._session.controls

    def received(self, chunk: bytes) -> None:
        for heard in self._reader.feed(chunk):
            if self._is_lost:
                return
            match heard:
                case bytes():
                    self._session.received(heard)
                case Negotiation():
                    self._negotiate(heard)
                case Subnegotiation(option=option, content=content):
                    if option == COM_PORT and content:
                        self._wish(content)

    def peer_finished(self) -> None:
        self._session.peer_finished()

    def stalled(self) -> None:
        self._session.stalled()

    def flowing(self) -> None:
        self._session.flowing()

    def lost(self) -> None:
        self._is_lost = True
        self._wishes.clear()
        if self._next_look is not None:
            self._next_look.cancel()
        self._session.lost()

    # -- a wire towards the session

    def write(self, data: bytes) -> None:
        self._wire.write(escape(data))

    def hold(self) -> None:
        self._wire.hold()

    def go_on(self) -> None:
        self._wire.go_on()

    def finish(self) -> None:
        self._wire.finish()

    def abort(self) -> None:
        self._wire.abort()

    # -- the line

    def _negotiate(self, wish: Negotiation) -> None:
        answer = self._options.answer(wish)
        if answer:
            self._wire.write(answer)
            if wish.option == COM_PORT and wish.verb in (WILL, DO):  # some clients wait for the first notice without asking
                self._wish(bytes((Command.NOTIFY_MODEM_STATE,)))
                if self._next_look is None:
                    self._look_later()

    def _look_later(self) -> None:
        self._next_look = self._loop.call_later(LOOK_S, self._look)

    def _look(self) -> None:
        if self._session.controls is not None and not self._wishes:
            self._wishes.append(self._port.modem_news)
            self._grant_next()
        self._look_later()

    def _wish(self, content: bytes) -> None:
        value = content[1:]
        try:
            command = Command(content[0])
        except ValueError:
            return  # of no RFC, or the server's own
        if command is Command.FLOW_SUSPEND:
            self._session.stalled()
        elif command is Command.FLOW_RESUME:
            self._session.flowing()
        elif command.length not in (None, len(value)):
            _log.debug("RFC 2217 %s with %d bytes is ignored", command.name, len(value))
        elif len(self._wishes) >= MOST_WISHES:
            self._wire.abort()
        else:
            self._wishes.append(functools.partial(self._port.carry_out, command, value))
            self._grant_next()

    def _grant_next(self) -> None:
        while self._wishes and not self._is_busy:
            wish = self._wishes.popleft()
            controls = self._session.controls
            if controls is None:
                self._tell(wish(None))
            else:
                self._is_busy = True
                work = self._loop.run_in_executor(None, wish, controls)
                work.add_done_callback(self._granted)

    def _granted(self, work: asyncio.Future[bytes]) -> None:
        self._is_busy = False
        if work.cancelled():
            return
        fault = work.exception()
        if isinstance(fault, OSError | ValueError):
            _log.debug("what an RFC 2217 client wished failed: %s", fault)
        elif not self._is_lost:
            self._tell(work.result())
        self._grant_next()

    def _tell(self, news: bytes) -> None:
        if news:
            self._wire.write(subnegotiation(COM_PORT, news))
