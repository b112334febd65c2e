"""Settings on the pages load, and the reference page leaves no key out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lucid2mqtt.settings import load
from tests.unit.docs.generated import settings_keys, settings_tables
from tests.unit.docs.pages import REFERENCE, ROOT, Block, blocks, pages

_FILES = re.compile(r"\b(?:ca|cert|key|password_file): ([\w./-]+)")


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_every_example_loads_once_its_files_are_there(block: Block, tmp_path: Path) -> None:
    for name in _FILES.findall(block.text):
        (tmp_path / name).write_text("x\n")
    example = tmp_path / "settings.yaml"
    example.write_text(block.text, encoding="utf-8")
    assert load(example, {}) is not None


@pytest.mark.parametrize("example", [row for row in (ROOT / "docs/how-to/analog-scaling.md").read_text().splitlines() if "`{" in row])
def test_every_row_of_the_scaling_table_is_a_channel(example: str, tmp_path: Path) -> None:
    found = re.search(r"`(\{.*\})`", example)
    assert found is not None
    file = tmp_path / "settings.yaml"
    file.write_text(f"modules: [{{match: {{serial: 1}}, family: AI4, channels: {{0: {found[1]}}}}}]", encoding="utf-8")
    channel = load(file, {}).modules[0].channels[0]
    assert (channel.scale, channel.offset) != (1.0, 0.0)


def test_there_are_examples_on_most_how_to_pages() -> None:
    with_yaml = {block.page.name for block in blocks("yaml")}
    assert {
        "safe-outputs.md",
        "counters.md",
        "analog-scaling.md",
        "mqtt-security.md",
        "home-assistant.md",
        "remote-modules.md",
    } <= with_yaml


def test_the_reference_knows_the_deep_keys() -> None:
    assert {"node", "mqtt.tls.ca", "modules.N.channels.N.pulse.for_s", "modules.N.parameters.N.N.persistent"} <= set(settings_keys())


def test_every_key_stands_under_its_section() -> None:
    sections = dict(zip(*[iter(re.split(r"^### (.+)\n", settings_tables(), flags=re.MULTILINE)[1:])] * 2, strict=True))
    for key in settings_keys():
        section, _, name = key.rpartition(".")
        assert f"| `{name}` |" in sections[section or "top level"]


def test_every_example_file_is_shown_to_the_reader() -> None:
    page = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    assert all(f"config/{file.name})" in page for file in (ROOT / "config").glob("*.yaml"))


def test_environment_variables_on_the_pages_are_keys() -> None:
    keys = {re.sub(r"\.N\b", ".0", key).replace(".", "__").upper() for key in settings_keys()}
    for page in pages():
        for variable in re.findall(r"\bLUCID2MQTT_([A-Z0-9_]*[A-Z0-9])\b", page.read_text(encoding="utf-8")):
            assert variable in keys | {"SECRETS_DIR"}, f"{page.name}: LUCID2MQTT_{variable}"
