"""What a link is: the byte pipe to one module, driven by callbacks, without a task of its own."""

from __future__ import annotations

from typing import Protocol


class LinkUser(Protocol):
    """Whoever owns a link. All three are called on the loop, never from within `write`, and never after `close`."""

    def bytes_arrived(self, chunk: bytes) -> None: ...
    def all_written(self) -> None:
        """What `write` could not get rid of at once is out now."""

    def link_lost(self, reason: str) -> None:
        """The last call: nothing can be read or written any more."""


class Link(Protocol):
    """A byte pipe to a module."""

    def write(self, request: bytes) -> bool:
        """Sends all of `request` without blocking; False when a rest has to wait, `all_written` then tells the end."""

    def flush_input(self) -> None:
        """Drops what has arrived and was not yet handed over, as far as the link can know it."""

    def close(self) -> None:
        """Ends the link at once; may be called twice."""
