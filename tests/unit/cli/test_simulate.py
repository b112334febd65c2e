import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.unit.cli.test_main import COMMAND, ENVIRON


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_simulate_leaves_nothing_behind(tmp_path: Path, how: signal.Signals) -> None:
    folder = tmp_path / "bench"
    bench = subprocess.Popen(
        [*COMMAND, "simulate", "--world", "many:2:DO4", "--dir", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRON,
    )
    assert bench.stdout is not None
    modules = [json.loads(bench.stdout.readline()) for _ in range(2)]
    assert [module["family"] for module in modules] == ["DO4", "DO4"]
    assert all(Path(module["port"]).exists() and module["serial"] for module in modules)
    bench.send_signal(how)
    _, hint = bench.communicate(timeout=10)
    assert bench.returncode == 0
    assert f"lucid2mqtt run --port '{folder}/usb-*'" in hint
    assert f"""echo '{{"module": "do4-600000", "fault": "unplug", "for_s": 10}}' | socat - UNIX-CONNECT:{folder}/control.sock""" in hint
    assert not folder.exists()


def test_modules_on_tcp_are_named_one_by_one(tmp_path: Path) -> None:
    bench = subprocess.Popen(
        [*COMMAND, "simulate", "--world", "many:2:RI4", "--tcp", "--dir", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRON,
    )
    assert bench.stdout is not None
    ports = [json.loads(bench.stdout.readline())["port"] for _ in range(2)]
    read = subprocess.run(
        [*COMMAND, "list", "--port", ports[1], "--json"], capture_output=True, text=True, timeout=30, env=ENVIRON, check=True
    )
    bench.terminate()
    _, hint = bench.communicate(timeout=10)
    assert [port["module"]["family"] for port in json.loads(read.stdout)] == ["RI4"]
    assert all(port.startswith("tcp://127.0.0.1:") and f"--port {port}" in hint for port in ports)
