"""Lines for a picture: few points that look the same as many, written short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Point = tuple[float, float]

_TOLERANCE_PX = 0.3
_COLUMN_PX = 2.0
_JOIN_PX = 0.4


def path_of(points: Sequence[Point]) -> str:
    """SVG path data through `points` (pixels, x ascending), thinned to what can be seen."""
    places = [(round(10 * x), round(10 * y)) for x, y in _simplified(_columns(points))]
    if not places:
        return ""
    (x, y), *others = places
    words = [f"M{_written(x)} {_written(y)}"]
    for right, down in others:
        if (right, down) != (x, y):
            words.append(f"l{_written(right - x)}{_after(down - y)}")
            x, y = right, down
    return "".join(words)


def stairs(points: Sequence[Point]) -> list[Point]:
    """The same as steps: each value holds until the next one."""
    steps: list[Point] = []
    for x, y in points:
        if steps and steps[-1][1] != y:
            steps.append((x, steps[-1][1]))
        if not steps or steps[-1] != (x, y):
            steps.append((x, y))
    return steps


def blocks_of(spans: Iterable[tuple[float, float, float]], bottom: float) -> str:
    """SVG path data of filled blocks `(left, right, height)` upwards from `bottom`; neighbours of one height become one."""
    joined: list[tuple[float, float, float]] = []
    for left, right, height in spans:
        if joined and joined[-1][2] == height and left - joined[-1][1] <= _JOIN_PX:
            joined[-1] = (joined[-1][0], right, height)
        else:
            joined.append((left, right, height))
    drawn = [[round(10 * pixels) for pixels in (left, max(right - left, _JOIN_PX), height)] for left, right, height in joined]
    foot = _written(round(10 * bottom))
    return "".join(f"M{_written(x)} {foot}v{_written(-height)}h{_written(width)}v{_written(height)}z" for x, width, height in drawn)


def _written(tenths: int) -> str:
    """As short as SVG allows: `12`, `.5`, `-3.4`."""
    whole, part = divmod(abs(tenths), 10)
    sign = "-" if tenths < 0 else ""
    if not part:
        return f"{sign}{whole}"
    return f"{sign}{whole or ''}.{part}"


def _after(tenths: int) -> str:
    """A number behind another one: a minus sign parts them as well as a space."""
    return _written(tenths) if tenths < 0 else f" {_written(tenths)}"


def _columns(points: Sequence[Point]) -> list[Point]:
    """First, lowest, highest and last point of each column of pixels."""
    kept: list[Point] = []
    column: list[Point] = []
    for point in points:
        if column and point[0] // _COLUMN_PX != column[0][0] // _COLUMN_PX:
            kept += _essence(column)
            column = []
        column.append(point)
    return kept + _essence(column)


def _essence(column: list[Point]) -> list[Point]:
    if len(column) <= 4:
        return column
    extremes = {column.index(min(column, key=_height)), column.index(max(column, key=_height))}
    return [column[place] for place in sorted({0, len(column) - 1} | extremes)]


def _height(point: Point) -> float:
    return point[1]


def _simplified(points: list[Point]) -> list[Point]:
    """Douglas and Peucker's way, without recursion: what lies on the line between its neighbours goes."""
    if len(points) < 3:
        return points
    keep = {0, len(points) - 1}
    open_spans = [(0, len(points) - 1)]
    while open_spans:
        first, last = open_spans.pop()
        distance, place = max(((_distance(points[i], points[first], points[last]), i) for i in range(first + 1, last)), default=(0.0, 0))
        if distance > _TOLERANCE_PX:
            keep.add(place)
            open_spans += [(first, place), (place, last)]
    return [points[place] for place in sorted(keep)]


def _distance(point: Point, begin: Point, end: Point) -> float:
    """From the line through `begin` and `end`, upright where they stand above one another."""
    (x, y), (x0, y0), (x1, y1) = point, begin, end
    if x1 - x0 < 1e-9:
        return max(0.0, y - max(y0, y1), min(y0, y1) - y)
    return abs(y - (y0 + (y1 - y0) * (x - x0) / (x1 - x0)))
