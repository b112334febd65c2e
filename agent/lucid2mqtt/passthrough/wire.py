"""The two sides of a connection: the wire to a client, and the session that makes sense of its bytes.

Layers between them (TLS, RFC 2217) are a session towards the wire and a wire towards the session. Everything is called on
the loop and nothing waits.
"""

from __future__ import annotations

from typing import Protocol

LONGEST_CHUNK = 2048
"""Bytes taken from a client at once, so that what one client can have waiting here is bounded."""
UNREAD_LIMIT = 64 * 1024
"""Bytes a client may leave unread before it is cut off."""
STUCK_LIMIT_S = 10.0
"""How long a client may read nothing while something waits for it."""


class Wire(Protocol):
    """The way to a client."""

    def write(self, data: bytes) -> None:
        """Sends `data`, at once or when the client reads; it never blocks."""

    def hold(self) -> None:
        """Take nothing more from the client for now."""

    def go_on(self) -> None:
        """Take bytes from the client again."""

    def finish(self) -> None:
        """Close when everything written is out."""

    def abort(self) -> None:
        """Close at once."""


class LineControls(Protocol):
    """A serial line that can be set up from far away. All of these may block for as long as the driver does."""

    def set_baud_rate(self, baud_rate: int) -> int:
        """Sets the nearest possible rate and tells which, as all of these do; 0 only asks."""

    def set_data_bits(self, bits: int) -> int: ...
    def set_parity(self, parity: str) -> str:
        """N, E, O, M or S; "" only asks."""

    def set_stop_bits(self, bits: float) -> float: ...
    def set_flow(self, *, rtscts: bool, xonxoff: bool) -> None: ...
    def set_dtr(self, *, on: bool) -> None: ...
    def set_rts(self, *, on: bool) -> None: ...
    def set_break(self, *, on: bool) -> None: ...
    def modem_lines(self) -> tuple[bool, bool, bool, bool]:
        """CTS, DSR, RI, CD; all True where there are no such lines, so that no client waits for them."""

    def purge(self, *, received: bool, unsent: bool) -> None: ...


class Session(Protocol):
    """What is done for a client."""

    @property
    def controls(self) -> LineControls | None:
        """The line a client has for itself at present; None when there is none that can be set up."""

    def received(self, chunk: bytes) -> None: ...
    def peer_finished(self) -> None:
        """The client sends nothing more, but may still read."""

    def stalled(self) -> None:
        """The client does not read."""

    def flowing(self) -> None:
        """The client has read what was written."""

    def lost(self) -> None:
        """The last call: the connection is gone, whoever ended it."""
