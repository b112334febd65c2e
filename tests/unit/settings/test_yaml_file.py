from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lucid2mqtt.settings.yaml_file import parse, read_file


def test_every_key_knows_its_line_and_column() -> None:
    tree = parse("a: 1\nb:\n  - {c: 2}\n  - d:\n      e: 3\n", "x.yaml")
    assert tree.values == {"a": 1, "b": [{"c": 2}, {"d": {"e": 3}}]}
    assert tree.places["a",] == "x.yaml:1:1"
    assert tree.places["b", 0, "c"] == "x.yaml:3:6"
    assert tree.places["b", 1] == "x.yaml:4:5"
    assert tree.places["b", 1, "d", "e"] == "x.yaml:5:7"
    assert not tree.faults


def test_bare_on_and_off_stay_words_and_channel_numbers_stay_as_written() -> None:
    assert parse("0: {exit: off, start: on, x: yes, y: true}", "x").values == {"0": {"exit": "off", "start": "on", "x": "yes", "y": True}}


def test_all_duplicate_keys_are_told_with_the_place_of_the_first() -> None:
    tree = parse("a: 1\na: 2\nb: {0: x, 0: y}\n", "x.yaml")
    assert [(fault.place, fault.key) for fault in tree.faults] == [("x.yaml:2:1", "a"), ("x.yaml:3:11", "b.0")]
    assert "1:1" in tree.faults[0].message
    assert tree.values == {"a": 1, "b": {"0": "x"}}


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("a: b: c", "x:1:5", "quotes"),
        ("a:\n\tb: 1", "x:2:1", "spaces"),
        ("a: [1", "x:1:6", "syntax"),
        ("a: 1\n---\nb: 2", "x:", "one document"),
        ("- *nobody", "x:1:3", "nobody"),
        ("a: \x07", "x", "special characters"),
    ],
)
def test_broken_yaml_is_one_fault_with_its_place(text: str, place: str, word: str) -> None:
    (fault,) = parse(text, "x").faults
    assert fault.place.startswith(place)
    assert word in str(fault)


@pytest.mark.parametrize("text", ["- 1", "hello", "12"])
def test_a_file_without_keys_is_a_fault(text: str) -> None:
    (fault,) = parse(text, "x").faults
    assert "keys with values" in fault.message


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file_is_no_fault(text: str) -> None:
    assert parse(text, "x").values == {}
    assert not parse(text, "x").faults


def test_an_alias_to_itself_is_a_fault_and_no_endless_loop() -> None:
    (fault,) = parse("a: &me [*me]", "x").faults
    assert "contains itself" in fault.message


def test_aliases_and_merged_mappings_give_their_keys() -> None:
    tree = parse("a: &base {exit: off, start: on}\nb: {<<: *base, exit: hold}\nc: {<<: [*base, {max: 1}]}\n", "x")
    assert tree.values["b"] == {"exit": "hold", "start": "on"}
    assert tree.values["c"] == {"exit": "off", "start": "on", "max": 1}
    assert not tree.faults


def test_merging_something_else_is_a_fault() -> None:
    (fault,) = parse("a: {<<: 3}", "x").faults
    assert "another mapping" in fault.message


def test_an_unknown_tag_and_a_compound_key_are_faults_beside_each_other() -> None:
    faults = parse("a: !secret x\n? [1]\n: 2\n", "x").faults
    assert [fault.place for fault in faults] == ["x:1:4", "x:2:3"]


def test_a_missing_file_and_bytes_that_are_no_text_are_faults(tmp_path: Path) -> None:
    (missing,) = read_file(tmp_path / "none.yaml").faults
    assert "No such file" in missing.message
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"a: \xff\xfe")
    (garbled,) = read_file(binary).faults
    assert "UTF-8" in str(garbled)
    (folder,) = read_file(tmp_path).faults
    assert "cannot be read" in folder.message


_YAML = st.text(alphabet=st.sampled_from("ab01:-?[]{}&*!|>'\"%@# \n\t,<.~"), max_size=60)


@given(st.one_of(_YAML, st.text(max_size=60)))
@example("%YAML 1.1\n---\na: on")
@example("a: 0o")
@example("a: 2026-99-99")
@example("? a")
@example("[" * 1500)
@settings(deadline=None)
def test_whatever_stands_in_the_file_is_a_tree_or_a_fault(text: str) -> None:
    tree = parse(text, "x")
    assert isinstance(tree.values, dict)
    assert all(fault.place.startswith("x") for fault in tree.faults)


def test_an_anchor_may_be_set_anew() -> None:
    assert parse("a: &x 1\nb: &x 2\nc: *x\n", "s").values == {"a": 1, "b": 2, "c": 2}
