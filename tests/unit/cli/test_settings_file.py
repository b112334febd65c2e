import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from ruamel.yaml import YAML

from lucid2mqtt.cli.main import main

CONFIG = Path(__file__).parents[3] / "config"


def test_check_says_what_was_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("node: az-2\nmodules: [{match: {serial: 1}}]\n")
    assert main(["check", "-c", str(path)]) == 0
    assert capsys.readouterr().out == f"{path} is right: node az-2, mqtt://localhost:1883, 1 named module\n"
    assert main(["check", "-c", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "faults": [], "warnings": []}


def test_check_tells_warnings_and_still_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("thermostats: [{name: a, sensors: [ri4-1/0], heater: do4-2/0}]\n")
    assert main(["check", "-c", str(path)]) == 0
    told = capsys.readouterr()
    assert told.out.endswith(", 0 named modules, 1 thermostat\n")
    first, second = told.err.splitlines()
    assert first.startswith(f"{path}:1:35: warning: thermostats.0.sensors.0: no module is declared as 'ri4-1'")
    assert second.startswith(f"{path}:1:45: warning: thermostats.0.heater: ")
    assert main(["check", "-c", str(path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert [warning["key"] for warning in document["warnings"]] == ["thermostats.0.sensors.0", "thermostats.0.heater"]


def test_check_gives_every_fault_to_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("nod: x\nscan_s: 0\n")
    assert main(["check", "-c", str(path), "--json"]) == 4
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert [fault["key"] for fault in document["faults"]] == ["nod", "scan_s"]
    assert document["faults"][0] == {"place": f"{path}:1:1", "key": "nod", "message": "unknown key", "remedy": "did you mean 'node'?"}


def test_the_schema_is_valid_and_accepts_every_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    for example in CONFIG.glob("*.yaml"):
        plain = json.loads(json.dumps(YAML(typ="safe", pure=True).load(example)))
        assert list(validator(schema).iter_errors(plain)) == [], example.name
    assert list(validator(schema).iter_errors({"nod": "x"}))
