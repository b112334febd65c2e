"""Incremental readers: chunks of any size in, whole frames out.

Both are total: every byte sequence is some sequence of frames, so nothing is raised and at most one unfinished frame
is held. Whether a frame makes sense is the frame's own question (`Request.fault`, `Request.reply_length`); silence on the
line, which is what ends a torn frame, is the caller's (`clear`).
"""

from __future__ import annotations

from lucid2mqtt.lucid.frames import GROUP_OPCODES, MAX_MASK, MORE, Reply, Request


class RequestReader:
    """Cuts the bytes of a client into requests, the way a module does.

    An unknown opcode is taken to have the usual four-byte header. A mask ends after three bytes even when the third
    announces another. `pending` never exceeds one frame: 6 + 255 bytes.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    @property
    def pending(self) -> int:
        """Bytes of a request that is not complete yet."""
        return len(self._held)

    def clear(self) -> bytes:
        """Forget the unfinished request; it is returned for the log."""
        held, self._held = self._held, b""
        return held

    def feed(self, chunk: bytes) -> list[Request]:
        """The requests that `chunk` completes, in order."""
        held = self._held + chunk
        requests: list[Request] = []
        start = 0
        while True:
            option = _selector_end(held, start)
            if len(held) < option + 2:
                break
            end = option + 2 + held[option + 1]
            if len(held) < end:
                break
            requests.append(Request(held[start], held[start + 1 : option], held[option], held[option + 2 : end]))
            start = end
        self._held = held[start:]
        return requests


def _selector_end(held: bytes, start: int) -> int:
    """Where the option byte stands or will stand, as far as the bytes tell."""
    end = start + 2
    if len(held) > start and held[start] in GROUP_OPCODES:
        last = start + 1 + MAX_MASK
        while end < last and len(held) >= end and held[end - 1] & MORE:
            end += 1
    return end


class ReplyReader:
    """Cuts the bytes of a module into replies; `pending` never exceeds 2 + 255 bytes."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    @property
    def pending(self) -> int:
        """Bytes of a reply that is not complete yet."""
        return len(self._held)

    def clear(self) -> bytes:
        """Forget the unfinished reply; it is returned for the log."""
        held, self._held = self._held, b""
        return held

    def feed(self, chunk: bytes) -> list[Reply]:
        """The replies that `chunk` completes, in order. An error status with data is one reply like any other."""
        held = self._held + chunk if self._held else bytes(chunk)
        size = len(held)
        replies: list[Reply] = []
        start = 0
        while size - start >= 2:
            end = start + 2 + held[start + 1]
            if size < end:
                break
            replies.append(Reply(held[start], held[start + 2 : end]))
            start = end
        self._held = held[start:]
        return replies
