from __future__ import annotations

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.unit.ansible.filters import role_filter

without_passthrough = role_filter("lucid2mqtt", "settings.py", "lucid2mqtt_without_passthrough")

BEFORE = "# managed\nnode: az-2\nmqtt:\n  url: mqtts://broker\n"
PASSTHROUGH = (
    "passthrough:\n- listen: tcp://127.0.0.1:4001\n  module: heaters\n\n-   listen: pty:///run/lucid2mqtt/x\n    module: heaters\n"
)
AFTER = "ports:\n- auto\n"


def test_only_the_section_passthrough_is_left_out() -> None:
    assert without_passthrough(BEFORE + PASSTHROUGH + AFTER) == BEFORE + AFTER
    assert without_passthrough(BEFORE + PASSTHROUGH) == BEFORE
    assert without_passthrough(PASSTHROUGH + AFTER) == AFTER


def test_settings_without_that_section_stay_as_they_are() -> None:
    inside = "modules:\n- name: passthrough\n  passthrough: deep\npassthrough_too: 1\n"
    assert without_passthrough(BEFORE + inside) == BEFORE + inside


@given(st.text(alphabet="passthrough: -\n#\t\rx"))
def test_any_text_loses_lines_at_most(text: str) -> None:
    left = without_passthrough(text).splitlines(keepends=True)
    rest = iter(text.splitlines(keepends=True))
    assert all(line in rest for line in left)


KEYS = st.sampled_from(["node", "ports", "modules", "passthrough", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab:#- \n'\"", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES), st.booleans())
def test_what_yaml_reads_afterwards_is_the_same_tree_without_it(tree: dict[str, object], indent: bool) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    if indent:
        yaml.indent(mapping=4, sequence=4, offset=2)
    written = StringIO()
    yaml.dump(tree, written)
    wanted = {key: value for key, value in tree.items() if key != "passthrough"}
    assert (yaml.load(without_passthrough(written.getvalue())) or {}) == wanted
