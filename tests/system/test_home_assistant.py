"""The agent in a real Home Assistant. Not part of the ordinary run, because it needs one:

    HOME_ASSISTANT_URL=http://127.0.0.1:8123          where it is
    HOME_ASSISTANT_TOKEN=...                          a long-lived token (profile page), or HOME_ASSISTANT_TOKEN_FILE
    HOME_ASSISTANT_BROKER=mqtt://127.0.0.1:1883       the broker its MQTT integration uses
    HOME_ASSISTANT_RESTART='...'                      optional: a command that restarts it and returns when it is up
    HOME_ASSISTANT_BROKER_RESTART='...'               optional: a command that restarts the broker, best without persistence
    ./run test -m homeassistant -n 0

It adds devices of a node "hatest" and takes them away at the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lucid2mqtt.lucid.families import FAMILIES
from tests.broker import Peer, wait_until
from tests.processes import AgentProgram, Modules

pytestmark = [pytest.mark.homeassistant, pytest.mark.timeout(300)]

NODE = "hatest"
ROOT = f"lucid2mqtt/{NODE}"
BACK_WITHIN_S = 30.0
SERIALS = {family.name: 500_200 + place for place, family in enumerate(FAMILIES.values())}
CHANNELS = {SERIALS[family.name]: len(family.channels) for family in FAMILIES.values()}

THERMOSTATS = [
    {
        "name": "Bath",
        "sensors": [f"ri4-{SERIALS['RI4']}/0"],
        "heater": f"do16-{SERIALS['DO16']}/15",
        "limiter": {"sensor": f"ri4-{SERIALS['RI4']}/1", "limit_c": 60},
        "window": {},
        "minimum_c": 8,
        "maximum_c": 30,
    },
]
BATH = f"{ROOT}/thermostat/bath"
SHOWN = {
    *("climate.bath", "select.bath_mode", "number.bath_manual_duty", "button.bath_reset_alarms"),
    *("sensor.bath_duty", "binary_sensor.bath_window", "sensor.bath_closures_today", "sensor.bath_closures"),
    *("sensor.bath_relay_life_left", "button.bath_start_autotune", "button.bath_abort_autotune", "button.bath_undo_autotune"),
    *("sensor.bath_autotune", "binary_sensor.bath_problem", "sensor.bath_notices"),
}

OF_THE_THERMOSTAT = """
[{% for e in integration_entities('mqtt') if '__NODE____thermostat_bath' in device_attr(e, 'identifiers') | string %}
 {{ e | to_json }}{{ "," if not loop.last }}
{% endfor %}]
""".replace("__NODE__", NODE)

ENTITIES = """
[{% for e in integration_entities('mqtt') if device_attr(e, 'serial_number') %}
 {"id": {{ e | to_json }}, "serial": {{ device_attr(e, 'serial_number') | string | to_json }},
  "model": {{ device_attr(e, 'model') | to_json }}, "state": {{ states(e) | to_json }},
  "name": {{ state_attr(e, 'friendly_name') | to_json }}, "unit": {{ state_attr(e, 'unit_of_measurement') | to_json }},
  "device_class": {{ state_attr(e, 'device_class') | to_json }}}{{ "," if not loop.last }}
{% endfor %}]
"""


@dataclass(frozen=True)
class HomeAssistant:
    """Its REST interface."""

    url: str
    token: str

    def ask(self, method: str, path: str, body: object = None) -> Any:  # Any: JSON
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            text = answer.read().decode()
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text

    def entities(self) -> dict[str, dict[str, Any]]:  # Any: JSON
        """Ours, by entity id."""
        found = self.ask("POST", "/api/template", {"template": ENTITIES})
        return {entity["id"]: entity for entity in found if entity["serial"].isdigit() and int(entity["serial"]) in CHANNELS}

    def of(self, family: str, domain: str) -> list[str]:
        """Entity ids of one family and domain, in the order of their names."""
        serial = str(SERIALS[family])
        return sorted(name for name, entity in self.entities().items() if entity["serial"] == serial and name.startswith(f"{domain}."))

    def thermostat(self) -> set[str]:
        """Entity ids of our thermostat, as far as they are enabled."""
        return set(self.ask("POST", "/api/template", {"template": OF_THE_THERMOSTAT}))

    def state(self, entity: str) -> str:
        try:
            return str(self.ask("GET", f"/api/states/{entity}")["state"])
        except urllib.error.HTTPError:
            return "missing"

    def attributes(self, entity: str) -> dict[str, Any]:  # Any: JSON
        return dict(self.ask("GET", f"/api/states/{entity}")["attributes"])

    def call(self, service: str, entity: str, **data: object) -> None:
        self.ask("POST", f"/api/services/{service.replace('.', '/')}", {"entity_id": entity, **data})

    def complaints(self) -> list[str]:
        """Warnings and errors that speak of MQTT, or of a template."""
        lines = str(self.ask("GET", "/api/error_log")).splitlines()
        words = ("mqtt", "template", "value_json")
        found = [line for line in lines if ("WARNING" in line or "ERROR" in line) and any(word in line.lower() for word in words)]
        # of a removed device it clears the topic once more for every entity that was disabled, and warns of its own message
        return [line for line in found if "No device components to cleanup" not in line]

    def issues(self) -> list[str]:
        return [str(issue) for issue in self.ask("POST", "/api/template", {"template": "{{ issues() | list | to_json }}"})]


@dataclass
class Stage:
    home: HomeAssistant
    modules: Modules
    agent: AgentProgram
    peer: Peer
    settings: dict[str, Any]  # Any: JSON
    earlier: frozenset[str]

    def complaints(self) -> list[str]:
        """What Home Assistant's log holds against MQTT since the tests began."""
        return [line for line in self.home.complaints() if line not in self.earlier]

    def reconfigure(self, **settings: object) -> None:
        self.agent.stop()
        self.settings = {**self.settings, **settings}
        self.agent.configure(self.settings)
        self.agent.start()


