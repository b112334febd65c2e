"""What counts as a number in a text that somebody sent."""

from __future__ import annotations

import math


def plain_number(text: str) -> float | None:
    """A finite decimal number, or None. Python's own extras (`1_000`, `nan`, Arabic digits) are not numbers here."""
    if not text.isascii() or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
