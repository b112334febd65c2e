"""The thermostat as users have it: agent and virtual modules as programs, a heater that somebody else's death must switch off."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lucid2mqtt.control.deadman import Semantics, Verdict
from tests.broker import Peer, free_port, running_broker, wait_until
from tests.processes import PROGRAM, AgentProgram, Modules

ROOT = "lucid2mqtt/az-2/thermostat/living"
RELAYS = "do4-500102"
NAMES = [
    {"match": {"serial": 500101}, "name": "climate", "channels": {"0": {"name": "room"}, "1": {"name": "radiator"}}},
    {"match": {"serial": 500102}, "name": "heaters", "poll_s": 0.2, "channels": {"0": {"name": "living"}}},
]
LIVING = {
    "name": "living",
    "sensors": ["climate/room"],
    "heater": "heaters/living",
    "target_c": 21.0,
    "cycle_s": 10,
    "min_on_s": 1,
    "min_off_s": 1,
}


@contextmanager
def cold_house(
    folder: Path, broker_url: str | None = None, *, quirks: tuple[str, ...] = (), **more: Any
) -> Iterator[tuple[Modules, AgentProgram]]:  # Any: JSON
    """The house at 16 °C and its agent with one thermostat; without `broker_url` there is no broker."""
    url = broker_url or f"mqtt://127.0.0.1:{free_port()}"
    with Modules(folder, quirks=quirks) as modules:
        settings = {"node": "az-2", "mqtt": {"url": url}, "ports": [modules.pattern], "modules": NAMES, "thermostats": [{**LIVING, **more}]}
        with AgentProgram(folder, settings) as agent:
            yield modules, agent


def is_heated(modules: Modules) -> bool:
    return modules.outputs(RELAYS)[0] is True


def thermostat(agent: AgentProgram, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "thermostat", *words, "--console", str(agent.folder / "console.sock")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def test_mosquitto_pub_sets_the_target_and_the_relay_follows(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker, cold_house(tmp_path, broker.url) as (modules, _), Peer(broker.port, f"{ROOT}/#") as peer:
        wait_until(lambda: is_heated(modules), 30)

        def state() -> dict[str, Any]:  # Any: JSON
            return dict(json.loads(peer.last(f"{ROOT}/state") or "{}"))

        wait_until(lambda: state().get("action") == "heating")
        publish = ["mosquitto_pub", "-p", str(broker.port), "-t", f"{ROOT}/target/set", "-m"]
        subprocess.run([*publish, "12"], check=True)
        wait_until(lambda: not is_heated(modules), 30)
        wait_until(lambda: state().get("target") == 12.0 and state().get("action") == "idle")
        subprocess.run([*publish, "warm"], check=True)
        wait_until(lambda: "number" in (peer.last(f"{ROOT}/error") or ""))
        assert state()["target"] == 12.0
        peer.say("lucid2mqtt/az-2/heaters/living/set", "ON")
        wait_until(lambda: modules.outputs(RELAYS)[0] is False and peer.last("lucid2mqtt/az-2/heaters/living/error") is None)


def test_without_a_broker_the_command_line_is_enough(tmp_path: Path) -> None:
    with cold_house(tmp_path) as (modules, agent):
        wait_until(lambda: is_heated(modules), 30)
        listed = thermostat(agent, "list")
        assert listed.returncode == 0
        assert "21.0 °C" in listed.stdout
        done = thermostat(agent, "set", "living", "target=12.5", "mode=heat", "--json")
        assert json.loads(done.stdout)["target_c"] == 12.5
        wait_until(lambda: not is_heated(modules), 30)
        refused = thermostat(agent, "set", "living", "target=99")
        assert refused.returncode == 1
        assert "out of range" in refused.stderr
        assert thermostat(agent, "set", "cellar", "target=20").returncode == 1
        assert thermostat(agent, "set", "living", "colour=red").returncode == 2


def test_a_stop_switches_the_heater_off_and_a_restart_goes_on_with_what_was_chosen(tmp_path: Path) -> None:
    with cold_house(tmp_path) as (modules, agent):
        wait_until(lambda: is_heated(modules), 30)
        assert thermostat(agent, "set", "living", "target=23").returncode == 0
        assert agent.stop() == 0
        assert not is_heated(modules)
        agent.start()
        wait_until(lambda: is_heated(modules), 30)
        assert "23.0 °C" in thermostat(agent, "list").stdout


def test_killed_the_plain_drive_needs_safe_state_and_that_switches_the_heater_off(tmp_path: Path) -> None:
    with cold_house(tmp_path, drive="plain") as (modules, agent):
        wait_until(lambda: is_heated(modules), 30)
        agent.stop(signal.SIGKILL)
        assert is_heated(modules), "a plain relay stays as it was told: this is why the unit runs safe-state"
        subprocess.run([*PROGRAM, "safe-state", "-c", str(agent.file)], check=True, capture_output=True)
        assert not is_heated(modules)


def test_the_sensors_module_pulled_the_stages_follow_and_are_told(tmp_path: Path) -> None:
    stages = {"glitch_s": 2.0, "failed_after_s": 6.0}
    with (
        running_broker(tmp_path) as broker,
        cold_house(tmp_path, broker.url, on_sensor_loss=stages) as (modules, agent),
        Peer(broker.port, f"{ROOT}/#") as peer,
    ):
        wait_until(lambda: is_heated(modules), 30)
        modules.ask(module="ri4-500101", fault="unplug")
        said: list[str] = []

        def stage() -> str:
            now = str(json.loads(peer.last(f"{ROOT}/state") or "{}").get("stage"))
            if not said or said[-1] != now:
                said.append(now)
            return now

        wait_until(lambda: stage() == "failed", 30)
        assert [each for each in said if each != "none"] == ["glitch", "degraded", "failed"]
        wait_until(lambda: not is_heated(modules))
        assert "sensor_lost" in agent.said
        state = json.loads(peer.last(f"{ROOT}/state") or "{}")
        assert "sensor_lost" in {alarm["name"] for alarm in state["alarms"]}
        modules.ask(module="ri4-500101", fault="replug")
        wait_until(lambda: stage() == "none" and is_heated(modules), 30)


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGSTOP])
def test_killed_or_frozen_a_heater_that_was_verified_drops_within_its_hold_window(tmp_path: Path, death: signal.Signals) -> None:
    verdict = Verdict(semantics=Semantics.EXTENDS, cancels=True, triggers_after_end=True, sentence="seen at the contact")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "verdicts.json").write_text(json.dumps({"500102/22/0": verdict.saved()}))
    hold_s = 3.0
    quirks = ("output_reads=timed", "retrigger=extends hold")
    with cold_house(tmp_path, quirks=quirks, drive="deadman", hold_s=hold_s, retrigger_s=0.5) as (modules, agent):

        def switchings(since: float) -> list[tuple[float, bool]]:
            notes = modules.ask(module=RELAYS, show="journal", since=since, kinds=["output"])["notes"]
            return [(note["at"], note["state"]) for note in notes if note["channel"] == 0]

        wait_until(lambda: is_heated(modules), 30)
        heated_at = modules.ask(show="modules")["now"]
        wait_until(lambda: modules.ask(show="modules")["now"] > heated_at + 2 * hold_s, 30)
        assert switchings(heated_at) == [], "triggered in time it stays on without a gap"
        assert agent.process is not None
        agent.process.send_signal(death)
        dead_at = modules.ask(show="modules")["now"]
        wait_until(lambda: not is_heated(modules), 30)
        ((dropped_at, state),) = switchings(dead_at)
        assert state is False
        assert dropped_at - dead_at <= hold_s + 0.1
        agent.process.kill()
