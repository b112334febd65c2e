"""Listens on the console's socket. What a request means is the business of the verbs it is given."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from lucid2mqtt.console.wire import MAX_LINE_BYTES, Document, decode, encode, error_document
from lucid2mqtt.errors import LinkBusy, LinkLost, LucidError, Reason, RequestRejected

Verb = Callable[[Document], Awaitable[object]]
"""Answers a request with something JSON can carry; raises LucidError to refuse it."""

_MODE = 0o660
_MAX_CLIENTS = 16
_IDLE_S = 60.0
_REQUEST_S = 20.0
_KNOCK_S = 1.0

_log = logging.getLogger(__name__)


class ConsoleServer:
    """Serves `verbs` on the unix socket `path`, for the owner and the group.

    At most 16 clients, lines of 64 KiB, 60 s of silence and 20 s for a request.
    """

    def __init__(self, path: Path, verbs: Mapping[str, Verb]) -> None:
        self._path = path
        self._verbs = verbs
        self._clients: set[asyncio.StreamWriter] = set()

    async def run(self, *, ready: Callable[[], None] = lambda: None) -> None:
        """Serves until cancelled, then drops the clients and takes the socket away; a request under way is still carried out.

        Raises LinkBusy when another agent serves there, LinkLost when the path cannot be used.
        """
        listener = _listen(self._path)
        made = self._path.stat()
        try:
            server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MAX_LINE_BYTES)
            ready()
            try:
                await asyncio.Event().wait()
            finally:
                server.close()  # nobody is waited for: a client that only watches would hold up the end
                for client in self._clients:
                    client.transport.abort()
        finally:
            listener.close()
            _remove(self._path, made)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            if len(self._clients) > _MAX_CLIENTS:
                busy = RequestRejected(Reason.BUSY, f"{_MAX_CLIENTS} clients are at the console already", "try again in a moment")
                writer.write(encode({"ok": False, "error": error_document(busy)}))
            else:
                await self._converse(reader, writer)
        except (TimeoutError, ConnectionError) as fault:
            _log.debug("console client gone: %r", fault)
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(_IDLE_S):
                    line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError:
                too_long = RequestRejected(Reason.TOO_LONG, f"a request has at most {MAX_LINE_BYTES} bytes", "send less at once")
                writer.write(encode({"ok": False, "error": error_document(too_long)}))
                return
            writer.write(encode(await self._answer(line)))
            async with asyncio.timeout(_IDLE_S):
                await writer.drain()

    async def _answer(self, line: bytes) -> Document:
        try:
            async with asyncio.timeout(_REQUEST_S):
                return {"ok": True, "result": await self._carry_out(line)}
        except LucidError as error:
            return {"ok": False, "error": error_document(error)}
        except TimeoutError:
            late = RequestRejected(Reason.NO_ANSWER, f"no answer within {_REQUEST_S:g} s", "look at the state before sending it again")
            return {"ok": False, "error": error_document(late)}

    async def _carry_out(self, line: bytes) -> object:
        try:
            request = decode(line)
        except ValueError as fault:
            raise RequestRejected(Reason.NOT_UNDERSTOOD, f"not a request: {fault}", "send one JSON object a line") from None
        verb = request.get("verb")
        serve = self._verbs.get(verb) if isinstance(verb, str) else None
        if serve is None:
            raise RequestRejected(Reason.NOT_UNDERSTOOD, f"the console has no verb {verb!r}", f"it has {', '.join(self._verbs)}")
        return await serve(request)


def _listen(path: Path) -> socket.socket:
    """A listening socket at `path`; a dead one there is replaced, a living one is another agent's."""
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        _clear(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(path))
            path.chmod(_MODE)  # before listen: until then nobody can connect
            listener.listen(_MAX_CLIENTS)
        except OSError:
            listener.close()
            raise
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            raise LinkBusy(f"another agent has just begun to listen on {path}") from fault
        raise LinkLost(
            f"the console cannot listen on {path}: {fault.strerror or fault}; set console.path to a place we may write"
        ) from fault
    return listener


def _clear(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "there is a file of another kind")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
        knock.settimeout(_KNOCK_S)
        try:
            knock.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
        except (TimeoutError, BlockingIOError):  # somebody listens who is too busy to accept
            raise LinkBusy(f"another agent listens on {path} and does not answer") from None
        else:
            raise LinkBusy(f"another agent runs already and listens on {path}; stop it first, or give this one another console.path")


def _remove(path: Path, made: os.stat_result) -> None:
    """Takes our socket away, not one that somebody else has put there since."""
    try:
        found = path.stat()
        if (found.st_dev, found.st_ino) == (made.st_dev, made.st_ino):
            path.unlink()
    except OSError as fault:
        _log.debug("console socket %s not removed: %s", path, fault)
