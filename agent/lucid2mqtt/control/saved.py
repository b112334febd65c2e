"""Typed fields out of a saved JSON document. What is not as expected is a ValueError that names the field.

The caller decides what a spoilt document means; for the thermostat that is to begin afresh and say so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

Document = dict[str, object]
"""What the parts of the thermostat hand over to be kept: only what JSON can hold."""


class Saved:
    """One document that came back from disk. A field that is missing or null is None where `optional_` is asked for."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._document = document

    def number(self, field: str, *, minimum: float = -math.inf, maximum: float = math.inf) -> float:
        """A finite number from `minimum` to `maximum`."""
        value = self._document.get(field)
        try:
            number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        except OverflowError:  # JSON knows integers that no float holds
            number = math.inf
        if not math.isfinite(number) or not minimum <= number <= maximum:
            raise self._fault(field, f"a number from {minimum:g} to {maximum:g}")
        return number

    def optional_number(self, field: str, *, minimum: float = -math.inf, maximum: float = math.inf) -> float | None:
        return None if self._document.get(field) is None else self.number(field, minimum=minimum, maximum=maximum)

    def count(self, field: str) -> int:
        """A whole number, 0 or more."""
        value = self._document.get(field)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._fault(field, "a whole number from 0")
        return value

    def counts(self, field: str) -> tuple[int, ...]:
        """A list of whole numbers, 0 or more each."""
        values = self._document.get(field)
        if not isinstance(values, list) or not all(
            isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in values
        ):
            raise self._fault(field, "a list of whole numbers from 0")
        return tuple(values)

    def numbers(self, field: str, *, minimum: float = -math.inf) -> tuple[float, ...]:
        """A list of finite numbers, each `minimum` or more."""
        values = self._document.get(field)
        if not isinstance(values, list):
            raise self._fault(field, "a list of numbers")
        return tuple(Saved({field: value}).number(field, minimum=minimum) for value in values)

    def flag(self, field: str) -> bool:
        value = self._document.get(field)
        if not isinstance(value, bool):
            raise self._fault(field, "true or false")
        return value

    def optional_flag(self, field: str) -> bool | None:
        return None if self._document.get(field) is None else self.flag(field)

    def text(self, field: str) -> str:
        value = self._document.get(field)
        if not isinstance(value, str):
            raise self._fault(field, "text")
        return value

    def document(self, field: str) -> Document:
        """A document within this one."""
        value = self._document.get(field)
        if not isinstance(value, dict):
            raise self._fault(field, "a document")
        return value

    def optional_document(self, field: str) -> Document | None:
        return None if self._document.get(field) is None else self.document(field)

    def optional_instant(self, field: str) -> datetime | None:
        """An aware datetime in ISO form."""
        value = self._document.get(field)
        if value is None:
            return None
        try:
            instant = datetime.fromisoformat(self.text(field))
        except ValueError:
            raise self._fault(field, "a date and time") from None
        if instant.tzinfo is None:
            raise self._fault(field, "a date and time with its offset from UTC")
        return instant

    def _fault(self, field: str, expected: str) -> ValueError:
        return ValueError(f"saved field {field!r} should be {expected}, not {self._document.get(field)!r:.60}")
