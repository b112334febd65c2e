"""A replay as one SVG: temperatures above, duty and heat below. No fonts, scripts or colours from elsewhere; legible on light and dark.

The same moments give the same bytes, so that pictures can be kept under version control and checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from xml.sax.saxutils import escape

from lucid2mqtt.replay.moment import Moment
from lucid2mqtt.replay.strokes import blocks_of, path_of, stairs
from lucid2mqtt.replay.timescale import number_marks, time_marks

_WIDTH, _HEIGHT = 860, 440
_LEFT, _RIGHT = 52, 846
_UPPER = (74, 264)  # top and bottom of a panel
_LOWER = (306, 376)
_STRIP = (384, 400)
_BAND_LETTER_PX = 5.6
_FAR_K = 4.0

_LIGHT = {
    "ground": "#fff",
    "ink": "#1f2328",
    "faint": "#59636e",
    "grid": "#d8dee4",
    "band": "#fff1d6",
    "goal": "#cf222e",
    "body": "#0550ae",
    "read": "#8c959f",
    "duty": "#953800",
}
_DARK = {
    "ground": "#0d1117",
    "ink": "#e6edf3",
    "faint": "#9198a1",
    "grid": "#2d333b",
    "band": "#3a2d12",
    "goal": "#ff7b72",
    "body": "#79c0ff",
    "read": "#6e7681",
    "duty": "#ffa657",
}
_COLOURS = (
    ".p{{fill:{ground}}}text{{fill:{ink}}}.s,.b{{fill:{faint}}}.g{{stroke:{grid}}}.band{{fill:{band}}}.goal{{stroke:{goal}}}"
    ".body{{stroke:{body}}}.read{{stroke:{read}}}.duty{{stroke:{duty}}}.heat{{fill:{duty}}}"
)
_STYLE = (
    "text{font-family:system-ui,sans-serif;font-size:12px}.t{font-size:15px;font-weight:600}.b{font-size:10px}"
    "path{fill:none}.goal{stroke-width:1.4;stroke-dasharray:6 3}.body{stroke-width:1.8}.duty{stroke-width:1.3}"
    + _COLOURS.format(**_LIGHT)
    + f"@media(prefers-color-scheme:dark){{{_COLOURS.format(**_DARK)}}}"
)
"""Without variables: programs that draw files, other than browsers, mostly know none."""

Place = Callable[[float], float]


def draw(moments: Sequence[Moment], begins: datetime, *, title: str, note: str = "") -> str:
    """The picture. ValueError with fewer than two moments: there is no time to draw."""
    if len(moments) < 2:
        raise ValueError("a picture needs at least two moments")
    length_s = moments[-1].at_s
    across = _linear(0.0, length_s, _LEFT, _RIGHT)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" class="p"/>',
        _text(_LEFT, 22, title, "t"),
        _text(_LEFT, 40, note, "s") if note else "",
        *_bands(moments, across),
        *_time_axis(begins, length_s, across),
        *_temperatures(moments, across),
        *_duties(moments, across),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _temperatures(moments: Sequence[Moment], across: Place) -> Iterator[str]:
    marks = number_marks(*_shown_c(moments), 7)
    up = _linear(marks[0], marks[-1], _UPPER[1], _UPPER[0])
    yield from _scale(marks, up, "°C")
    has_body = any(moment.true_c is not None for moment in moments)
    yield from _lines("read", moments, lambda moment: moment.reading_c, across, up)
    yield from _lines("goal", moments, lambda moment: _within(moment.setpoint_c, marks), across, up, as_stairs=True)
    yield from _lines("body", moments, lambda moment: moment.true_c, across, up)
    yield from _legend(_UPPER[0] - 12, [("goal", "set-point"), *([("body", "true temperature")] if has_body else []), ("read", "sensor")])


def _shown_c(moments: Sequence[Moment]) -> tuple[float, float]:
    """From which to which temperature the panel goes: a set-point far off, as frost protection is, must not flatten everything else."""
    felt = [celsius for moment in moments for celsius in (moment.reading_c, moment.true_c) if celsius is not None]
    goals = [moment.setpoint_c for moment in moments if moment.setpoint_c is not None]
    felt = felt or goals or [0.0, 1.0]
    low, high = min(felt), max(felt)
    near = [goal for goal in goals if low - _FAR_K <= goal <= high + _FAR_K]
    return min([low, *near]), max([high, *near])


def _within(celsius: float | None, marks: Sequence[float]) -> float | None:
    return None if celsius is None else min(max(celsius, marks[0]), marks[-1])


def _duties(moments: Sequence[Moment], across: Place) -> Iterator[str]:
    lowest = -100.0 if any(moment.duty < 0.0 for moment in moments) else 0.0
    up = _linear(lowest, 100.0, _LOWER[1], _LOWER[0])
    yield from _scale([lowest, 50.0 + lowest / 2, 100.0], up, "%")
    yield from _lines("duty", moments, lambda moment: 100.0 * moment.duty, across, up, as_stairs=True)
    height = _STRIP[1] - _STRIP[0]
    spans = (
        (across(here.at_s), across(there.at_s), height * min(abs(here.delivered), 1.0))
        for here, there in pairwise(moments)
        if here.delivered
    )
    yield f'<path class="heat" d="{blocks_of(spans, _STRIP[1])}"/>'
    yield f'<path class="g" d="M{_LEFT} {_STRIP[1]}H{_RIGHT}"/>'
    yield from _legend(_LOWER[0] - 12, [("duty", "duty, as the controller wants it"), ("heat", "heat: relay closed, or output open")])


def _lines(
    kind: str, moments: Sequence[Moment], of: Callable[[Moment], float | None], across: Place, up: Place, *, as_stairs: bool = False
) -> Iterator[str]:
    """A line for each stretch in which there is a value."""
    for stretch in _stretches([(moment.at_s, of(moment)) for moment in moments]):
        points = [(across(at_s), up(value)) for at_s, value in stretch]
        yield f'<path class="{kind}" d="{path_of(stairs(points) if as_stairs else points)}"/>'


def _stretches(values: Sequence[tuple[float, float | None]]) -> Iterator[list[tuple[float, float]]]:
    stretch: list[tuple[float, float]] = []
    for at_s, value in values:
        if value is not None:
            stretch.append((at_s, value))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _bands(moments: Sequence[Moment], across: Place) -> Iterator[str]:
    """Shaded, with their names, where something is out of the ordinary."""
    begin = 0
    for place in range(1, len(moments) + 1):
        if place < len(moments) and moments[place].remark == moments[begin].remark:
            continue
        remark, left, right = moments[begin].remark, across(moments[begin].at_s), across(moments[min(place, len(moments) - 1)].at_s)
        begin = place
        if not remark:
            continue
        words = escape(remark.replace("_", " "))
        brief = next((said for said in (words, words.partition(",")[0]) if len(said) * _BAND_LETTER_PX <= right - left), "")
        box = f'x="{left:.1f}" y="{_UPPER[0]}" width="{max(right - left, 1.0):.1f}"'
        yield f'<rect class="band" {box} height="{_STRIP[1] - _UPPER[0]}"><title>{words}</title></rect>'
        if brief:
            yield f'<text class="b" x="{left + 3:.1f}" y="{_UPPER[1] - 5}">{brief}</text>'


def _time_axis(begins: datetime, length_s: float, across: Place) -> Iterator[str]:
    marks = time_marks(begins, length_s, 9)
    lines = "".join(f"M{across(at_s):.1f} {_UPPER[0]}V{_UPPER[1]}M{across(at_s):.1f} {_LOWER[0]}V{_STRIP[1]}" for at_s, _ in marks)
    yield f'<path class="g" d="{lines}"/>'
    for at_s, words in marks:
        yield f'<text x="{across(at_s):.1f}" y="{_STRIP[1] + 18}" text-anchor="middle" class="s">{words}</text>'


def _scale(marks: Sequence[float], up: Place, unit: str) -> Iterator[str]:
    lines = "".join(f"M{_LEFT} {up(mark):.1f}H{_RIGHT}" for mark in marks)
    yield f'<path class="g" d="{lines}"/>'
    for mark in marks:
        yield f'<text x="{_LEFT - 7}" y="{up(mark) + 4:.1f}" text-anchor="end" class="s">{mark:g}</text>'
    yield f'<text x="{_LEFT - 7}" y="{up(marks[-1]) - 12:.1f}" text-anchor="end">{unit}</text>'


def _legend(y: int, entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    x = _LEFT + 2
    for kind, words in entries:
        mark = f'<path class="heat" d="M{x} {y - 9}v10h18v-10z"/>' if kind == "heat" else f'<path class="{kind}" d="M{x} {y - 4}h18"/>'
        yield f"{mark}{_text(x + 24, y, words, 's')}"
        x += 40 + 7 * len(words)


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(words)}</text>'


def _linear(low: float, high: float, begin: float, end: float) -> Place:
    factor = (end - begin) / (high - low) if high != low else 0.0
    return lambda value: begin + (value - low) * factor
