import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.cli.channels import parse_setting, select
from lucid2mqtt.cli.main import main
from lucid2mqtt.engine.orders import Toggle
from lucid2mqtt.errors import RequestRejected
from lucid2mqtt.sim.faults import Silence
from lucid2mqtt.sim.module import VirtualModule
from tests.unit.cli.virtual import bench_of, port_of

NO_AGENT = ["--console", "/nonexistent/console"]


def channel(number: int, kind: str, signal: str, **more: object) -> dict[str, object]:
    described = {"number": number, "name": f"c{number}", "kind": kind, "signal": signal, "output": "output" in kind, "unit": ""}
    return described | {"minimum": None, "maximum": None} | more


MODULE: dict[str, Any] = {
    "label": "Mixed",
    "channels": [
        channel(0, "digital output", "state"),
        channel(1, "digital input", "state"),
        channel(2, "analog output", "voltage", unit="V", minimum=2.0, maximum=10.0),
        channel(3, "analog output", "voltage", unit="V", name="flow-3"),
    ],
}


@pytest.mark.parametrize(
    ("text", "numbers"), [(None, [0, 1, 2, 3]), ("2", [2]), ("c1,0", [1, 0]), ("0-2", [0, 1, 2]), ("3,3,flow-3", [3]), ("1-1", [1])]
)
def test_channels_by_number_name_and_range(text: str | None, numbers: list[int]) -> None:
    assert select(MODULE, text) == numbers


@pytest.mark.parametrize("text", ["4", "", "0,", "2-1", "-1", "0-9", "x", "0-4294967295"])
def test_channels_that_are_not_there_are_refused(text: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        select(MODULE, text)
    assert refused.value.remedy == "its channels: 0 (c0), 1 (c1), 2 (c2), 3 (flow-3)" or text == "2-1"


@pytest.mark.parametrize(
    ("text", "number", "value"),
    [
        ("0=on", 0, True),
        ("c0=OFF", 0, False),
        ("0=1", 0, True),
        ("0=toggle", 0, Toggle.TOGGLE),
        ("2=4.5", 2, 4.5),
        ("flow-3=-1e1", 3, -10.0),
    ],
)
def test_settings_are_read_in_the_channels_own_words(text: str, number: int, value: object) -> None:
    found, meant = parse_setting(MODULE, text)
    assert (found["number"], meant) == (number, value)
    assert type(meant) is type(value)


@pytest.mark.parametrize(
    "text", ["0", "0=", "0=2", "0=maybe", "1=on", "2=on", "2=", "2=nan", "2=inf", "2=1.9", "2=10.1", "9=on", "=on", "2=4,5"]
)
def test_settings_the_channel_cannot_take_are_refused(text: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        parse_setting(MODULE, text)
    assert refused.value.remedy


@given(st.text(max_size=20))
def test_any_words_are_understood_or_refused(text: str) -> None:
    for read in (lambda: select(MODULE, text), lambda: parse_setting(MODULE, text)):
        with contextlib.suppress(RequestRejected):
            assert read()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def modules(folder: Path) -> Iterator[dict[str, VirtualModule]]:
    with bench_of(folder, "RI4", "DO4", "AO4", "DI4", "AI4") as made:
        yield {module.family.name: module for module in made}


@pytest.fixture
def ports(folder: Path, modules: dict[str, VirtualModule]) -> dict[str, str]:
    return {family: port_of(folder, family) for family in modules}


def test_reading_gives_engineering_units(
    ports: dict[str, str], modules: dict[str, VirtualModule], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", ports["AI4"], "0", *NO_AGENT]) == 0
    module, number, *_, value, unit = capsys.readouterr().out.split()
    assert (module, number, unit) == (modules["AI4"].name, "0", "V")
    assert abs(float(value)) < 0.1


def test_reading_as_json_is_complete(ports: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", ports["DO4"], "0,2-3", "--json", *NO_AGENT]) == 0
    readings = json.loads(capsys.readouterr().out)
    assert [reading["channel"] for reading in readings] == [0, 2, 3]
    assert all(reading["value"] is False and reading["quality"] == "good" and reading["taken_at"] for reading in readings)


def test_writing_switches_reads_back_and_toggles(ports: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["write", ports["DO4"], "1=on", "2=toggle", *NO_AGENT]) == 0
    said = capsys.readouterr().out
    assert said.count("the module says ON") == 2
    assert main(["read", ports["DO4"], "1-2", "--json", *NO_AGENT]) == 0
    assert [reading["value"] for reading in json.loads(capsys.readouterr().out)] == [True, True]
    assert main(["write", ports["DO4"], "1=off", "2=toggle", "--json", *NO_AGENT]) == 0
    assert [outcome["reading"]["value"] for outcome in json.loads(capsys.readouterr().out)] == [False, False]


def test_writing_volts(ports: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["write", ports["AO4"], "0=3.3", "--json", *NO_AGENT]) == 0
    (outcome,) = json.loads(capsys.readouterr().out)
    assert outcome["reading"]["value"] == pytest.approx(3.3, abs=0.01)


def test_one_wrong_value_keeps_all_from_being_written(ports: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["write", ports["AO4"], "1=5", "2=99", *NO_AGENT]) == 1
    assert "its range is 0..10 V" in capsys.readouterr().err
    assert main(["read", ports["AO4"], "1", "--json", *NO_AGENT]) == 0
    assert json.loads(capsys.readouterr().out)[0]["value"] == pytest.approx(0.0, abs=0.01)


def test_writing_an_input_is_refused(ports: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["write", ports["DI4"], "0=on", *NO_AGENT]) == 1
    assert "digital input" in capsys.readouterr().err


def test_watching_shows_what_changes_only(ports: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", ports["DO4"], "0", "--interval", "0.01", "--count", "3", "--json", *NO_AGENT]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["value"] is False


def test_a_silent_module_is_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path / "silent", "RI4") as (module,):
        module.inject(Silence(for_s=1e9), 0.0)
        assert main(["read", port_of(tmp_path / "silent", "RI4"), *NO_AGENT]) == 3
    assert capsys.readouterr().err


def test_inactive_channels_are_shown_and_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path, "DO4", commissioned=False):
        port = port_of(tmp_path, "DO4")
        assert main(["read", port, "0", *NO_AGENT]) == 1
        assert "inactive" in capsys.readouterr().out
        assert main(["write", port, "0=on", *NO_AGENT]) == 1
        assert "inactive" in capsys.readouterr().err
