"""Ansible, pointed at Debians in folders or at a booted one."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.system.nspawn import CACHE, REPOSITORY, locked

PLAYBOOKS = REPOSITORY / "ansible"
_TOOLS = ("ansible>=12,<13", "ansible-lint>=26,<27")
NODE, BROKER = "az-2", "broker"
NODE_PASSWORD, HOME_PASSWORD = "geheim", "klug"

Variables = dict[str, Any]  # Any: JSON


def ansible_tools() -> Path:
    """The folder with ansible-playbook and ansible-lint; installed once into the cache where they are not on the path."""
    found = shutil.which("ansible-playbook"), shutil.which("ansible-lint")
    if found[0] and found[1]:
        return Path(found[0]).parent
    home = CACHE / "ansible"
    with locked(home):
        if not (home / "complete").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
            subprocess.run([str(home / "bin/pip"), "install", "-q", "--disable-pip-version-check", *_TOOLS], check=True)
            (home / "complete").touch()
    return home / "bin"


@dataclass(frozen=True)
class Run:
    """How a playbook ended. `changed` are the names of the tasks that changed something, by host."""

    code: int
    said: str
    changed: Mapping[str, frozenset[str]]

    @property
    def changed_nothing(self) -> bool:
        return self.code == 0 and not any(self.changed.values())


@dataclass
class Fleet:
    """Machines for Ansible, each a folder with a Debian. What it took is noted in `timings`, in s, by what was done.

    `enter` is a chroot(8) of our own, for machines that are booted.
    """

    folder: Path
    wheels: Path
    enter: Path | None = None
    timings: dict[str, float] = field(default_factory=dict)
    _hosts: dict[str, dict[str, Variables]] = field(default_factory=lambda: {"lucid2mqtt_brokers": {}, "lucid2mqtt_nodes": {}})

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.json"

    @property
    def wheel(self) -> Path:
        return next(self.wheels.glob("lucid2mqtt-*.whl"))

    def add_broker(self, root: Path) -> None:
        self._hosts["lucid2mqtt_brokers"][BROKER] = self._way_to(root) | {
            "lucid2mqtt_broker_names": ["localhost", "127.0.0.1"],
            "lucid2mqtt_broker_clients": [{"name": "homeassistant", "password": HOME_PASSWORD, "rights": ["readwrite lucid2mqtt/#"]}],
        }

    def add_node(self, name: str, root: Path) -> Variables:
        """Its variables, which may be changed."""
        node = (
            self._way_to(root)
            | copy.deepcopy(_NODE)
            | {"lucid2mqtt_node": name, "lucid2mqtt_wheelhouse": str(self.wheels)}
            | version_of(self.wheel)
        )
        self._hosts["lucid2mqtt_nodes"][name] = node
        return node

    def _way_to(self, root: Path) -> Variables:
        way = {
            "ansible_connection": "community.general.chroot",
            "ansible_host": str(root),
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        return way if self.enter is None else {**way, "ansible_chroot_exe": str(self.enter)}

    def play(self, playbook: str, *options: str, noted_as: str = "", **instead: Any) -> Run:  # Any: JSON
        """Runs it with the inventory as it is, and `instead` for single variables."""
        self.inventory.write_text(json.dumps({"all": {"children": {group: {"hosts": hosts} for group, hosts in self._hosts.items()}}}))
        words = [str(ansible_tools() / "ansible-playbook"), "-i", str(self.inventory), playbook, *options, "-e", json.dumps(instead)]
        environ = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_STDOUT_CALLBACK": "default",
        }
        began = time.monotonic()
        done = subprocess.run(words, cwd=PLAYBOOKS, env=environ, capture_output=True, text=True, check=False, timeout=400)
        if noted_as:
            self.timings[noted_as] = time.monotonic() - began
        return Run(done.returncode, done.stdout + done.stderr, _changed(done.stdout))

    def must(self, playbook: str, *options: str, noted_as: str = "", **instead: Any) -> Run:  # Any: JSON
        """As `play`; AssertionError with all it said when it fails."""
        done = self.play(playbook, *options, noted_as=noted_as, **instead)
        assert done.code == 0, done.said
        return done


def _changed(said: str) -> dict[str, frozenset[str]]:
    """Names of tasks by host, without the role's name before them."""
    found: dict[str, set[str]] = {}
    task = ""
    for line in said.splitlines():
        if heading := re.match(r"(?:TASK|RUNNING HANDLER) \[(?:\S+ : )?(.*?)\] \**$", line):
            task = heading[1]
        elif host := re.match(r"changed: \[([^\]\s]+)", line):
            found.setdefault(host[1], set()).add(task)
    return {host: frozenset(tasks) for host, tasks in found.items()}


_NODE: Variables = {
    "lucid2mqtt_broker_url": "mqtts://localhost:8883",
    "lucid2mqtt_secrets": {"mqtt__password": NODE_PASSWORD},
    "lucid2mqtt_healthy_after_s": 2,
    "lucid2mqtt_healthy_within_s": 20,
    "lucid2mqtt_settings": {
        "ports": ["/run/modules/usb-*"],
        "modules": [
            {"match": {"serial": 500102}, "name": "heaters", "family": "DO4", "channels": {"0": {"name": "living", "exit": "off"}}},
        ],
    },
}


def version_of(wheel: Path) -> Variables:
    """The variables that make a node want this wheel."""
    return {"lucid2mqtt_version": wheel.name.split("-")[1], "lucid2mqtt_package": str(wheel)}


def later_wheel(wheel: Path, folder: Path, version: str, *, is_sick: bool = False) -> Path:
    """The same program under another version; a sick one falls over at its start."""
    old = wheel.name.split("-")[1]
    later = folder / wheel.name.replace(old, version)
    with zipfile.ZipFile(wheel) as well, zipfile.ZipFile(later, "w") as changed:
        for name in well.namelist():
            data = well.read(name)
            if name == "lucid2mqtt/__init__.py" or name.endswith("/METADATA"):
                data = data.replace(old.encode(), version.encode())
            if name == "lucid2mqtt/app.py" and is_sick:
                data += b'\nraise RuntimeError("sick")\n'
            changed.writestr(name.replace(f"lucid2mqtt-{old}.", f"lucid2mqtt-{version}."), data)
    return later
