"""Waiting for what another program, or the kernel, does in its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

WITHIN_S = 5.0


async def until(condition: Callable[[], object]) -> None:
    """Waits until `condition` holds; TimeoutError when that takes too long."""
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110  nobody tells when it becomes true
            await asyncio.sleep(0.001)
