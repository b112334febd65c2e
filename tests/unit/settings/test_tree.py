import pytest

from lucid2mqtt.settings.modules import ChannelSettings, ModuleSettings
from lucid2mqtt.settings.schema import Settings
from lucid2mqtt.settings.tree import Path, Tree, dotted, is_list, is_mapping, shape


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("mqtt", "url"), str),
        (("modules", 0), ModuleSettings),
        (("modules", "0", "channels", "3"), ChannelSettings),
        (("modules", 0, "channels", "3", "max_on_s"), float),
        (("nobody",), None),
        (("mqtt", "url", "deeper"), None),
    ],
)
def test_the_schema_is_walked_by_path(path: Path, kind: object) -> None:
    assert shape(Settings, path) is kind


def test_lists_and_mappings_are_told_apart() -> None:
    assert is_list(shape(Settings, ("ports",)))
    assert is_mapping(shape(Settings, ("mqtt",)))
    assert is_mapping(shape(Settings, ("modules", 0, "parameters")))
    assert is_list(shape(Settings, ("thermostats", 0, "schedule", "mon-fri")))  # a key of the user's own
    assert is_list(shape(Settings, ("thermostats", 0, "heater")))
    assert not is_list(shape(Settings, ("node",)))
    assert not is_mapping(shape(Settings, ("node",)))


def test_the_place_of_something_absent_is_where_it_would_stand() -> None:
    tree = Tree(places={("mqtt",): "f:3:1", ("mqtt", "url"): "f:4:3"})
    assert tree.place_of(("mqtt", "url"), "f") == "f:4:3"
    assert tree.place_of(("mqtt", "tls", "ca"), "f") == "f:3:1"
    assert tree.place_of(("log", "level"), "f") == "f"


def test_putting_replaces_a_scalar_that_is_in_the_way() -> None:
    tree = Tree({"mqtt": "nonsense", "modules": [3]})
    tree.put(("mqtt", "url"), "x", "A", Settings)
    tree.put(("modules", "0", "name"), "y", "B", Settings)
    assert tree.values == {"mqtt": {"url": "x"}, "modules": [{"name": "y"}]}


def test_paths_are_shown_with_dots() -> None:
    assert dotted(("modules", 0, "channels", "3")) == "modules.0.channels.3"
