"""The programs as users start them, against a real mosquitto: what must be right whoever dies when."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lucid2mqtt.console.client import ConsoleClient
from lucid2mqtt.lucid.families import FAMILIES
from tests.broker import Broker, Peer, running_broker, wait_until
from tests.processes import PROGRAM, Modules, everything

ROOT = "lucid2mqtt/az-2"
RELAYS = f"{ROOT}/do4-500102"
ROOM = f"{ROOT}/ri4-500101/0"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as running:
        yield running


def test_mosquitto_pub_switches_a_relay_and_mosquitto_sub_shows_it(tmp_path: Path, broker: Broker) -> None:
    with everything(tmp_path, broker.url) as (modules, _), Peer(broker.port, f"{ROOT}/#") as peer:
        wait_until(lambda: peer.last(f"{RELAYS}/0/state") == "OFF")
        with subprocess.Popen(
            ["mosquitto_sub", "-V", "5", "-p", str(broker.port), "-t", f"{RELAYS}/0/state", "-W", "20"], stdout=subprocess.PIPE, text=True
        ) as listener:
            assert listener.stdout is not None
            assert listener.stdout.readline() == "OFF\n", "the retained state comes at once"
            subprocess.run(["mosquitto_pub", "-p", str(broker.port), "-t", f"{RELAYS}/0/set", "-m", "ON"], check=True)
            assert "ON\n" in iter(listener.stdout.readline, ""), "a poll on its way may tell the old state once more before"
            listener.terminate()
        assert modules.outputs("do4-500102")[0] is True


def test_every_family_is_announced_and_read(tmp_path: Path, broker: Broker) -> None:
    with everything(tmp_path, broker.url, world="all"), Peer(broker.port, f"{ROOT}/#", "homeassistant/#") as peer:
        channels = {f"{family.name.lower()}-{500200 + place}": family.channels for place, family in enumerate(FAMILIES.values())}
        wait_until(lambda: all(peer.last(f"{ROOT}/{name}/status") == "online" for name in channels), 20)
        for name, numbers in channels.items():
            announced = json.loads(peer.last(f"homeassistant/device/lucid2mqtt_{name.upper()}/config") or "{}")
            assert len(announced["components"]) == len(numbers), name
        refs = [f"{ROOT}/{name}/{channel}/status" for name, numbers in channels.items() for channel in numbers]
        wait_until(lambda: all(peer.last(ref) == "online" for ref in refs), 20)


@pytest.mark.parametrize("order", ["broker agent modules", "modules broker agent", "agent modules broker"])
def test_killed_and_restarted_in_any_order_the_picture_is_right_again(tmp_path: Path, broker: Broker, order: str) -> None:
    with everything(tmp_path, broker.url) as (modules, agent), Peer(broker.port, f"{ROOT}/#") as peer:
        wait_until(lambda: peer.last(f"{RELAYS}/0/state") == "OFF")
        for victim in order.split():
            match victim:
                case "broker":
                    broker.restart()
                case "agent":
                    agent.stop(signal.SIGKILL)
                    agent.start()
                case "modules":
                    modules.stop(signal.SIGKILL)
                    modules.start()
        peer.heard.clear()
        wait_until(lambda: peer.last(f"{ROOT}/status") == "online" or peer.last(f"{ROOM}/state") is not None, 20)
        peer.say(f"{ROOT}/do4-500102/get", "")
        wait_until(lambda: _switches(peer, modules), 20)
        wait_until(lambda: peer.last(f"{ROOM}/state") is not None, 20)
        assert _first_two(modules, "do4-500102") == (False, True)


def _first_two(modules: Modules, name: str) -> tuple[bool, bool]:
    outputs = modules.outputs(name)
    return outputs[0], outputs[1]


def _switches(peer: Peer, modules: Modules) -> bool:
    peer.say(f"{RELAYS}/1/set", "ON")
    time.sleep(0.3)
    return peer.last(f"{RELAYS}/1/state") == "ON" and modules.outputs("do4-500102")[1] is True


def test_readings_go_on_without_the_broker_and_nothing_is_replayed_at_its_return(tmp_path: Path, broker: Broker) -> None:
    with everything(tmp_path, broker.url) as (modules, _), Peer(broker.port, f"{ROOT}/#") as peer:
        wait_until(lambda: peer.last(f"{ROOM}/state") is not None)
        broker.kill()
        began = modules.ask(module="ri4-500101", show="journal", kinds=["request"])["now"]
        time.sleep(2.0)
        polled = modules.ask(module="ri4-500101", show="journal", kinds=["request"], since=began)["notes"]
        assert len(polled) >= 2, "readings go on while the broker is away"
        peer.heard.clear()
        broker.start()
        wait_until(lambda: peer.last(f"{ROOT}/status") == "online")
        assert len(peer.all(f"{ROOM}/state")) <= 2, "the present value once, nothing of the past"
        peer.say(f"{RELAYS}/0/set", "ON")
        wait_until(lambda: peer.last(f"{RELAYS}/0/state") == "ON")


def test_a_module_pulled_out_and_plugged_in_under_another_name_is_the_same_module(tmp_path: Path, broker: Broker) -> None:
    with everything(tmp_path, broker.url) as (modules, agent), Peer(broker.port, f"{ROOT}/#") as peer:
        wait_until(lambda: peer.last(f"{RELAYS}/status") == "online")
        modules.ask(module="do4-500102", fault="unplug")
        wait_until(lambda: peer.last(f"{RELAYS}/status") == "offline")
        assert peer.last(f"{RELAYS}/0/status") == "offline"
        modules.ask(module="do4-500102", fault="replug", name="usb-another")
        wait_until(lambda: peer.last(f"{RELAYS}/status") == "online")
        wait_until(lambda: peer.last(f"{RELAYS}/0/status") == "online")
        assert "Traceback" not in agent.said


def test_a_retained_command_moves_nothing_and_says_why(tmp_path: Path, broker: Broker) -> None:
    with Peer(broker.port, f"{ROOT}/#") as peer:
        peer.say(f"{RELAYS}/0/set", "ON", retain=True)
        with everything(tmp_path, broker.url) as (modules, _):
            wait_until(lambda: peer.last(f"{RELAYS}/0/error") is not None)
            assert json.loads(peer.last(f"{RELAYS}/0/error") or "")["reason"] == "retained"
            peer.say(f"{RELAYS}/1/set", "ON", retain=True)
            wait_until(lambda: peer.last(f"{RELAYS}/1/error") is not None)
            assert _first_two(modules, "do4-500102") == (False, False)
            assert modules.ask(module="do4-500102", show="journal", kinds=["output"])["notes"] == []


def test_exit_states_are_applied_and_offline_is_said_at_a_clean_stop(tmp_path: Path, broker: Broker) -> None:
    modules_settings = [{"match": {"serial": 500102}, "name": "heaters", "channels": {"0": {"exit": "off"}, "1": {"exit": "hold"}}}]
    with (
        everything(tmp_path, broker.url, modules=modules_settings) as (modules, agent),
        Peer(broker.port, f"{ROOT}/#") as peer,
    ):
        wait_until(lambda: peer.last(f"{ROOT}/heaters/status") == "online")
        for channel in (0, 1):
            peer.say(f"{ROOT}/heaters/{channel}/set", "ON")
        wait_until(lambda: _first_two(modules, "do4-500102") == (True, True))
        assert agent.stop() == 0
        assert _first_two(modules, "do4-500102") == (False, True)
        wait_until(lambda: peer.last(f"{ROOT}/status") == "offline")


def test_a_full_disk_stops_nothing_and_is_said(tmp_path: Path, broker: Broker) -> None:
    (tmp_path / "state").write_text("a file where the folder should be: every write fails, as on a full disk")
    with everything(tmp_path, broker.url) as (_, agent), Peer(broker.port, f"{ROOT}/#") as peer:
        wait_until(lambda: peer.last(f"{ROOM}/state") is not None)
        wait_until(lambda: "cannot write" in agent.said)
        console = ConsoleClient.connect(agent.folder / "console.sock")
        assert console is not None
        with console:
            assert "cannot write" in console.ask("status")["store_fault"]


def test_the_command_line_reads_and_writes_through_the_running_agent(tmp_path: Path, broker: Broker) -> None:
    with everything(tmp_path, broker.url) as (_, agent), Peer(broker.port, f"{ROOT}/#") as peer:
        wait_until(lambda: peer.last(f"{RELAYS}/0/state") is not None)
        environ = {"LUCID2MQTT_CONSOLE__PATH": str(agent.folder / "console.sock"), "PATH": "/usr/bin:/bin"}
        written = subprocess.run(
            [*PROGRAM, "write", "serial:500102", "0=ON"], env=environ, capture_output=True, text=True, timeout=20, check=False
        )
        assert written.returncode == 0, written.stderr
        wait_until(lambda: peer.last(f"{RELAYS}/0/state") == "ON")
        refused = subprocess.run(
            [*PROGRAM, "write", "serial:500101", "0=ON"], env=environ, capture_output=True, text=True, timeout=20, check=False
        )
        assert refused.returncode == 1
        assert "input" in refused.stderr


def test_the_command_line_takes_a_modules_name_and_forgets_it_when_it_is_gone(tmp_path: Path, broker: Broker) -> None:
    with everything(tmp_path, broker.url) as (modules, agent), Peer(broker.port, f"{ROOT}/#", "homeassistant/#") as peer:
        wait_until(lambda: peer.last(f"{RELAYS}/0/state") is not None)

        def said(*words: str) -> tuple[int, str]:
            console = ["--console", str(agent.folder / "console.sock")]
            done = subprocess.run([*PROGRAM, *words, *console], capture_output=True, text=True, timeout=20, check=False)
            return done.returncode, done.stdout + done.stderr

        assert said("write", "do4-500102", "1=ON")[0] == 0
        wait_until(lambda: peer.last(f"{RELAYS}/1/state") == "ON")
        assert said("read", "nobody")[0] == 1
        code, text = said("forget", "do4-500102")
        assert (code, "unplug it first" in text) == (1, True)
        modules.ask(module="do4-500102", fault="unplug")
        wait_until(lambda: peer.last(f"{RELAYS}/status") == "offline")
        assert said("forget", "do4-500102")[0] == 0
        wait_until(lambda: peer.last("homeassistant/device/lucid2mqtt_DO4-500102/config") == "")


def test_a_second_agent_says_that_one_is_running_and_touches_nothing(tmp_path: Path, broker: Broker) -> None:
    with everything(tmp_path, broker.url) as (_, agent), Peer(broker.port, f"{ROOT}/#") as peer:
        wait_until(lambda: peer.last(f"{RELAYS}/status") == "online")
        second = subprocess.run([*PROGRAM, "run", "-c", str(agent.file)], capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode == 3
        assert "another agent" in second.stderr
        assert peer.last(f"{RELAYS}/status") == "online"


def test_two_modules_that_swap_ports_keep_their_names(tmp_path: Path, broker: Broker) -> None:
    with everything(tmp_path, broker.url, world="many:2:DO4") as (modules, _), Peer(broker.port, f"{ROOT}/#") as peer:
        one, other = f"{ROOT}/do4-600000", f"{ROOT}/do4-600001"
        wait_until(lambda: peer.last(f"{one}/0/state") == "OFF" and peer.last(f"{other}/0/state") == "OFF")
        modules.ask(module="do4-600000", fault="swap", other="do4-600001")
        peer.heard.clear()
        wait_until(lambda: peer.last(f"{one}/status") == "online" and peer.last(f"{other}/status") == "online")
        peer.say(f"{one}/0/set", "ON")
        wait_until(lambda: peer.last(f"{one}/0/state") == "ON")
        assert modules.outputs("do4-600000")[0] is True
        assert modules.outputs("do4-600001")[0] is False
