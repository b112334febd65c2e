"""What survives a restart: small JSON documents in one directory, each replaced as a whole.

Writing happens in a thread and never raises into the program: a full disk is told once, shown in `fault`, tried again,
and told once more when it is over.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

Document = dict[str, Any]  # Any: whatever JSON holds; whoever loads it checks it

RETRY_S = 30.0
"""Pause after a failed write."""

_log = logging.getLogger(__name__)


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces the file so that a power cut leaves the old or the new content, never a part; makes its folder. Raises OSError."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


class StateStore:
    """JSON documents by name. Without a directory it forgets everything at the end.

    `run()` writes what is due. `writer` has one thread, so a later document never loses against an earlier one.
    """

    def __init__(
        self,
        state_dir: Path | None,
        *,
        write: Callable[[Path, bytes], None] = write_atomically,
        writer: Executor | None = None,
    ) -> None:
        self._directory = state_dir
        self._write = write
        self._writer = writer or ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._writing = asyncio.Lock()
        self._due: dict[str, float] = {}
        self._documents: dict[str, Document] = {}
        self._changed = asyncio.Event()
        self._failed_at: float | None = None
        self.fault: str | None = None

    def load(self, name: str) -> Document | None:
        """The document as it was last written, None when there is none. A file that is no JSON object is moved aside."""
        if self._directory is None:
            return None
        path = self._path(name)
        try:
            document = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("cannot read %s: %s; going on without", path, error)
            return None
        except (ValueError, RecursionError) as error:
            _set_aside(path, str(error))
            return None
        if not isinstance(document, dict):
            _set_aside(path, "not a JSON object")
            return None
        return document

    def save_soon(self, name: str, document: Document, *, within_s: float = 1.0) -> None:
        """Has `document` written within `within_s`; it is read at that moment, so a living dict may be handed over."""
        self._documents[name] = document
        due = asyncio.get_running_loop().time() + within_s
        if due < self._due.get(name, float("inf")):
            self._due[name] = due
            self._changed.set()

    async def run(self) -> None:
        """Writes documents as they fall due, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            wait_s = min(self._due.values()) - loop.time() if self._due else None
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                await self._write_names([name for name, due in self._due.items() if due <= loop.time()])

    async def flush(self) -> None:
        """Writes everything that waits, now; what is being written is written when this returns."""
        await self._write_names(list(self._due))

    async def close(self) -> None:
        """Writes everything that waits and lets the thread go."""
        await self.flush()
        self._writer.shutdown(wait=False)

    async def _write_names(self, names: list[str]) -> None:
        async with self._writing:
            for name in names:
                if self._due.pop(name, None) is not None and self._directory is not None:
                    await self._write_one(name)

    async def _write_one(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        content = json.dumps(self._documents[name], separators=(",", ":")).encode()
        try:
            await loop.run_in_executor(self._writer, self._write, self._path(name), content)
        except OSError as error:
            self._failed(name, error)
        except asyncio.CancelledError:
            self._due.setdefault(name, loop.time())  # how it ended is not known any more
            raise
        else:
            self._wrote()

    def _failed(self, name: str, error: OSError) -> None:
        loop = asyncio.get_running_loop()
        self._due.setdefault(name, loop.time() + RETRY_S)
        self.fault = f"cannot write {self._path(name)}: {error.strerror or error}"
        if self._failed_at is None:
            self._failed_at = loop.time()
            _log.warning("%s; totals and pending pulses will not survive a restart until this is cured", self.fault)

    def _wrote(self) -> None:
        if self._failed_at is not None:
            _log.info("the state directory can be written again after %.0f s", asyncio.get_running_loop().time() - self._failed_at)
            self._failed_at = None
            self.fault = None

    def _path(self, name: str) -> Path:
        return (self._directory or Path()) / f"{name}.json"


def _set_aside(path: Path, why: str) -> None:
    kept = path.with_suffix(".broken")
    try:
        path.replace(kept)
    except OSError as error:
        _log.warning("%s cannot be used (%s) nor moved aside (%s); going on without", path, why, error)
    else:
        _log.warning("%s cannot be used (%s): kept as %s, going on without", path, why, kept.name)
