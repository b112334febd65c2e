"""Names that stand in topics: slugs, and the pair that names a channel."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

THERMOSTATS = "thermostat"
"""Stands where a module stands in the topics of a thermostat: `thermostat/living`."""

REMOTE = "remote"
"""Stands where a module stands in the name of a value that comes by topic: `remote/outdoor`."""

RESERVED_MODULE_NAMES = frozenset({THERMOSTATS, REMOTE, "status", "diagnostics"})
"""What no module may be called (product contract, topics)."""

_SLUG = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")
_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "ae", "Ö": "oe", "Ü": "ue", "ø": "o", "Ø": "o"})


def slug(text: str) -> str:
    """Lower-case form of `text` with only a-z, 0-9, `_` and `-`: "Living room" gives "living-room".

    Raises ValueError when nothing of the text can be kept.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS)).encode("ascii", "ignore").decode().lower()
    kept = re.sub(r"[_-]{2,}", "-", re.sub(r"[^a-z0-9_]+", "-", plain)).strip("-_")
    if not kept:
        raise ValueError(f"{text!r} has no letter or digit that can stand in a topic")
    return kept


def is_slug(text: str) -> bool:
    """True when `text` can stand in a topic as it is."""
    return _SLUG.fullmatch(text) is not None


def heading(name: str) -> str:
    """A user's name as it stands over a value: "living" gives "Living", "floor-2" gives "Floor 2", "Flow (süd)" stays."""
    words = re.sub(r"[_-]", " ", name) if is_slug(name) else name
    return words[:1].upper() + words[1:]


@dataclass(frozen=True, slots=True, order=True)
class ChannelRef:
    """A channel by the slugs of its module and itself; printed as `boiler/flow`."""

    module: str
    channel: str

    def __str__(self) -> str:
        return f"{self.module}/{self.channel}"
