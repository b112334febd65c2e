import re

from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.replay.strokes import blocks_of, path_of, stairs

POINTS = st.lists(st.tuples(st.floats(0.0, 800.0), st.floats(0.0, 400.0)), min_size=1, max_size=200).map(sorted)


def walked(path: str) -> list[tuple[float, float]]:
    """The points of path data made of one M and relative l."""
    numbers = [[float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", part)] for part in re.split("[Ml]", path)[1:]]
    places = [(numbers[0][0], numbers[0][1])]
    for right, down in numbers[1:]:
        places.append((places[-1][0] + right, places[-1][1] + down))
    return places


def test_a_straight_line_needs_two_points() -> None:
    assert path_of([(float(x), 2.0 * x) for x in range(100)]) == "M0 0l99 198"


def test_numbers_are_written_as_short_as_they_can_be() -> None:
    assert path_of([(0.0, 0.0), (10.0, 0.5), (20.0, -0.5)]) == "M0 0l10 .5l10-1"


def test_no_points_are_no_path() -> None:
    assert path_of([]) == ""


def test_a_spike_between_two_pixels_is_kept() -> None:
    points = [(x / 100, 50.0) for x in range(1000)]
    points[500] = (5.0, 10.0)
    assert min(y for _, y in walked(path_of(points))) == 10.0


@given(POINTS)
def test_thinning_keeps_ends_and_extremes(points: list[tuple[float, float]]) -> None:
    places = walked(path_of(points))
    assert abs(places[0][0] - points[0][0]) <= 0.06
    assert abs(places[-1][0] - points[-1][0]) <= 0.06
    for extreme in (min, max):
        assert abs(extreme(y for _, y in places) - extreme(y for _, y in points)) <= 0.4


def test_steps_hold_their_value_until_the_next() -> None:
    assert stairs([(0.0, 1.0), (5.0, 1.0), (9.0, 3.0)]) == [(0.0, 1.0), (5.0, 1.0), (9.0, 1.0), (9.0, 3.0)]


def test_blocks_that_touch_become_one() -> None:
    assert blocks_of([(0.0, 5.0, 16.0), (5.0, 9.0, 16.0), (20.0, 30.0, 8.0)], 100.0) == "M0 100v-16h9v16zM20 100v-8h10v8z"


def test_a_block_too_narrow_to_be_seen_is_widened() -> None:
    assert "h.4v" in blocks_of([(3.0, 3.01, 16.0)], 100.0)
