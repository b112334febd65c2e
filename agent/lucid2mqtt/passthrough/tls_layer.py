"""TLS between a wire and a session, on the library's own state machine.

asyncio's TLS transport closes when the client sends its last word, so `printf ... | socat - OPENSSL:...` would never see its
answers; here reading and writing end apart, as on a plain connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from lucid2mqtt.passthrough.wire import LONGEST_CHUNK, LineControls, Session, Wire

HANDSHAKE_LIMIT_S = 10.0

Known = Callable[[Wire, Mapping[str, Any] | None], Session]  # Any: a certificate as `ssl.getpeercert` gives it
"""Makes the session once the handshake is done; without a certificate of the client where none is asked for."""
Failed = Callable[[str], None]


class TlsLayer:
    """The server's end of a TLS connection: a session towards the wire, a wire towards the session of the client."""

    def __init__(self, wire: Wire, context: ssl.SSLContext, *, known: Known, failed: Failed) -> None:
        self._wire = wire
        self._known = known
        self._failed = failed
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._session: Session | None = None
        self._is_held = False
        self._is_reading = False
        self._is_over = False  # the client said its last word, or nothing that made sense
        self._timer: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(HANDSHAKE_LIMIT_S, self._too_slow)

    # -- a session towards the wire

    @property
    def controls(self) -> LineControls | None:
        return None if self._session is None else self._session.controls

    def received(self, chunk: bytes) -> None:
        if self._is_over:
            return
        self._incoming.write(chunk)
        if self._session is None:
            self._shake_hands()
        else:
            self._read()

    def peer_finished(self) -> None:
        """The connection ends without the client's last word in TLS: nobody knows whether something is missing."""
        self._incoming.write_eof()
        if self._session is not None:
            self._read()
        elif not self._is_over:
            self._wire.abort()

    def stalled(self) -> None:
        if self._session is not None:
            self._session.stalled()

    def flowing(self) -> None:
        if self._session is not None:
            self._session.flowing()

    def lost(self) -> None:
        if self._timer is not None:
            self._fail("it left during the handshake")
        session, self._session = self._session, None
        if session is not None:
            session.lost()

    # -- a wire towards the session

    def write(self, data: bytes) -> None:
        with contextlib.suppress(ssl.SSLError):  # after a fault of the client's; the reader closes the connection
            self._tls.write(data)
        self._send()

    def hold(self) -> None:
        self._is_held = True
        self._wire.hold()

    def go_on(self) -> None:
        self._is_held = False
        if not self._is_reading:
            self._read()
        if not self._is_held:
            self._wire.go_on()

    def finish(self) -> None:
        with contextlib.suppress(ssl.SSLError):  # it wants to see the client's last word; we do not wait for it
            self._tls.unwrap()
        self._send()
        self._wire.finish()

    def abort(self) -> None:
        self._wire.abort()

    # -- the handshake

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
            return
        except ssl.SSLError as fault:
            self._send()  # the alert tells the client why
            self._is_over = True
            self._fail(f"no TLS connection comes about: {fault.reason or fault}")
            self._wire.finish()
            return
        self._send()
        self._stop_timer()
        self._session = self._known(self, self._tls.getpeercert())
        self._read()

    def _too_slow(self) -> None:
        self._timer = None
        self._failed(f"no TLS connection came about within {HANDSHAKE_LIMIT_S:g} s")
        self._wire.abort()

    def _fail(self, why: str) -> None:
        self._stop_timer()
        self._failed(why)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- bytes

    def _read(self) -> None:
        """Hands over what is decrypted, as long as the session takes it."""
        self._is_reading = True
        try:
            while self._session is not None and not self._is_held and not self._is_over:
                chunk = self._tls.read(LONGEST_CHUNK)
                if not chunk:
                    self._end()
                else:
                    self._session.received(chunk)
        except ssl.SSLWantReadError:
            self._send()  # the answer to a key update, if there was one
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self._end()
        except ssl.SSLError:
            self._wire.abort()
        finally:
            self._is_reading = False

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            if self._session is not None:
                self._session.peer_finished()

    def _send(self) -> None:
        if self._outgoing.pending:
            self._wire.write(self._outgoing.read())
