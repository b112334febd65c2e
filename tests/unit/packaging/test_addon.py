"""The Home Assistant add-on: its papers by what Home Assistant documents, its start with a stand-in for the Supervisor."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ruamel.yaml import YAML

from lucid2mqtt import __version__
from lucid2mqtt.cli.main import _parser
from lucid2mqtt.settings import load
from tests.release.addon import SOURCE, assemble_addon
from tests.unit.packaging.dockerfile import stages

KEYS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(
        ("name", "version", "slug", "description", "url", "image", "homeassistant", "watchdog", "panel_icon", "hassio_role"), str
    ),
    **dict.fromkeys(("init", "uart", "usb", "udev", "tmpfs", "ingress", "host_network", "hassio_api", "full_access", "apparmor"), bool),
    **dict.fromkeys(("arch", "map", "services", "devices", "privileged", "backup_exclude", "discovery"), list),
    **dict.fromkeys(("options", "schema", "ports", "environment"), dict),
    "timeout": int,
    "startup": str,
    "boot": str,
    "stage": str,
}
"""The documented keys that concern us, and what each holds."""
REQUIRED = {"name", "version", "slug", "description", "arch"}
CHOICES = {
    "startup": {"initialize", "system", "services", "application", "once"},
    "boot": {"auto", "manual", "manual_only"},
    "stage": {"stable", "experimental", "deprecated"},
}
ELEMENT = re.compile(
    r"(bool|email|url|port|device(\(subsystem=[a-z]+\))?|(str|int|float|password)(\([\d.,]*\))?|match\(.*\)|list\(.+\))\??"
)
WAY = re.compile(r"^(\d+)/(tcp|udp)$")


def _yaml(name: str) -> dict[str, Any]:  # Any: YAML
    document: dict[str, Any] = YAML(typ="safe").load(SOURCE / name)
    return document


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return _yaml("config.yaml")


def test_every_key_is_documented_and_holds_what_it_must(config: dict[str, Any]) -> None:
    assert set(config) >= REQUIRED
    for key, value in config.items():
        assert isinstance(value, KEYS[key]), key
    for key, choices in CHOICES.items():
        assert config[key] in choices
    assert set(config["arch"]) <= {"aarch64", "amd64"}, "32-bit machines are no longer served by Home Assistant"
    assert 10 <= config["timeout"] <= 300
    assert config["services"] == ["mqtt:want"]
    assert all(WAY.match(port) for port in config["ports"])


def test_nothing_more_is_asked_of_the_machine_than_serial_ports(config: dict[str, Any]) -> None:
    assert config["uart"] is True
    assert not {"usb", "full_access", "privileged", "host_network", "hassio_api", "devices", "ingress"} & set(config)
    assert config.get("apparmor", True) is True


def test_every_option_has_a_form_and_every_default_is_one_of_them(config: dict[str, Any]) -> None:
    for name, form in config["schema"].items():
        assert ELEMENT.fullmatch(form), name
        if form.startswith("match("):
            re.compile(form.removeprefix("match(").removesuffix("?").removesuffix(")"))
    assert set(config["options"]) <= set(config["schema"])
    assert {name for name, form in config["schema"].items() if not form.endswith("?")} == set(config["options"]), (
        "what must be there has a default"
    )


def test_every_option_and_port_has_words_for_people(config: dict[str, Any]) -> None:
    words = _yaml("translations/en.yaml")
    assert set(words) == {"configuration", "network"}
    assert set(words["configuration"]) == set(config["schema"])
    assert all(set(each) == {"name", "description"} for each in words["configuration"].values())
    assert set(words["network"]) == set(config["ports"])
    documented = (SOURCE / "DOCS.md").read_text()
    assert [name for name in config["schema"] if f"`{name}`" not in documented] == []


def test_the_profile_is_called_as_the_add_on(config: dict[str, Any]) -> None:
    assert re.findall(r"^profile (\S+)", (SOURCE / "apparmor.txt").read_text(), re.MULTILINE) == [config["slug"]]


@pytest.mark.skipif(shutil.which("apparmor_parser") is None, reason="type: sudo apt install apparmor")
def test_apparmor_understands_the_profile() -> None:
    said = subprocess.run(["apparmor_parser", "-Q", "-K", str(SOURCE / "apparmor.txt")], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


def test_the_folder_for_home_assistant_is_whole_and_carries_the_version(tmp_path: Path) -> None:
    (tmp_path / "lucid2mqtt-addon").mkdir()
    (tmp_path / "lucid2mqtt-addon/old.whl").touch()
    folder = assemble_addon(tmp_path, 1_790_000_000)
    assert YAML(typ="safe").load(folder / "config.yaml")["version"] == __version__
    assert [wheel.name for wheel in folder.glob("*.whl")] == [f"lucid2mqtt-{__version__}-py3-none-any.whl"]
    copied = [words.split()[:-1] for stage in stages(folder / "Dockerfile") for words in stage.all("COPY") if "--from" not in words]
    assert all(list(folder.glob(source)) for words in copied for source in words)
    assert {"CHANGELOG.md", "DOCS.md", "apparmor.txt"} <= {file.name for file in folder.iterdir()}


# -- its start -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def start() -> ModuleType:
    spec = importlib.util.spec_from_file_location("addon_start", SOURCE / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SERVICE = {"addon": "core_mosquitto", "host": "core-mosquitto", "port": 1883, "ssl": False, "username": "addons", "password": "geheim"}


@contextmanager
def _supervisor(*answers: tuple[int, object]) -> Iterator[tuple[str, list[str | None]]]:
    """Gives the answers one after the other, the last for ever; its address, and what it was shown as authorization."""
    left, shown = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.append(self.headers["Authorization"] if self.path == "/services/mqtt" else self.path)
            code, document = left.pop(0) if len(left) > 1 else left[0]
            body = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", shown
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_broker_of_home_assistant_becomes_settings_the_agent_takes(start: ModuleType) -> None:
    with _supervisor((200, {"result": "ok", "data": SERVICE})) as (url, shown):
        broker = start.find_broker({}, lambda: start.ask_supervisor(url, "token"), pytest.fail)
    assert shown == ["Bearer token"]
    settings = load(None, start.environment({"node": "haus"}, broker))
    assert (settings.node, settings.mqtt.url, settings.mqtt.username) == ("haus", "mqtt://core-mosquitto:1883", "addons")
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == "geheim"
    assert settings.state_dir == Path("/data")


def test_a_broker_with_encryption_is_asked_with_it(start: ModuleType) -> None:
    broker = start.find_broker({}, lambda: {**SERVICE, "ssl": True, "port": 8883}, pytest.fail)
    assert broker["url"] == "mqtts://core-mosquitto:8883"


def test_it_waits_for_a_broker_and_says_so_once(start: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    none = (400, {"result": "error", "message": "Service not enabled"})
    slept: list[float] = []
    with _supervisor(none, none, (200, {"result": "ok", "data": SERVICE})) as (url, _):
        broker = start.find_broker({}, lambda: start.ask_supervisor(url), slept.append)
    assert broker["host"] == "core-mosquitto"
    assert slept == [start.ASK_EVERY_S] * 2
    assert capsys.readouterr().err.count("waiting for a broker") == 1


@pytest.mark.parametrize("answer", [(200, {}), (200, []), (200, {"data": None}), (200, {"data": {"host": "x"}}), (500, "no")])
def test_an_answer_that_is_none_is_no_broker(start: ModuleType, answer: tuple[int, object]) -> None:
    with _supervisor(answer) as (url, _):
        assert start.ask_supervisor(url) is None


def test_a_supervisor_that_is_not_there_yet_is_no_broker(start: ModuleType) -> None:
    with _supervisor((200, {})) as (url, _):
        pass
    assert start.ask_supervisor(url) is None


def test_another_broker_comes_before_that_of_home_assistant(start: ModuleType) -> None:
    options = {"mqtt_url": "mqtts://broker.lan", "mqtt_username": "lucid", "mqtt_password": "x"}
    broker = start.find_broker(options, lambda: pytest.fail("was asked"), pytest.fail)
    settings = load(None, start.environment(options, broker))
    assert (settings.mqtt.url, settings.mqtt.username) == ("mqtts://broker.lan", "lucid")


def test_the_settings_file_is_used_where_there_is_one(start: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    assert start.command({}, file) == ["lucid2mqtt", "run"]
    file.write_text("node: haus\n")
    words = start.command({"verbose": True}, file)
    assert words == ["lucid2mqtt", "run", "-c", str(file), "-v"]
    _parser(words[1:]).parse_args(words[1:])
