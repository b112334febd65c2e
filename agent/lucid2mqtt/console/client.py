"""The command line's side of the console: blocking, one request at a time."""

from __future__ import annotations

import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lucid2mqtt.console.wire import decode, encode, error_from
from lucid2mqtt.errors import LinkLost, ReplyTimeout

_CONNECT_S = 2.0
_REPLY_S = 30.0  # longer than the server allows itself, so that its word arrives
_MAX_REPLY_BYTES = 16 * 1024 * 1024


class ConsoleClient:
    """A connection to a running agent. `connect` gives None where there is none."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._answers = line.makefile("rb")

    @classmethod
    def connect(cls, path: Path) -> Self | None:
        """Raises LinkLost when an agent is there but may not be talked to."""
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(_CONNECT_S)
        try:
            line.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            line.close()
            return None
        except OSError as fault:
            line.close()
            hint = "; run this as root or as a member of its group" if isinstance(fault, PermissionError) else ""
            raise LinkLost(f"the agent's console {path} cannot be reached: {fault.strerror or fault}{hint}") from fault
        line.settimeout(_REPLY_S)
        return cls(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._answers.close()
        self._line.close()

    def ask(self, verb: str, **arguments: object) -> Any:  # Any: what the verb answers, JSON
        """The result of `verb`. Raises what the agent raised, LinkLost or ReplyTimeout when it does not answer."""
        try:
            self._line.sendall(encode({"verb": verb, **arguments}))
            line = self._answers.readline(_MAX_REPLY_BYTES)
        except TimeoutError:
            raise ReplyTimeout(f"the agent does not answer {verb} within {_REPLY_S:g} s", sent=True) from None
        except OSError as fault:
            raise LinkLost(f"the agent has gone: {fault.strerror or fault}", sent=True) from fault
        if not line.endswith(b"\n"):
            raise LinkLost("the agent closed the console", sent=True)
        try:
            reply = decode(line)
        except ValueError as fault:
            raise LinkLost(f"whoever listens there is no lucid2mqtt: {fault}", sent=True) from fault
        if reply.get("ok") is True:
            return reply.get("result")
        error = reply.get("error")
        raise error_from(error if isinstance(error, dict) else {})
