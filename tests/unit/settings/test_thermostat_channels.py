import pytest

from tests.unit.settings.thermostat_files import MODULES, RIGHT, fault_in, faults_of, loaded, of


@pytest.mark.parametrize(
    ("keys", "key", "word", "remedy"),
    [
        ({"sensors": []}, "sensors", "needs a temperature", "sensors: [boiler/flow]"),
        ({"sensors": ["boiler-room/flow", "Boiler room/Flow"]}, "sensors.1", "named twice", "leave one out"),
        ({"sensors": ["heaters/window"]}, "sensors.0", "this is a digital input", "name a temperature input"),
        ({"sensors": ["heaters/5"]}, "sensors.0", "this is a digital output", "name a temperature input"),
        ({"sensors": ["valves/mixer"]}, "sensors.0", "this is an analog output", "name a temperature input"),
        ({"sensors": ["plant/1"]}, "sensors.0", "this channel is in bar", "unit: °C"),
        ({"sensors": ["plant/2"]}, "sensors.0", "an analog input without a unit", "unit: °C"),
        ({"sensors": ["boiler-room/7"]}, "sensors.0", "a RI4 has no channel 7", "0 to 3"),
        ({"sensors": ["boiler-room/0"]}, "sensors.0", "channel 0 of boiler-room is called 'flow'", "write boiler-room/flow"),
        ({"sensors": ["boiler-room/flaw"]}, "sensors.0", "no channel of boiler-room is called 'flaw'", "did you mean 'flow'?"),
        ({"sensors": ["boiler-room/3"]}, "sensors.0", "switched off in the settings", "enabled: false"),
        ({"sensors": ["boiler-rom/flow"]}, "sensors.0", "no module is called 'boiler-rom'", "did you mean 'boiler-room'?"),
        ({"sensors": ["status/flow"]}, "sensors.0", "no module is called 'status'", "known here"),
        ({"sensors": ["ri4-1/0"]}, "sensors.0", "serial number 1 is called 'boiler-room'", "write 'boiler-room'"),
        ({"sensors": ["flow"]}, "sensors.0.channel", "'flow' names no channel", "write module/channel"),
        ({"sensors": ["a/b/c"]}, "sensors.0.channel", "names no channel", "write the slug"),
        ({"sensors": ["?/flow"]}, "sensors.0.channel", "no letter or digit", "module/channel"),
        ({"sensors": [{}]}, "sensors.0", "from a channel or by a topic", "{topic: ...}"),
        ({"sensors": [{"channel": "boiler-room/flow", "topic": "a"}]}, "sensors.0", "from a channel or by a topic", ""),
        ({"sensors": [{"channel": "boiler-room/flow", "key": "a"}]}, "sensors.0", "belong to a topic", "leave them out"),
        ({"sensors": [{"topic": "a/#"}]}, "sensors.0.topic", "is no topic", "without + and #"),
        ({"sensors": [{"topic": ""}]}, "sensors.0.topic", "is no topic", "whole topic"),
        ({"sensors": [{"topic": "a", "max_age_s": 1}]}, "sensors.0.max_age_s", "at least 10", ""),
        (
            {"sensors": [{"topic": "a"}], "sensing": {"stale_s": 10}},
            "sensing.stale_s",
            "counts for 10 s, but comes every 10 s",
            "several times",
        ),
        ({"sensing": {"stale_s": 1}}, "sensing.stale_s", "counts for 1 s, but comes every 1 s", "several times"),
        ({"outdoor": "heaters/5"}, "outdoor", "measures no temperature", ""),
        ({"outdoor": "nowhere/0"}, "outdoor", "no module is called", ""),
        ({"limiter": {"sensor": "heaters/5", "limit_c": 60}}, "limiter.sensor", "measures no temperature", ""),
        ({"limiter": {"sensor": "boiler-room/return", "limit_c": 60, "stale_s": 2}}, "limiter.stale_s", "comes every 2 s", ""),
        ({"window": {"contact": "boiler-room/return"}}, "window.contact", "this is a temperature input", "name a digital input"),
        ({"window": {"contact": "boiler-room/9"}}, "window.contact", "no channel 9", ""),
        ({"heater": "boiler-room/return"}, "heater", "this is a temperature input, it cannot be switched", "name an output"),
        ({"heater": ["heaters/living", "heaters/window"]}, "heater.1", "this is a digital input", "name an output"),
        ({"heater": "heaters/9"}, "heater", "a DI4DO4 has no channel 9", "0 to 7"),
        ({"heater": "valves/mixer"}, "heater", "this is an analog output", "analog: {low: 0, high: 10}"),
        ({"analog": {}}, "heater", "this is a digital output, it has no range", "leave analog out"),
        ({"heater": ["heaters/5", "heaters/5"]}, "heater.1", "belongs to thermostat 'Living' already", "choose another"),
        ({"cooler": "heaters/living"}, "cooler", "belongs to thermostat 'Living' already", "choose another"),
        ({"heater": "unknown/16"}, "heater", "no module has channel 16", "0 to 15"),
        ({"heater": "unknown/relay"}, "heater", "no channel of unknown is called 'relay'", "write its number"),
    ],
)
def test_channels_that_are_not_there_or_not_fit(keys: dict[str, object], key: str, word: str, remedy: str) -> None:
    found = fault_in(**keys)
    assert found[0] == f"thermostats.0.{key}"
    assert word in found[1]
    assert remedy in found[2]


