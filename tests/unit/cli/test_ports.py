import fcntl
import json
import os
from pathlib import Path

import pytest

from lucid2mqtt.cli.main import main
from tests.unit.cli.virtual import bench_of, console_of, port_of

NO_AGENT = ["--console", "/nonexistent/console"]


def test_modules_are_listed_with_what_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path, "RI4", "DO4"):
        assert main(["list", "--port", str(tmp_path / "usb-*"), "--json", *NO_AGENT]) == 0
        found = json.loads(capsys.readouterr().out)
        assert main(["list", "--port", str(tmp_path / "usb-*"), *NO_AGENT]) == 0
        table = capsys.readouterr().out.splitlines()
    assert [(port["state"], port["module"]["family"], port["module"]["serial"]) for port in found] == [
        ("open", "DO4", 700002),
        ("open", "RI4", 700001),
    ]
    assert table[0].split() == ["PORT", "STATE", "FAMILY", "SERIAL", "FIRMWARE", "CHANNELS", "TYPE"]
    assert len(table) == 3


def test_ports_without_a_module_are_listed_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    master, slave = os.openpty()
    held, held_slave = os.openpty()
    fcntl.flock(held_slave, fcntl.LOCK_EX)
    try:
        wanted = [os.ttyname(slave), os.ttyname(held_slave), str(tmp_path / "none"), "tcp://127.0.0.1:1"]
        assert main(["list", *(word for port in wanted for word in ("--port", port)), "--json", *NO_AGENT]) == 0
    finally:
        for descriptor in (master, slave, held, held_slave):
            os.close(descriptor)
    states = {port["port"]: port["state"] for port in json.loads(capsys.readouterr().out)}
    assert states == dict(zip(wanted, ["silent", "busy", "waiting", "waiting"], strict=True))


def test_nothing_found_is_said_with_a_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--port", str(tmp_path / "*"), *NO_AGENT]) == 0
    assert "no LucidControl module found" in capsys.readouterr().err


def test_ports_of_the_agent_are_its_own_to_tell_and_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bench_of(tmp_path, "RI4", "DO4"):
        held = port_of(tmp_path, "RI4")
        told = {
            "port": held,
            "state": "open",
            "detail": "told by the agent",
            "module": {"family": "RI4", "serial": 700001},
            "counters": None,
        }

        async def status(request: dict[str, object]) -> object:
            return {"ports": [told]}

        with console_of(tmp_path / "c", {"status": status}):
            assert main(["list", "--port", str(tmp_path / "usb-*"), "--json", "--console", str(tmp_path / "c")]) == 0
            found = json.loads(capsys.readouterr().out)
    assert found[0] == told
    assert [port["module"]["family"] for port in found] == ["RI4", "DO4"]


def test_a_running_agent_tells_what_it_calls_its_modules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = {
        "port": "/dev/ttyACM0",
        "state": "open",
        "detail": "",
        "module": {"family": "RI4", "serial": 700001, "firmware": 22, "channels": 4, "type": "Pt1000"},
        "counters": None,
    }

    async def status(request: dict[str, object]) -> object:
        return {"ports": [told, {**told, "port": "/dev/ttyACM1", "state": "waiting", "module": None}]}

    async def modules(request: dict[str, object]) -> object:
        return [{"name": "boiler", "serial": 700001, "online": True}, {"name": "lost", "serial": 700002, "online": False}]

    with console_of(tmp_path / "c", {"status": status, "modules": modules}):
        assert main(["list", "--port", str(tmp_path / "usb-*"), "--console", str(tmp_path / "c")]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split()[:2] == ["MODULE", "PORT"]
    assert [row.split()[:3] for row in rows] == [
        ["boiler", "/dev/ttyACM0", "open"],
        ["-", "/dev/ttyACM1", "waiting"],
        ["lost", "-", "away"],
    ]
