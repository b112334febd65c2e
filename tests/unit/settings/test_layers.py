from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.settings.layers import add_environment, add_secrets
from lucid2mqtt.settings.schema import Settings
from lucid2mqtt.settings.tree import Tree


def with_environment(environ: dict[str, str], values: dict[str, object] | None = None) -> Tree:
    tree = Tree(values or {})
    add_environment(tree, environ, Settings)
    return tree


def test_levels_are_joined_by_two_underscores_and_numbers_lead_into_lists() -> None:
    tree = with_environment(
        {
            "LUCID2MQTT_HOME_ASSISTANT__ENABLED": "false",
            "LUCID2MQTT_MODULES__0__MATCH__SERIAL": "7",
            "LUCID2MQTT_MODULES__1__CHANNELS__3__NAME": "flow",
            "PATH": "/bin",
        }
    )
    assert tree.values == {
        "home_assistant": {"enabled": "false"},
        "modules": [{"match": {"serial": "7"}}, {"channels": {"3": {"name": "flow"}}}],
    }
    assert tree.places["modules", 1, "channels", "3", "name"] == "LUCID2MQTT_MODULES__1__CHANNELS__3__NAME"


def test_a_variable_changes_one_entry_of_a_list_in_the_file() -> None:
    tree = with_environment({"LUCID2MQTT_MODULES__0__NAME": "new"}, {"modules": [{"name": "old", "poll_s": 2}]})
    assert tree.values == {"modules": [{"name": "new", "poll_s": 2}]}


def test_an_entry_that_leaves_a_gap_is_a_fault() -> None:
    tree = with_environment({"LUCID2MQTT_MODULES__2__NAME": "x"}, {"modules": [{}]})
    (fault,) = tree.faults
    assert "the next is number 1" in fault.message
    assert fault.place == "LUCID2MQTT_MODULES__2__NAME"
    assert with_environment({"LUCID2MQTT_MODULES__NAME": "x"}).faults


def test_lists_and_mappings_are_written_as_yaml_or_json() -> None:
    tree = with_environment(
        {
            "LUCID2MQTT_MODULES": '[{"match": {"serial": 7}, "channels": {"0": {"exit": "off"}}}]',
            "LUCID2MQTT_PORTS": "auto, /dev/ttyACM0",
            "LUCID2MQTT_USB_IDS": "[16D0:0821]",
            "LUCID2MQTT_MQTT__TLS": "{ca: ca.pem}",
        }
    )
    assert tree.values == {
        "modules": [{"match": {"serial": 7}, "channels": {"0": {"exit": "off"}}}],
        "ports": ["auto", "/dev/ttyACM0"],
        "usb_ids": ["16D0:0821"],
        "mqtt": {"tls": {"ca": "ca.pem"}},
    }
    assert [fault.place for fault in with_environment({"LUCID2MQTT_MODULES": "[{"}).faults] == ["LUCID2MQTT_MODULES"]


def test_a_password_is_text_whatever_it_looks_like() -> None:
    for password in ("[abc", "{x}", "1234", "~", "a: b"):
        assert with_environment({"LUCID2MQTT_MQTT__PASSWORD": password}).values == {"mqtt": {"password": password}}


def test_an_inner_variable_goes_into_an_outer_one() -> None:
    tree = with_environment({"LUCID2MQTT_MQTT__URL": "mqtt://b", "LUCID2MQTT_MQTT": "{url: mqtt://a, keepalive_s: 9}"})
    assert tree.values == {"mqtt": {"url": "mqtt://b", "keepalive_s": 9}}


def test_an_empty_variable_counts_as_not_set() -> None:
    assert with_environment({"LUCID2MQTT_MQTT__URL": ""}).values == {}


@pytest.mark.parametrize("variable", ["CREDENTIALS_DIRECTORY", "LUCID2MQTT_SECRETS_DIR"])
def test_secret_files_fill_their_keys_and_strangers_are_left_alone(tmp_path: Path, variable: str) -> None:
    (tmp_path / "mqtt__password").write_text("s3cret\n")
    (tmp_path / "mqtt").write_text("not ours: one level only")
    (tmp_path / "postgres__password").write_text("not ours")
    (tmp_path / "folder").mkdir()
    tree = Tree()
    add_secrets(tree, {variable: str(tmp_path)}, Settings)
    assert tree.values == {"mqtt": {"password": "s3cret"}}
    assert tree.places["mqtt", "password"] == str(tmp_path / "mqtt__password")
    assert not tree.faults


def test_secrets_that_cannot_be_read_are_faults(tmp_path: Path) -> None:
    (tmp_path / "mqtt__password").write_bytes(b"\xff")
    tree = Tree()
    add_secrets(tree, {"CREDENTIALS_DIRECTORY": str(tmp_path), "LUCID2MQTT_SECRETS_DIR": str(tmp_path / "none")}, Settings)
    assert [fault.place for fault in tree.faults] == [str(tmp_path / "mqtt__password"), "LUCID2MQTT_SECRETS_DIR"]
    assert tree.values == {}


@given(st.dictionaries(st.from_regex(r"LUCID2MQTT_[A-Z0-9_]{0,12}", fullmatch=True), st.text(max_size=8), max_size=4))
def test_any_variables_are_values_or_faults(environ: dict[str, str]) -> None:
    tree = with_environment(environ)
    assert {fault.place for fault in tree.faults} | {*tree.places.values()} <= {*environ}