def test_what_cannot_be_known_without_the_family_passes() -> None:
    assert of(sensors=["unknown/0"], heater="unknown/1").warnings == ()


def test_a_module_nobody_declared_may_come_under_its_default_name() -> None:
    settings = of(sensors=["ri4-99/0"], heater="do4-98/3")
    assert [(warning.key, warning.message.split(";")[0]) for warning in settings.warnings] == [
        ("thermostats.0.sensors.0", "no module is declared as 'ri4-99'"),
        ("thermostats.0.heater", "no module is declared as 'do4-98'"),
    ]
    assert str(settings.climate_options()[0].heating[0]) == "do4-98/3"


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"heater": "ri4-99/0"}, "it cannot be switched"),
        ({"heater": "do4-99/4"}, "a DO4 has no channel 4"),
        ({"heater": "do4-99/relay"}, "no channel of do4-99 is called 'relay'"),
        ({"heater": "xy4-99/0"}, "no module is called 'xy4-99'"),
        ({"heater": "do4-099/0"}, "no module is called 'do4-099'"),
    ],
)
def test_a_default_name_tells_the_family(keys: dict[str, object], word: str) -> None:
    assert any(word in message for _, message, _ in faults_of({**RIGHT, **keys}))


def test_a_module_without_a_name_is_known_by_its_default_one() -> None:
    nameless = [{"match": {"serial": 7}, "family": "DO4"}, {"match": {"serial": 8}}]
    settings = loaded({**RIGHT, "heater": ["do4-7/0", "do8-8/7"]}, modules=[*MODULES, *nameless])
    assert settings.warnings == ()
    (fault,) = faults_of({**RIGHT, "heater": "do8-7/0"}, modules=[*MODULES, *nameless])
    assert fault[1:] == ("the module with serial number 7 is called 'do4-7'", "write 'do4-7'")


def test_two_thermostats_cannot_have_one_output() -> None:
    other = {"name": "Bath", "sensors": ["boiler-room/return"], "heater": ["heaters/5", "Heaters/Living"]}
    assert faults_of(RIGHT, other) == [
        ("thermostats.1.heater.1", "heaters/living belongs to thermostat 'Living' already", "choose another output")
    ]


def heaters(channel: dict[str, object], **module: object) -> dict[str, object]:
    return {"match": {"serial": 2}, "name": "Heaters", "channels": {"4": {"name": "Living", **channel}}, **module}


@pytest.mark.parametrize(
    ("channel", "key"),
    [({"pulse": {"for_s": 2}}, "pulse"), ({"start": "on"}, "start"), ({"start": 3}, "start"), ({"exit": "on"}, "exit")],
)
def test_what_the_output_is_told_elsewhere_must_not_fight_the_thermostat(channel: dict[str, object], key: str) -> None:
    ((found, message, remedy),) = faults_of(RIGHT, modules=[MODULES[0], heaters(channel)])
    assert found == f"modules.1.channels.4.{key}"
    assert "the heater of thermostat 'Living'" in message
    assert "leave it out" in remedy


@pytest.mark.parametrize(("channel", "key"), [({"max_on_s": 60}, "max_on_s"), ({"on_broker_loss": "off"}, "on_broker_loss")])
def test_what_has_no_effect_on_a_held_output_is_a_warning(channel: dict[str, object], key: str) -> None:
    (warning,) = loaded(RIGHT, modules=[MODULES[0], heaters(channel)]).warnings
    assert warning.key == f"modules.1.channels.4.{key}"
    assert "has no effect on the heater of thermostat 'Living'" in warning.message


def test_states_that_are_safe_pass() -> None:
    assert loaded(RIGHT, modules=[MODULES[0], heaters({"start": "off", "exit": "off"})]).warnings == ()
    assert (
        loaded(RIGHT, modules=[MODULES[0], heaters({}, parameters={"4": {"outDiMode": "reflect"}, "5": {"outDiMode": "onOff"}})]).warnings
        == ()
    )


def test_a_mode_that_switches_by_itself_is_refused() -> None:
    ((found, message, _),) = faults_of(RIGHT, modules=[MODULES[0], heaters({}, parameters={"4": {"OUTDIMODE": "dutyCycle"}})])
    assert found == "modules.1.parameters.4.OUTDIMODE"
    assert "keeps what it is told" in message


@pytest.mark.parametrize(("limits", "key"), [({"minimum": 2}, "minimum"), ({"maximum": 9}, "maximum")])
def test_an_analog_output_must_be_allowed_its_range(limits: dict[str, object], key: str) -> None:
    valves = {"match": {"serial": 3}, "name": "Valves", "family": "AO4", "channels": {"0": {"name": "Mixer", **limits}}}
    valve = {**RIGHT, "heater": "valves/mixer", "analog": {"low": 10, "high": 0}}
    ((found, message, _),) = faults_of(valve, modules=[MODULES[0], valves])
    assert found == f"modules.1.channels.0.{key}"
    assert "keeps the heater of thermostat 'Living' from" in message
    assert loaded({**valve, "analog": {"low": 2, "high": 9}}, modules=[MODULES[0], valves]).warnings == ()
