"""The word that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """The word of `known` that was probably meant, as a question; where none is near, all of them."""
    words = list(known)
    return near(wrong, words) or (f"known here: {', '.join(words)}" if words else "")


def near(wrong: str, known: Iterable[str]) -> str:
    """The word of `known` that was probably meant, as a question; empty where none is near."""
    by_small = {word.casefold(): word for word in known}
    found = get_close_matches(wrong.casefold(), by_small, n=1)
    return f"did you mean {by_small[found[0]]!r}?" if found else ""
