from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.settings.remains import Remains


def test_what_is_left_knows_where_it_stood() -> None:
    remains = Remains({"a": [{"b": [0, 1, 2, 3]}, "x", {"b": [4]}], "c": {"7": 1}})
    remains.take_out([("a", 1), ("a", 0, "b", 0), ("a", 0, "b", 2), ("c", 7)])
    assert remains.values == {"a": [{"b": [1, 3]}, {"b": [4]}], "c": {}}
    assert remains.written(("a", 1, "b", 0)) == ("a", 2, "b", 0)
    assert remains.written(("a", 0, "b", 1)) == ("a", 0, "b", 3)


def test_taking_out_goes_on_from_what_is_left() -> None:
    remains = Remains({"a": [0, 1, 2, 3]})
    remains.take_out([("a", 0)])
    remains.take_out([("a", 1)])
    assert remains.values == {"a": [1, 3]}
    assert remains.written(("a", 1)) == ("a", 3)


def test_of_a_key_inside_a_short_form_the_short_form_goes() -> None:
    remains = Remains({"a": {"b": "text", "c": 1}})
    remains.take_out([("a", "b", "value"), ("a", "b")])
    assert remains.values == {"a": {"c": 1}}


_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2), max_leaves=6
)


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], int]:
    if isinstance(value, int):
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {key: leaf for place, inner in items for key, leaf in _leaves(inner, (*path, place)).items()}


@given(
    values=st.dictionaries(st.sampled_from("xyz"), _VALUES, max_size=3),
    rounds=st.lists(st.lists(st.integers(0, 11), max_size=3), max_size=2),
)
def test_every_leaf_that_stays_is_still_known_by_its_old_path(values: dict[str, Any], rounds: list[list[int]]) -> None:
    before = _leaves(values)
    remains = Remains(values)
    for chosen in rounds:
        now = sorted(_leaves(remains.values), key=str)
        remains.take_out(now[place] for place in chosen if place < len(now))
    assert all(before[remains.written(path)] == leaf for path, leaf in _leaves(remains.values).items())
