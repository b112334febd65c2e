"""Ansible, pointed at a Debian in a folder or at the same one booted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.system.nspawn import CACHE, REPOSITORY, locked

PLAYBOOKS = REPOSITORY / "ansible"
_TOOLS = ("ansible>=12,<13", "ansible-lint>=26,<27")
NODE, BROKER = "az-2", "broker"
NODE_PASSWORD, HOME_PASSWORD = "geheim", "klug"


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
    """How a playbook ended."""

    code: int
    said: str
    changed: dict[str, int]

    @property
    def changed_nothing(self) -> bool:
        return self.code == 0 and set(self.changed.values()) == {0}


class Fleet:
    """One machine that is broker and node at once. `enter` is a chroot(8) of our own for a booted machine."""

    def __init__(self, folder: Path, root: Path, wheels: Path, enter: Path | None = None) -> None:
        self.inventory = folder / "inventory.json"
        self.pki = folder / "pki"
        self._wheels = wheels
        there = {
            "ansible_connection": "community.general.chroot",
            "ansible_host": str(root),
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        if enter is not None:
            there["ansible_chroot_exe"] = str(enter)
        self._tree: dict[str, Any] = {  # Any: JSON
            "all": {
                "children": {
                    "lucid2mqtt_brokers": {"hosts": {BROKER: {**there, **_BROKER}}},
                    "lucid2mqtt_nodes": {"hosts": {NODE: {**there, **_NODE, "lucid2mqtt_wheelhouse": str(wheels)}}},
                }
            }
        }
        self.node: dict[str, Any] = self._tree["all"]["children"]["lucid2mqtt_nodes"]["hosts"][NODE]  # Any: JSON
        self.release(next(wheels.glob("lucid2mqtt-*.whl")))

    def release(self, wheel: Path) -> None:
        """From now on the inventory wants this wheel."""
        self.node |= {"lucid2mqtt_version": wheel.name.split("-")[1], "lucid2mqtt_package": str(wheel)}

    def play(self, playbook: str, *options: str, **instead: Any) -> Run:  # Any: JSON
        """Runs it with the inventory as it is, and `instead` for single variables."""
        self.inventory.write_text(json.dumps(self._tree))
        words = [str(ansible_tools() / "ansible-playbook"), "-i", str(self.inventory), playbook, *options, "-e", json.dumps(instead)]
        environ = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOME": str(self.inventory.parent / "ansible"),
            "ANSIBLE_STDOUT_CALLBACK": "default",
        }
        done = subprocess.run(words, cwd=PLAYBOOKS, env=environ, capture_output=True, text=True, check=False, timeout=400)
        said = done.stdout + done.stderr
        recap = [line.split() for line in done.stdout.partition("PLAY RECAP")[2].splitlines() if "changed=" in line]
        changed = {words[0]: int(word.removeprefix("changed=")) for words in recap for word in words if word.startswith("changed=")}
        return Run(done.returncode, said, changed)


_BROKER = {
    "lucid2mqtt_broker_names": ["localhost", "127.0.0.1"],
    "lucid2mqtt_broker_clients": [{"name": "homeassistant", "password": HOME_PASSWORD, "rights": ["readwrite lucid2mqtt/#"]}],
}
_NODE = {
    "lucid2mqtt_node": NODE,
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


def sick_wheel(wheel: Path, folder: Path) -> Path:
    """The same program as a later version that falls over at its start."""
    version = wheel.name.split("-")[1]
    sick = folder / wheel.name.replace(version, "99.0.0")
    with zipfile.ZipFile(wheel) as well, zipfile.ZipFile(sick, "w") as ill:
        for name in well.namelist():
            data = well.read(name)
            if name == "lucid2mqtt/__init__.py" or name.endswith("/METADATA"):
                data = data.replace(version.encode(), b"99.0.0")
            if name == "lucid2mqtt/app.py":
                data += b'\nraise RuntimeError("sick")\n'
            ill.writestr(name.replace(f"lucid2mqtt-{version}.", "lucid2mqtt-99.0.0."), data)
    return sick
