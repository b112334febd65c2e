"""A link user that remembers what it was told."""

from __future__ import annotations

import asyncio


class Recorder:
    def __init__(self) -> None:
        self.heard = b""
        self.written = 0
        self.reasons: list[str] = []
        self._news = asyncio.Event()

    def bytes_arrived(self, chunk: bytes) -> None:
        self.heard += chunk
        self._news.set()

    def all_written(self) -> None:
        self.written += 1
        self._news.set()

    def link_lost(self, reason: str) -> None:
        self.reasons.append(reason)
        self._news.set()

    async def until(self, *, heard: int = 0, written: int = 0, lost: int = 0) -> None:
        """Waits for that many bytes, ends of writing and losses, at most 5 s."""
        async with asyncio.timeout(5):
            while len(self.heard) < heard or self.written < written or len(self.reasons) < lost:
                self._news.clear()
                await self._news.wait()
