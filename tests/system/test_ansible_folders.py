"""The playbooks on Debians in folders, which are not booted: several nodes, a release from a tag, and what is left after all."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.system.fleet import PLAYBOOKS, Fleet, Variables, ansible_tools, later_wheel, version_of
from tests.system.nspawn import REPOSITORY, overlay

pytestmark = [pytest.mark.service, pytest.mark.timeout(900)]

NODES = ("az-3", "az-4", "az-5")
_GIT = {
    "PATH": "/usr/bin:/bin",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    **{f"GIT_{role}_{what}": f"{role.lower()}@fleet.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


@dataclass(frozen=True)
class Nodes:
    """Three nodes as the first one is, in order of their turn; `inventory` may be changed."""

    fleet: Fleet
    roots: tuple[Path, ...]
    inventory: tuple[Variables, ...]

    def live(self) -> list[str]:
        """The release to which the command of each leads."""
        return [(root / "usr/local/bin/lucid2mqtt").readlink().parts[4] for root in self.roots]


@pytest.fixture
def nodes(set_up_folder: tuple[Path, Fleet], tmp_path: Path) -> Iterator[Nodes]:
    first, of_first = set_up_folder
    fleet = Fleet(tmp_path / "control", of_first.wheels, timings=of_first.timings)
    with ExitStack() as mounted:
        roots = tuple(mounted.enter_context(overlay(first, tmp_path / name)) for name in NODES)
        inventory = tuple(fleet.add_node(name, root) for name, root in zip(NODES, roots, strict=True))
        for node in inventory:
            node["lucid2mqtt_broker_url"] = "mqtt://broker.example"
        yield Nodes(fleet, roots, inventory)


def test_a_system_that_is_not_booted_is_set_up_with_nothing_open_to_others(set_up_folder: tuple[Path, Fleet]) -> None:
    root, fleet = set_up_folder
    assert (root / "etc/systemd/system/multi-user.target.wants/lucid2mqtt.service").is_symlink()
    for secret in ("etc/credstore/lucid2mqtt.mqtt__password", "etc/lucid2mqtt/tls/node.key", "etc/lucid2mqtt/settings.yaml"):
        assert (root / secret).stat().st_mode & 0o007 == 0
    assert not (root / "run/lucid2mqtt-before.tar").exists()
    assert fleet.must("site.yml").changed_nothing


def test_a_node_that_fails_ends_the_roll_and_keeps_what_it_had(nodes: Nodes, tmp_path: Path) -> None:
    _, before, _ = nodes.live()
    for node in nodes.inventory:
        node.update(version_of(later_wheel(nodes.fleet.wheel, tmp_path, "98.0.0")))
    nodes.inventory[1]["lucid2mqtt_settings"] = {"thermostat": []}
    settings = nodes.roots[1] / "etc/lucid2mqtt/settings.yaml"
    had = settings.read_text()
    roll = nodes.fleet.play("nodes.yml", noted_as="nodes.yml, three nodes, the second fails")
    assert roll.code != 0
    assert "thermostat" in roll.said
    assert nodes.live() == ["98.0.0", before, before]
    assert settings.read_text() == had
    assert not (nodes.roots[2] / "opt/lucid2mqtt/releases/98.0.0").exists(), "the third was not touched"

    nodes.inventory[1]["lucid2mqtt_settings"] = {}
    assert nodes.fleet.must("nodes.yml").changed.keys() == set(NODES[1:]), "the next run goes on where this one stopped"
    assert nodes.live() == ["98.0.0"] * 3


def test_a_release_is_made_from_a_git_tag(nodes: Nodes, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for part in ("agent", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (REPOSITORY / part).is_dir() else shutil.copy
        copy(REPOSITORY / part, source / part)
    version = source / "agent/lucid2mqtt/__init__.py"
    version.write_text(version.read_text().replace(nodes.inventory[0]["lucid2mqtt_version"], "97.0.0"))
    for words in ("init -q", "add -A", "commit -q -m x", "tag v97.0.0", "clone -q --bare . ../bare.git"):
        subprocess.run(["git", *words.split()], cwd=source, env=_GIT, check=True)
    version.write_text("")  # only the tag counts

    tagged = {"lucid2mqtt_version": "97.0.0", "lucid2mqtt_package": f"git+file://{tmp_path}/bare.git@v97.0.0"}
    two = f"{NODES[0]},{NODES[1]}"
    nodes.fleet.must("nodes.yml", "--limit", two, noted_as="nodes.yml, two nodes, from a git tag", **tagged)
    assert nodes.live()[:2] == ["97.0.0"] * 2
    assert nodes.fleet.must("nodes.yml", "--limit", NODES[0], **tagged).changed_nothing
    wrong = nodes.fleet.play("nodes.yml", "--limit", NODES[2], **{**tagged, "lucid2mqtt_version": "96.0.0"})
    assert wrong.code != 0
    assert "is lucid2mqtt_version the version of that tag?" in wrong.said


def test_settings_of_the_inventory_go_over_what_follows_from_it(nodes: Nodes) -> None:
    """Thermostats and all: what stands there is the settings file, as a tree."""
    yaml = YAML(typ="safe", pure=True)
    example = json.loads(
        json.dumps(yaml.load(REPOSITORY / "config/thermostat.yaml"))
    )  # numbers of channels become texts, as in the inventory
    nodes.inventory[0]["lucid2mqtt_settings"] = {**example, "mqtt": {"keepalive_s": 20}}
    nodes.fleet.must("nodes.yml", "--limit", NODES[0])
    settings = yaml.load(nodes.roots[0] / "etc/lucid2mqtt/settings.yaml")
    assert settings == {**example, "node": NODES[0], "mqtt": {"url": "mqtt://broker.example", "username": NODES[0], "keepalive_s": 20}}


def test_a_secret_that_is_none_any_more_is_taken_away(nodes: Nodes) -> None:
    store = nodes.roots[0] / "etc/credstore"
    assert [secret.name for secret in store.iterdir()] == ["lucid2mqtt.mqtt__password"]
    nodes.fleet.must("nodes.yml", "--limit", NODES[0], lucid2mqtt_secrets={})
    assert list(store.iterdir()) == []


def test_after_the_uninstall_nothing_is_left_but_the_broker(set_up_folder: tuple[Path, Fleet]) -> None:
    """The last one in this file: it takes away what the others begin with."""
    root, fleet = set_up_folder
    fleet.must("uninstall.yml")
    kept = {str(path.relative_to(root)) for path in root.glob("etc/lucid2mqtt/*")}
    assert kept == {"etc/lucid2mqtt/settings.yaml", "etc/lucid2mqtt/tls"}
    fleet.must("uninstall.yml", lucid2mqtt_purge=True, noted_as="uninstall.yml")
    written = (path.relative_to(root.parent / "upper") for path in (root.parent / "upper").rglob("*") if path.is_file())
    left = {str(path) for path in written if "lucid2mqtt" in str(path) or path.parts[0] in ("opt", "srv", "usr")}
    assert {path for path in left if "/mosquitto/" not in path and "__pycache__" not in path} == set()
    for database in ("passwd", "group", "shadow", "gshadow"):
        assert "lucid2mqtt" not in (root / "etc" / database).read_text()
    assert fleet.must("uninstall.yml", lucid2mqtt_purge=True).changed_nothing


def test_ansible_lint_has_nothing_to_say() -> None:
    tools = ansible_tools()
    done = subprocess.run(
        [str(tools / "ansible-lint"), "--offline", "--nocolor", "--strict", "--profile", "production"],
        cwd=PLAYBOOKS,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(Path.home())},
    )
    assert done.returncode == 0, done.stdout + done.stderr