def _needed(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        pytest.fail(f"set {name}; the head of this file says how", pytrace=False)
    return value


def _token() -> str:
    file = os.environ.get("HOME_ASSISTANT_TOKEN_FILE")
    return Path(file).read_text().strip() if file else _needed("HOME_ASSISTANT_TOKEN")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("home-assistant")
    broker = _needed("HOME_ASSISTANT_BROKER")
    home = HomeAssistant(_needed("HOME_ASSISTANT_URL").rstrip("/"), _token())
    earlier = frozenset(home.complaints())
    port = urlsplit(broker).port or 1883
    settings: dict[str, Any] = {"node": NODE, "mqtt": {"url": broker}, "thermostats": THERMOSTATS}
    with Modules(folder, world="all") as modules, Peer(port, f"{ROOT}/#", "homeassistant/device/+/config") as peer:
        settings["ports"] = [modules.pattern]
        with AgentProgram(folder, settings) as agent:
            try:
                yield Stage(home, modules, agent, peer, settings, earlier)
            finally:
                agent.stop()
                for topic in {heard.topic for heard in peer.heard if "500" in heard.topic or NODE in heard.topic}:
                    peer.say(topic, "", retain=True)
                wait_until(lambda: not home.entities() and not home.thermostat(), BACK_WITHIN_S)


def _all_available(home: HomeAssistant) -> bool:
    entities = home.entities().values()
    if home.state("climate.bath") in ("missing", "unavailable", "unknown"):
        return False
    return len(entities) == sum(CHANNELS.values()) and all(entity["state"] not in ("unavailable", "unknown") for entity in entities)


def test_every_channel_of_every_family_is_one_entity_with_a_value(stage: Stage) -> None:
    wait_until(lambda: _all_available(stage.home), 60)
    counted: dict[int, int] = dict.fromkeys(CHANNELS, 0)
    for entity in stage.home.entities().values():
        counted[int(entity["serial"])] += 1
    assert counted == CHANNELS
    assert stage.complaints() == []
    assert [issue for issue in stage.home.issues() if "mqtt" in issue] == []


@pytest.mark.parametrize(
    ("family", "domain", "device_class", "unit"),
    [("RI4", "sensor", "temperature", "°C"), ("AI4", "sensor", "voltage", "V"), ("DI8", "binary_sensor", None, None), ("DO6", "switch", None, None), ("AO8", "number", "voltage", "V")],
)  # fmt: skip
def test_a_channel_is_what_it_measures(stage: Stage, family: str, domain: str, device_class: str | None, unit: str | None) -> None:
    found = stage.home.of(family, domain)
    assert len(found) == CHANNELS[SERIALS[family]]
    entity = stage.home.entities()[found[0]]
    assert (entity["device_class"], entity["unit"]) == (device_class, unit)
    assert entity["name"].count(family) == 1, "the device's name stands there once"


def test_every_service_reaches_the_module_and_comes_back_as_state(stage: Stage) -> None:
    for family in ("DO4", "DO6", "DO8", "DO16", "DI4DO4"):
        switch = stage.home.of(family, "switch")[0]
        module = f"{family.lower()}-{SERIALS[family]}"
        channel = 4 if family == "DI4DO4" else 0
        for service, state in (("turn_on", "on"), ("turn_off", "off")):
            stage.home.call(f"switch.{service}", switch)
            wait_until(lambda switch=switch, state=state: stage.home.state(switch) == state)  # type: ignore[misc]
            assert stage.modules.outputs(module)[channel] is (state == "on")
    for family in ("AO4", "AO8"):
        number = stage.home.of(family, "number")[0]
        stage.home.call("number.set_value", number, value=2.5)
        wait_until(lambda number=number: abs(float(stage.home.state(number)) - 2.5) < 0.01)  # type: ignore[misc]
        assert stage.modules.outputs(f"{family.lower()}-{SERIALS[family]}")[0] == pytest.approx(2.5, abs=0.01)


def test_a_thermostat_shows_what_an_owner_needs_and_nothing_that_cannot_be_done_now(stage: Stage) -> None:
    home = stage.home
    wait_until(lambda: home.attributes("climate.bath")["current_temperature"] is not None)
    assert home.thermostat() == SHOWN
    assert home.state("climate.bath") == "heat"
    shown = home.attributes("climate.bath")
    assert shown["friendly_name"] == "Bath"
    assert (shown["hvac_modes"], shown["min_temp"], shown["max_temp"], shown["target_temp_step"]) == (["off", "heat"], 8, 30, 0.5)
    assert shown["preset_modes"] == ["none", "away", "eco", "comfort", "boost", "frost"]
    assert shown["hvac_action"] in ("idle", "heating")
    assert shown["reason"]
    assert home.state("binary_sensor.bath_problem") == "off"
    assert home.state("binary_sensor.bath_window") == "off"
    assert home.state("sensor.bath_autotune") == "idle"
    greyed = {entity for entity in SHOWN if home.state(entity) == "unavailable"}
    assert greyed == {"number.bath_manual_duty", "button.bath_abort_autotune", "button.bath_reset_alarms"}


def test_every_service_reaches_the_thermostat_and_comes_back_as_state(stage: Stage) -> None:
    home = stage.home

    def shows(entity: str = "climate.bath", attribute: str | None = None) -> object:
        return home.state(entity) if attribute is None else home.attributes(entity)[attribute]

    home.call("climate.set_hvac_mode", "climate.bath", hvac_mode="off")
    wait_until(lambda: (shows(), shows(attribute="hvac_action")) == ("off", "off"))
    home.call("climate.set_temperature", "climate.bath", temperature=22.5, hvac_mode="heat")
    wait_until(lambda: (shows(), shows(attribute="temperature")) == ("heat", 22.5))
    home.call("climate.set_preset_mode", "climate.bath", preset_mode="eco")
    wait_until(lambda: (shows(attribute="preset_mode"), shows(attribute="temperature")) == ("eco", 18))
    home.call("climate.set_preset_mode", "climate.bath", preset_mode="none")
    wait_until(lambda: (shows(attribute="preset_mode"), shows(attribute="temperature")) == ("none", 22.5))
    home.call("climate.turn_off", "climate.bath")
    wait_until(lambda: shows() == "off")
    home.call("climate.turn_on", "climate.bath")
    wait_until(lambda: shows() == "heat")

    home.call("select.select_option", "select.bath_mode", option="manual")
    wait_until(lambda: (shows("select.bath_mode"), shows()) == ("manual", "unknown"))  # no word for it there
    home.call("number.set_value", "number.bath_manual_duty", value=40)
    wait_until(lambda: (shows("number.bath_manual_duty"), shows("sensor.bath_duty")) == ("40.0", "40.0"))
    home.call("climate.set_hvac_mode", "climate.bath", hvac_mode="heat")
    wait_until(lambda: (shows("select.bath_mode"), shows("number.bath_manual_duty")) == ("heat", "unavailable"))
    assert shows(attribute="temperature") == 22.5, "the target outlives mode manual"


def test_an_autotune_is_started_and_ended_from_home_assistant(stage: Stage) -> None:
    home = stage.home
    home.call("button.press", "button.bath_start_autotune")
    wait_until(lambda: home.state("sensor.bath_autotune") not in ("idle", "failed", "done"))
    assert home.state("button.bath_start_autotune") == "unavailable"
    home.call("button.press", "button.bath_abort_autotune")
    wait_until(lambda: home.state("sensor.bath_autotune") == "failed")
    assert home.attributes("sensor.bath_autotune")["reason"] == "aborted by command"
    assert home.state("button.bath_abort_autotune") == "unavailable"


def test_an_alarm_is_shown_with_its_reason_and_goes_with_its_cause(stage: Stage) -> None:
    home, module = stage.home, f"ri4-{SERIALS['RI4']}"
    stage.modules.ask(module=module, fault="unplug")
    wait_until(lambda: home.state("binary_sensor.bath_problem") == "on")
    assert any(module in alarm["reason"] for alarm in home.attributes("binary_sensor.bath_problem")["alarms"])
    stage.modules.ask(module=module, fault="replug")
    wait_until(lambda: home.state("binary_sensor.bath_problem") == "off", BACK_WITHIN_S)


def test_what_a_thermostat_refuses_does_not_stay_on_the_screen(stage: Stage) -> None:
    stage.peer.say(f"{BATH}/target/set", "99")
    wait_until(lambda: stage.peer.last(f"{BATH}/error"))
    assert json.loads(stage.peer.last(f"{BATH}/error") or "{}")["remedy"] == "send 8 to 30 °C"
    assert stage.home.attributes("climate.bath")["temperature"] == 22.5


def test_an_unplugged_module_is_unavailable_and_comes_back(stage: Stage) -> None:
    module = f"ri8-{SERIALS['RI8']}"
    sensor = stage.home.of("RI8", "sensor")[0]
    other = stage.home.of("RI4", "sensor")[0]
    stage.modules.ask(module=module, fault="unplug")
    wait_until(lambda: stage.home.state(sensor) == "unavailable")
    assert stage.home.state(other) not in ("unavailable", "unknown")
    stage.modules.ask(module=module, fault="replug")
    wait_until(lambda: stage.home.state(sensor) not in ("unavailable", "unknown"), BACK_WITHIN_S)


def test_a_killed_agent_is_unavailable_and_comes_back(stage: Stage) -> None:
    sensor = stage.home.of("AI4", "sensor")[0]
    before = set(stage.home.entities())
    stage.agent.stop(signal.SIGKILL)
    wait_until(lambda: stage.home.state(sensor) == "unavailable", BACK_WITHIN_S)
    stage.agent.start()
    wait_until(lambda: _all_available(stage.home), BACK_WITHIN_S)
    assert set(stage.home.entities()) == before


def test_a_stopped_agent_is_unavailable_and_keeps_its_entities(stage: Stage) -> None:
    before = set(stage.home.entities())
    assert stage.agent.stop() == 0
    wait_until(lambda: {entity["state"] for entity in stage.home.entities().values()} == {"unavailable"})
    assert set(stage.home.entities()) == before
    assert {stage.home.state(entity) for entity in stage.home.thermostat()} == {"unavailable"}
    stage.agent.start()
    wait_until(lambda: _all_available(stage.home), BACK_WITHIN_S)


def _restarted(variable: str) -> None:
    command = os.environ.get(variable)
    if not command:
        pytest.skip(f"{variable} is not set: whoever owns the Home Assistant may not want it restarted")
    subprocess.run(command, shell=True, check=True, capture_output=True)


def test_everything_is_back_after_a_restart_of_home_assistant(stage: Stage) -> None:
    before = set(stage.home.entities())
    _restarted("HOME_ASSISTANT_RESTART")

    def is_back() -> bool:
        with contextlib.suppress(urllib.error.URLError):
            return _all_available(stage.home)
        return False

    wait_until(is_back, 120)
    assert set(stage.home.entities()) == before


def test_everything_is_back_after_a_restart_of_the_broker(stage: Stage) -> None:
    before = set(stage.home.entities())
    _restarted("HOME_ASSISTANT_BROKER_RESTART")
    wait_until(lambda: _all_available(stage.home), 60)
    assert set(stage.home.entities()) == before


def test_a_removed_channel_disappears_and_the_others_stay(stage: Stage) -> None:
    before = set(stage.home.entities())
    gone = stage.home.of("DO8", "switch")[3]
    stage.reconfigure(modules=[{"match": {"serial": SERIALS["DO8"]}, "channels": {"3": {"enabled": False}}}])
    stage.peer.say("homeassistant/status", "online")  # the sign that Home Assistant is there
    wait_until(lambda: gone not in stage.home.entities(), BACK_WITHIN_S)
    assert set(stage.home.entities()) == before - {gone}
    stage.reconfigure(modules=[])
    wait_until(lambda: set(stage.home.entities()) == before, BACK_WITHIN_S)


def test_a_removed_thermostat_disappears_and_comes_back_when_it_is_declared_again(stage: Stage) -> None:
    stage.reconfigure(thermostats=[])
    wait_until(lambda: not stage.home.thermostat(), BACK_WITHIN_S)
    wait_until(lambda: stage.peer.last(f"{BATH}/state") == "", BACK_WITHIN_S)
    stage.reconfigure(thermostats=THERMOSTATS)
    wait_until(lambda: stage.home.thermostat() == SHOWN and _all_available(stage.home), BACK_WITHIN_S)


def test_a_retained_command_moves_nothing(stage: Stage) -> None:
    module = f"do4-{SERIALS['DO4']}"
    before: Mapping[int, object] = stage.modules.outputs(module)
    topic = f"{ROOT}/{module}/2/set"
    stage.peer.say(topic, "ON", retain=True)
    wait_until(lambda: stage.peer.last(f"{ROOT}/{module}/2/error"))
    stage.agent.stop()
    stage.agent.start()
    wait_until(lambda: _all_available(stage.home), BACK_WITHIN_S)
    assert stage.modules.outputs(module) == before
    stage.peer.say(topic, "", retain=True)


def test_home_assistant_had_nothing_to_complain_about(stage: Stage) -> None:
    assert [line for line in stage.complaints() if "lucid" in line] == []
