import gc
from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from lucid2mqtt.cli.agent import add_run, settings_for
from lucid2mqtt.cli.main import main
from lucid2mqtt.errors import SettingsError
from tests.unit.cli.virtual import console_of


def parsed(*words: str) -> Namespace:
    parser = ArgumentParser()
    add_run(parser)
    return parser.parse_args(words)


def test_ports_of_the_command_line_replace_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("ports: [auto]\nlog: {level: error}\n")
    settings = settings_for(parsed("-c", str(path), "--port", "/dev/a*", "--port", "tcp://b:1", "-v"))
    assert settings.ports == ("/dev/a*", "tcp://b:1")
    assert settings.log.level == "debug"
    assert settings_for(parsed("-c", str(path))).log.level == "error"


def test_the_garbage_collector_works_again_when_the_settings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("ports: 5\n")
    assert main(["run", "-c", str(path)]) == 4
    assert gc.isenabled()


def test_a_wrong_port_is_blamed_on_the_option() -> None:
    with pytest.raises(SettingsError) as refused:
        settings_for(parsed("--port", "COM4"))
    assert str(refused.value).startswith("--port: ports.0: 'COM4' names no port")


def test_a_second_agent_is_code_3_and_touches_no_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LUCID2MQTT_CONSOLE__PATH", str(tmp_path / "c"))
    path = tmp_path / "s.yaml"
    path.write_text(f"mqtt: {{url: 'mqtt://127.0.0.1:1'}}\nports: ['{tmp_path}/usb-*']\nstate_dir: state\n")
    with console_of(tmp_path / "c", {}):
        assert main(["run", "-c", str(path)]) == 3
    said = capsys.readouterr().err
    assert "another agent runs already" in said
    assert "found" not in said


def test_warnings_about_the_settings_are_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LUCID2MQTT_CONSOLE__PATH", str(tmp_path / "c"))
    path = tmp_path / "s.yaml"
    path.write_text(
        f"mqtt: {{url: 'mqtt://127.0.0.1:1'}}\nports: ['{tmp_path}/usb-*', /dev/ttyS9]\nstate_dir: state\n"
        "passthrough: [{listen: 'tcp://127.0.0.1:4001', port: /dev/ttyS9, mode: exclusive, access: all}]\n"
    )
    with console_of(tmp_path / "c", {}):
        assert main(["run", "-c", str(path)]) == 3
    assert capsys.readouterr().err.count(f"{path}:4:48: warning: passthrough.0.port: /dev/ttyS9 is in ports too") == 1
