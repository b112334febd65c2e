import fcntl
import json
import os
from pathlib import Path

import pytest

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.main import main
from lucid2mqtt.sim.faults import Silence
from tests.unit.cli.virtual import bench_of, port_of

NO_AGENT = ["--console", "/nonexistent/console"]


def settings(folder: Path, modules: str) -> list[str]:
    path = folder / "s.yaml"
    path.write_text(f"ports: ['{folder}/usb-*']\nmodules:\n{modules}")
    return ["-c", str(path)]


RELAYS = "  - match: {serial: 700001}\n    name: Relays\n    channels: {0: {exit: off}, 1: {exit: on}, 2: {exit: hold}}\n"


def states_of(port: str, capsys: pytest.CaptureFixture[str]) -> list[object]:
    capsys.readouterr()
    assert main(["read", port, "--json", *NO_AGENT]) == 0
    return [reading["value"] for reading in json.loads(capsys.readouterr().out)]


def test_outputs_get_their_exit_states_and_hold_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path, "DO4", "AO4"):
        relays = port_of(tmp_path, "DO4")
        assert main(["write", relays, "0=on", "2=on", "3=on", *NO_AGENT]) == 0
        valve = "  - match: {serial: 700002}\n    channels: {0: {exit: 2.5}, 1: {exit: off}}\n"
        capsys.readouterr()
        assert main(["safe-state", *settings(tmp_path, RELAYS + valve)]) == 0
        said = capsys.readouterr().out
        assert states_of(relays, capsys) == [False, True, True, True]
        assert states_of(port_of(tmp_path, "AO4"), capsys)[:2] == [pytest.approx(2.5, abs=0.01), pytest.approx(0, abs=0.01)]
    assert "relays 0: relays/0: OFF written, the module says OFF" in said
    assert "relays 2: hold, left as it is" in said


def test_an_output_in_a_pulse_goes_off_although_it_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "pulses.json").write_text('{"700001/2": {"ends_at": 1, "lasts_s": 30}}')
    with bench_of(tmp_path, "DO4"):
        relays = port_of(tmp_path, "DO4")
        assert main(["write", relays, "2=on", "3=on", *NO_AGENT]) == 0
        config = settings(tmp_path, RELAYS)
        with (tmp_path / "s.yaml").open("a") as file:
            file.write(f"state_dir: {state}\n")
        assert main(["safe-state", *config]) == 0
        assert states_of(relays, capsys)[2:] == [False, True]


def test_credentials_that_cannot_be_read_any_more_keep_nothing_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "gone"))
    with bench_of(tmp_path, "DO4"):
        relays = port_of(tmp_path, "DO4")
        assert main(["write", relays, "0=on", *NO_AGENT]) == 0
        assert main(["safe-state", *settings(tmp_path, RELAYS)]) == 0
        monkeypatch.delenv("CREDENTIALS_DIRECTORY")
        assert states_of(relays, capsys)[0] is False


def test_a_module_of_nobody_keeps_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path, "DO4"):
        port = port_of(tmp_path, "DO4")
        assert main(["write", port, "0=on", *NO_AGENT]) == 0
        assert main(["safe-state", *settings(tmp_path, "  - match: {serial: 1}\n")]) == 0
        assert states_of(port, capsys)[0] is True


def test_a_module_is_found_by_its_port_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path, "DO4"):
        port = port_of(tmp_path, "DO4")
        assert main(["safe-state", "--json", *settings(tmp_path, f"  - match: {{port: {port}}}\n    channels: {{3: {{exit: on}}}}\n")]) == 0
        reports = json.loads(capsys.readouterr().out)
        assert states_of(port, capsys)[3] is True
    assert [report["channel"] for report in reports] == [0, 1, 2, 3]
    assert all(report["exit_code"] == 0 for report in reports)


def test_one_module_that_fails_keeps_no_other_from_its_safe_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path, "DO4", "DO8") as (_, dead):
        dead.inject(Silence(for_s=1e9), 0.0)
        silent = "  - match: {serial: 700002}\n    name: Dead\n    channels: {0: {exit: off}}\n"
        assert main(["safe-state", *settings(tmp_path, RELAYS + silent)]) == 3
        said = capsys.readouterr()
        assert states_of(port_of(tmp_path, "DO4"), capsys)[1] is True
    assert "relays 1" in said.out
    assert "Dead: this module was not reached (check its cable and port)" in said.err


def test_a_port_that_somebody_holds_is_named_with_its_holder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path, "DO4"):
        holder = os.open(port_of(tmp_path, "DO4"), os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(holder, fcntl.LOCK_EX)
        try:
            assert main(["safe-state", *settings(tmp_path, RELAYS)]) == 3
        finally:
            os.close(holder)
    assert "Relays: this module was not reached (its port may be one of those in use)" in capsys.readouterr().err


def test_an_inactive_output_cannot_be_made_safe_and_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path, "DO4", commissioned=False):
        assert main(["safe-state", *settings(tmp_path, RELAYS)]) == 1
    assert "inactive" in capsys.readouterr().err


HEATED = "thermostats:\n  - name: Living\n    sensors: [{topic: sensors/living}]\n    heater: %s\n"


@pytest.mark.parametrize(
    ("modules", "heater"),
    [
        ("  - {match: {serial: 700001}, name: Relays, family: DO4, channels: {1: {exit: hold}}}\n", "relays/1"),
        ("  - {match: {serial: 700001}, family: DO4, channels: {1: {exit: hold}}}\n", "do4-700001/1"),
        ("  []\n", "do4-700001/1"),
    ],
    ids=["named", "by its serial number", "not declared"],
)
def test_a_heater_of_a_thermostat_goes_off_or_is_told_to_be_out_of_reach(
    modules: str, heater: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = settings(tmp_path, modules + HEATED % heater)
    with bench_of(tmp_path, "DO4"):
        relays = port_of(tmp_path, "DO4")
        assert main(["write", relays, "1=on", "2=on", *NO_AGENT]) == 0
        assert main(["safe-state", *config]) == 0
        assert states_of(relays, capsys) == [False, False, True, False]
    assert main(["safe-state", *config]) == Exit.LINK
    assert capsys.readouterr().err.count("was not reached") == 1
