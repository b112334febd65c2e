"""The demonstration as a newcomer starts it, with every kind of broker it may find."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lucid2mqtt.cli.demo import show
from lucid2mqtt.sim.worlds import build_world
from tests.broker import Peer, free_port, running_broker, until, wait_until
from tests.processes import PROGRAM, Program

ROOT = "lucid2mqtt/demo"


class Demo(Program):
    def __init__(self, folder: Path, port: int, *words: str) -> None:
        super().__init__(("demo", "--mqtt-port", str(port), *words), folder / "demo.log")

    @property
    def room_c(self) -> float:
        """What the room's sensor said last."""
        return float(re.findall(r"^climate/room (\S+)$", self.said, re.MULTILINE)[-1])

    def printed(self, what: str) -> list[str]:
        """The command printed behind `what`, in words."""
        return shlex.split(next(line for line in self.said.splitlines() if line.strip().startswith(what)).strip().removeprefix(what))


@contextmanager
def demo(folder: Path, port: int, *words: str) -> Iterator[Demo]:
    with Demo(folder, port, *words) as running:
        wait_until(lambda: "heaters/pump OFF" in running.said and "climate/room" in running.said, 20)
        yield running


def test_the_printed_lines_switch_a_relay_and_show_it_and_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    port = free_port()
    with demo(tmp_path, port) as running:
        shown = subprocess.run([*running.printed("listen"), "-C", "3", "-W", "10"], capture_output=True, text=True, check=True)
        assert shown.stdout.startswith(f"{ROOT}/")
        subprocess.run(running.printed("switch"), check=True)
        wait_until(lambda: "heaters/pump ON" in running.said)
        console, *words = running.printed("or")
        subprocess.run([*PROGRAM, *words[2:]], env={**os.environ, **dict([console.split("=", 1)])}, check=True, stdout=subprocess.DEVNULL)
        assert "climate/attic unavailable: open sensor" in running.said
        assert running.stop(signal.SIGINT) == 0
        assert "Traceback" not in running.said
    assert [left.name for left in tmp_path.iterdir()] == ["demo.log"], "no folder, socket or pseudo terminal is left"
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(["mosquitto_pub", "-p", str(port), "-t", "x", "-m", "x"], check=True, stderr=subprocess.DEVNULL)


@pytest.mark.timeout(180)
def test_the_printed_lines_command_the_thermostat_and_the_room_follows(tmp_path: Path) -> None:
    with demo(tmp_path, free_port(), "--speed", "300") as running:
        subprocess.run(running.printed("target"), check=True)
        wait_until(lambda: re.search(r"^thermostat/living heat \S+ -> 22\.0 °C", running.said, re.MULTILINE) is not None, 50)
        wait_until(lambda: running.room_c >= 16.8, 50)
        subprocess.run(running.printed("autotune"), check=True)
        wait_until(lambda: "; tuning " in running.said, 50)
        assert running.stop(signal.SIGINT) == 0
        assert "ALARM" not in running.said


def test_a_broker_that_is_there_is_used_and_left_as_it_was(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker, Peer(broker.port, "#") as peer:
        peer.say("somebody/else", "keeps this", retain=True)
        with demo(tmp_path, broker.port) as running:
            assert "it was running already" in running.said
            assert running.stop(signal.SIGTERM) == 0
        with Peer(broker.port, "#") as late:
            peer.say("the/end", "")
            wait_until(lambda: late.last("the/end") is not None)
            assert [(heard.topic, heard.payload) for heard in late.heard if heard.retained] == [("somebody/else", "keeps this")]


async def test_without_mosquitto_a_toy_broker_serves_and_says_that_it_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    out = io.StringIO()
    port = free_port()
    showing = asyncio.create_task(show(build_world("house", speed=60), "house", port, out=out, find=lambda: None))
    await until(lambda: "heaters/pump OFF" in out.getvalue(), 20)
    assert "a toy broker inside this program" in out.getvalue()
    printed = next(line for line in out.getvalue().splitlines() if line.strip().startswith("switch"))
    publish = await asyncio.create_subprocess_exec(*shlex.split(printed.strip().removeprefix("switch")))
    assert await publish.wait() == 0
    await until(lambda: "heaters/pump ON" in out.getvalue())
    os.kill(os.getpid(), signal.SIGTERM)
    await showing
    assert out.getvalue().endswith("nothing is left behind.\n")


def test_an_unknown_world_is_a_usage_error_that_names_those_there_are(tmp_path: Path) -> None:
    asked = Program(("demo", "--world", "mars"), tmp_path / "log").start()
    assert asked.process is not None
    assert asked.process.wait(20) == 2
    assert "house" in asked.said
