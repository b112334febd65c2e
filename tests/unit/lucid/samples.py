"""Frames from the outside world for the tests: published and derived vectors, recordings of real modules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lucid2mqtt.lucid.families import FAMILIES, Family

_TESTS = Path(__file__).parents[2]

# JSON objects: their shape is the business of the test that reads them
Sample = dict[str, Any]


def vectors() -> list[Sample]:
    """Requests with replies; `call` builds the request, `reads` is what the reply says."""
    loaded: list[Sample] = json.loads((_TESTS / "unit/lucid/vectors.json").read_text(encoding="utf-8"))
    return loaded


def recordings() -> dict[str, Sample]:
    """By file name."""
    files = sorted((_TESTS / "recordings").glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def family(name: str) -> Family:
    return next(family for family in FAMILIES.values() if family.name == name)
