import os
import socket
from pathlib import Path

import pytest

from lucid2mqtt.settings.machine import console_path, host_slug, state_dir


def test_systemds_folders_win() -> None:
    environ = {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "RUNTIME_DIRECTORY": "/run/a", "HOME": "/home/me"}
    assert state_dir(environ) == Path("/var/lib/a")
    assert console_path(environ) == Path("/run/a/console.sock")


def test_root_keeps_state_and_socket_in_the_systems_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_dir({"HOME": "/root"}) == Path("/var/lib/lucid2mqtt")
    assert console_path({"XDG_RUNTIME_DIR": "/run/user/0"}) == Path("/run/lucid2mqtt/console.sock")


def test_users_keep_them_at_home_and_in_their_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert state_dir({"HOME": "/home/me"}) == Path("/home/me/.local/state/lucid2mqtt")
    assert state_dir({"HOME": "/home/me", "XDG_STATE_HOME": "/s"}) == Path("/s/lucid2mqtt")
    assert console_path({"HOME": "/home/me", "XDG_RUNTIME_DIR": "/run/user/1000"}) == Path("/run/user/1000/lucid2mqtt/console.sock")
    assert console_path({"HOME": "/home/me"}) == Path("/home/me/.local/state/lucid2mqtt/console.sock")


@pytest.mark.parametrize(("host", "node"), [("AZ-2.example.org", "az-2"), ("raspberry pi", "raspberry-pi"), ("日本", "node")])
def test_the_host_name_becomes_a_slug(monkeypatch: pytest.MonkeyPatch, host: str, node: str) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert host_slug() == node
