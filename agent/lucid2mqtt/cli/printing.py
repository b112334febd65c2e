"""How verbs speak: tables or JSON on standard output, complaints on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]  # Any: JSON


def complain(message: str, remedy: str = "") -> None:
    """One line on standard error."""
    print(f"lucid2mqtt: {message}{f' ({remedy})' if remedy else ''}", file=sys.stderr)


def print_json(document: object, *, one_line: bool = False) -> None:
    """For programs; `one_line` where more follows. Flushed, so that a reader at a pipe sees it at once."""
    print(json.dumps(document, ensure_ascii=False, indent=None if one_line else 2), flush=True)


def print_table(rows: Sequence[Sequence[str]], *, heading: Sequence[str] = ()) -> None:
    """Columns as wide as they must be, two spaces apart."""
    lines = [heading, *rows] if heading else list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def value_text(reading: Document) -> str:
    """The value of a reading with its unit, or why there is none: "21.53 °C", "ON", "open sensor: ..."."""
    value = reading["value"]
    if value is None:
        return f"{reading['quality']}: {reading['reason']}".rstrip(": ")
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    decimals = reading.get("decimals")
    number = f"{value:.{decimals}f}" if decimals is not None else f"{value:.15g}"
    return f"{number} {reading['unit']}".rstrip()


def reading_row(reading: Document) -> tuple[str, str, str, str]:
    """Module, channel, label and value."""
    return str(reading["module"]), str(reading["channel"]), str(reading["label"]), value_text(reading)
