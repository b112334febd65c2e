"""Figures side by side, for people and for programs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of several rounds, with the least and the greatest."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, rounds: Sequence[float]) -> Self | None:
        """None when no round gave a number."""
        return cls(statistics.median(rounds), min(rounds), max(rounds)) if rounds else None

    def text(self) -> str:
        return _short(self.middle) if self.low == self.high else f"{_short(self.middle)} ({_short(self.low)}-{_short(self.high)})"


@dataclass(frozen=True, slots=True)
class Row:
    """`reach` is what the project sets itself, in the words of the table."""

    what: str
    unit: str
    figures: Mapping[str, Figure | None]
    reach: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`compare` names two columns; the quotient of their medians is shown behind them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    compare: tuple[str, str] | None = None

    def text(self) -> str:
        quotient = () if self.compare is None else (f"{self.compare[0]} / {self.compare[1]}",)
        lines = [("", "unit", *self.columns, *quotient, "to reach"), *(self._line(row) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            (
                self.title,
                *(
                    "  ".join((line[0].ljust(widths[0]), line[1].ljust(widths[1]), *map(str.rjust, line[2:-1], widths[2:-1]), line[-1]))
                    for line in lines
                ),
            ),
        )

    def document(self) -> dict[str, object]:
        return {
            "title": self.title,
            "rows": [
                {
                    "what": row.what,
                    "unit": row.unit,
                    "reach": row.reach,
                    "figures": {
                        column: {"median": figure.middle, "least": figure.low, "greatest": figure.high}
                        for column, figure in row.figures.items()
                        if figure is not None
                    },
                    "quotient": self._quotient(row),
                }
                for row in self.rows
            ],
        }

    def _line(self, row: Row) -> tuple[str, ...]:
        cells = (row.figures.get(column) for column in self.columns)
        quotient = self._quotient(row)
        shown = () if self.compare is None else ("-" if quotient is None else f"{quotient:.2f}",)
        return (row.what, row.unit, *("-" if figure is None else figure.text() for figure in cells), *shown, row.reach)

    def _quotient(self, row: Row) -> float | None:
        if self.compare is None:
            return None
        above, below = (row.figures.get(column) for column in self.compare)
        return above.middle / below.middle if above is not None and below is not None and below.middle else None


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of `values` do not exceed."""
    return sorted(values)[round(share * (len(values) - 1))]


def _short(number: float) -> str:
    """Three digits that count, never an exponent; a count as it is."""
    if abs(number) >= 100 or number == int(number):
        return f"{number:.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"
