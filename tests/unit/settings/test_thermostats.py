from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from lucid2mqtt.climate.aim import Aiming
from lucid2mqtt.control.thermostat import Thermostat
from lucid2mqtt.errors import SettingsError, SettingsFault
from lucid2mqtt.settings import Settings, load
from lucid2mqtt.settings.thermostat_control import LimiterSettings, SensingSettings, SensorLossSettings, WeatherSettings
from lucid2mqtt.settings.thermostat_drive import AnalogSettings, DriveKeys
from lucid2mqtt.settings.thermostats import PresetsSettings, ThermostatSettings, WindowSettings
from tests.unit.settings.thermostat_files import MODULES, RIGHT, fault_in, faults_of, of, written


def test_name_sensor_and_heater_are_enough() -> None:
    (options,) = of().climate_options()
    assert (options.name, options.label, str(options.sensors[0]), str(options.heating[0])) == (
        "living",
        "Living",
        "boiler-room/flow",
        "heaters/living",
    )
    assert of().warnings == ()


def test_without_thermostats_there_is_nothing_to_make() -> None:
    assert (load(None, {}).climate_options(), load(None, {}).remote_options()) == ((), ())


@pytest.mark.parametrize("key", ["name", "sensors"])
def test_what_every_thermostat_needs_is_missed(key: str) -> None:
    assert fault_in(**{key: None})[:2] == (f"thermostats.0.{key}", "is missing")


@pytest.mark.parametrize(
    ("keys", "key", "word"),
    [
        ({"name": "?"}, "name", "no letter or digit"),
        ({"fusion": "best"}, "fusion", "must be 'primary_fallback', 'mean' or 'median'"),
        ({"drive": "safe"}, "drive", "must be 'auto', 'plain' or 'deadman'"),
        ({"contact": "ssr"}, "contact", "'solid state'"),
        ({"mode": "manual"}, "mode", "must be"),
        ({"preset": "boost"}, "preset", "must be 'none', 'away', 'eco', 'comfort' or 'frost', not 'boost'"),
        ({"target_c": float("nan")}, "target_c", "finite"),
        ({"target_c": "warm"}, "target_c", "must be a number, not 'warm'"),
        ({"heater": {"a": 1}}, "heater", "must be a list"),
        ({"hold_s": 4000}, "hold_s", "at most 3599"),
        ({"retrigger_s": 0.1}, "retrigger_s", "at least 0.5"),
        ({"cycle_s": 0}, "cycle_s", "more than 0"),
        ({"presets": {"boost_s": 10}}, "presets.boost_s", "at least 60"),
        ({"presets": {"none_c": 10}}, "presets.none_c", "unknown key"),
        ({"window": {"slope_k_per_h": 3}}, "window.slope_k_per_h", "at most 0"),
        ({"window": {"longest_pause_s": 0}}, "window.longest_pause_s", "more than 0"),
        ({"law": "fuzzy"}, "law", "must be 'pid' or 'on_off'"),
        ({"hysteresis_k": 0, "law": "on_off"}, "hysteresis_k", "more than 0"),
        ({"gains": {"kp": -1, "ki": 0}}, "gains.kp", "at least 0"),
        ({"gains": {"kp": 1}}, "gains.ki", "is missing"),
        ({"gains": {"kp": 1, "ki": float("inf")}}, "gains.ki", "finite"),
        ({"ramp_k_per_h": -1}, "ramp_k_per_h", "at least 0"),
        ({"weather": {"loss_duty_per_k": 2}}, "weather.loss_duty_per_k", "at most 1"),
        ({"dead_zone_k": -1}, "dead_zone_k", "at least 0"),
        ({"changeover_s": -1}, "changeover_s", "at least 0"),
        ({"autotune": {"excursion_k": 0}}, "autotune.excursion_k", "more than 0"),
        ({"limiter": {"sensor": "boiler-room/return"}}, "limiter.limit_c", "is missing"),
        ({"limiter": {"limit_c": 60}}, "limiter.sensor", "is missing"),
        ({"limiter": {"sensor": {"topic": "a"}, "limit_c": 60}}, "limiter.sensor", "must be text"),
        ({"on_sensor_loss": {"frost_duty": 0.2}}, "on_sensor_loss.frost_duty", "at most 0.1"),
        ({"on_sensor_loss": {"degraded_share": 1.1}}, "on_sensor_loss.degraded_share", "at most 1"),
        ({"supervision": {"loop_break": "off"}}, "supervision.loop_break", "must be 'alarm' or 'safe'"),
        ({"longest_on_s": 0}, "longest_on_s", "more than 0"),
        ({"most_duty": 0}, "most_duty", "more than 0"),
        ({"rated_closures": 0}, "rated_closures", "at least 1"),
        ({"schedule": {"zone": "Mars/Base"}}, "schedule.zone", "no time zone"),
        ({"schedule": {"daily": "06:00 eco"}}, "schedule.daily", "must be a list"),
        ({"schedule": {"sat": "06:00 eco"}}, "schedule.sat", "must be a list"),
        ({"target": 21}, "target", "unknown key"),
    ],
)
def test_each_rule_of_the_schema_names_its_key(keys: dict[str, object], key: str, word: str) -> None:
    found = fault_in(**keys)
    assert found[0] == f"thermostats.0.{key}"
    assert word in found[1]


def test_a_misspelt_key_of_the_schedule_is_guessed() -> None:
    assert fault_in(schedule={"zoen": "UTC", "daily": ["06:00 eco"]})[2] == "did you mean 'zone'?"
    assert fault_in(schedule={"starts_erly": ["x"], "daily": ["06:00 eco"]})[0] == "thermostats.0.schedule.starts_erly.0"


def test_faults_stand_where_they_were_written_and_come_all_at_once(tmp_path: Path) -> None:
    text = (
        "thermostats:\n"
        "  - name: Living\n"
        "    sensors: [nonsense, do4-1/0]\n"
        "    heater: do4-1/1\n"
        "    target_c: 99\n"
        "    schedule:\n"
        "      zone: UTC\n"
        "      mon-fri: ['06:00 comfrt', '22:00 eco']\n"
        "  - name: living\n"
        "    sensors: [ri4-1/0]\n"
        "    heater: do4-1/1\n"
    )
    with pytest.raises(SettingsError) as refused:
        load(written(tmp_path, text), {})
    assert [str(fault).removeprefix(f"{tmp_path}/").split(" (")[0] for fault in refused.value.faults] == [
        "s.yaml:3:15: thermostats.0.sensors.0.channel: 'nonsense' names no channel",
        "s.yaml:3:25: thermostats.0.sensors.1: this is a digital output, it measures no temperature",
        "s.yaml:5:5: thermostats.0.target_c: 99 °C is outside minimum_c 5 and maximum_c 35",
        "s.yaml:8:17: thermostats.0.schedule.mon-fri.0: '06:00 comfrt': 'comfrt' is neither a temperature in °C nor one of away, eco, comfort, frost",
        "s.yaml:9:5: thermostats.1.name: 'living' is taken: it would use the topic 'living', as 'Living' does",
        "s.yaml:11:5: thermostats.1.heater: do4-1/1 belongs to thermostat 'Living' already",
    ]


def test_the_environment_can_say_it_all() -> None:
    environ = {
        "LUCID2MQTT_THERMOSTATS__0__NAME": "a",
        "LUCID2MQTT_THERMOSTATS__0__SENSORS": "ri4-1/0, ri4-1/1",
        "LUCID2MQTT_THERMOSTATS__0__HEATER": "do4-2/0",
        "LUCID2MQTT_THERMOSTATS__0__SCHEDULE__ZONE": "UTC",
        "LUCID2MQTT_THERMOSTATS__0__SCHEDULE__SAT": "08:00 comfort, 23:00 eco",
    }
    (options,) = load(None, environ).climate_options()
    assert [str(sensor) for sensor in options.sensors] == ["ri4-1/0", "ri4-1/1"]
    assert options.schedule is not None
    assert [len(day) for day in options.schedule.week] == [0, 0, 0, 0, 0, 2, 0]


def test_sections_left_empty_hold_their_defaults(tmp_path: Path) -> None:
    text = "thermostats:\n  - name: a\n    sensors: [ri4-1/0]\n    heater: ao4-2/0\n    window:\n    presets:\n    analog:\n"
    (options,) = load(written(tmp_path, text), {}).climate_options()
    assert options.window is not None
    assert options.control.heating is not None
    assert options.control.heating.analog is not None


def test_names_of_our_own_are_not_for_thermostats() -> None:
    assert fault_in(name="Status")[:2] == ("thermostats.0.name", "'status' is a topic of our own")


def test_a_second_thermostat_of_the_same_topic_is_refused() -> None:
    other = {**RIGHT, "name": "LIVING", "heater": "heaters/5"}
    assert [key for key, _, _ in faults_of(RIGHT, other)] == ["thermostats.1.name"]


_KEYS = [
    *ThermostatSettings.model_fields,
    "sensor",
    "limit_c",
    "topic",
    "channel",
    "low",
    "high",
    "points",
    "shares",
    "daily",
    "mon-fri",
    "zone",
]
_CHANNELS = ["boiler-room/flow", "heaters/living", "heaters/5", "valves/mixer", "plant/0", "do4-9/0", "nonsense", "a/b/c"]
_WORDS = [
    *_CHANNELS,
    "?",
    "off",
    "auto",
    "heat",
    "cool",
    "deadman",
    "plain",
    "median",
    "relay",
    "comfort",
    "UTC",
    "06:30",
    "on_off",
    "staged",
]
_VALUES = (
    st.sampled_from([*_WORDS, "06:00 eco", "22:00 17.5", "solid state"])
    | st.floats()
    | st.integers(-5, 100)
    | st.booleans()
    | st.none()
    | st.text(max_size=5)
)
_TREES = st.recursive(
    _VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=4), inner, max_size=5),
    max_leaves=10,
)


def _constructed(loaded: Settings) -> None:
    for options in loaded.climate_options():
        Thermostat(options.control, sensors=len(options.sensors))
        Aiming(options)
    loaded.remote_options()


@given(
    thermostats=_TREES
    | st.lists(st.dictionaries(st.sampled_from(_KEYS), _TREES, max_size=6).map(lambda keys: {**RIGHT, **keys}), max_size=2)
)
def test_whatever_values_are_given_it_is_settings_that_can_be_built_or_faults_with_a_place(thermostats: object) -> None:
    overrides: dict[str, tuple[object, str]] = {"thermostats": (thermostats, "--thermostats"), "modules": (list(MODULES), "--modules")}
    faults: tuple[SettingsFault, ...] = (SettingsFault("--none", "", ""),)
    try:
        _constructed(load(None, {}, overrides=overrides))
    except SettingsError as refused:
        faults = refused.faults
    assert faults
    assert all(fault.place.startswith("--") for fault in faults)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=60)
    | st.lists(st.sampled_from([*_KEYS, *_WORDS, ": ", "- ", "\n", "\n  ", "{", "}", "[", "]", ", ", "'", "&a ", "*a"])).map("".join)
)
def test_whatever_text_is_written_it_is_settings_or_faults_with_a_place(text: str, tmp_path: Path) -> None:
    path = written(tmp_path, "thermostats: " + text.encode("utf-8", "replace").decode())
    places = [str(path)]
    try:
        _constructed(load(path, {}))
    except SettingsError as refused:
        places = [fault.place for fault in refused.faults]
    assert places
    assert all(place.startswith(str(path)) for place in places)


_MOSTLY = {
    "c": (-10.0, 60.0),
    "s": (0.0, 4000.0),
    "k": (0.1, 5.0),
    "h": (-5.0, 0.5),
    "duty": (0.0, 0.15),
    "share": (0.0, 1.0),
    "stroke": (0.0, 1.1),
}


def _figures(section: type[BaseModel]) -> st.SearchStrategy[dict[str, object]]:
    """Figures for the keys of a section that take one, by their units; most of them can be."""
    spans = {key: _MOSTLY.get(key.rpartition("_")[2]) for key in section.model_fields}
    drawn = {key: st.floats(*span).map(lambda number: round(number, 2)) for key, span in spans.items() if span is not None}
    return st.sets(st.sampled_from(sorted(drawn)), max_size=2).flatmap(
        lambda keys: st.fixed_dictionaries({key: drawn[key] for key in keys})
    )


_FIGURED = st.fixed_dictionaries(
    {
        "heater": st.sampled_from(["heaters/living", ["heaters/4", "heaters/5"], "valves/mixer"]),
        "cooler": st.sampled_from([[], "heaters/6"]),
    },
    optional={
        "analog": _figures(AnalogSettings),
        "cooling": _figures(DriveKeys),
        "presets": _figures(PresetsSettings),
        "window": _figures(WindowSettings),
        "sensing": _figures(SensingSettings),
        "weather": _figures(WeatherSettings),
        "limiter": _figures(LimiterSettings).map(lambda keys: {"sensor": "boiler-room/return", "limit_c": 60, **keys}),
        "on_sensor_loss": _figures(SensorLossSettings),
        "mode": st.sampled_from(["off", "heat", "cool", "auto"]),
        "drive": st.sampled_from(["auto", "plain", "deadman"]),
        "schedule": st.sampled_from([{"zone": "UTC", "daily": ["06:00 eco", "09:00 40"]}, {"zone": "UTC"}]),
    },
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(sections=_FIGURED, figures=_figures(ThermostatSettings))
def test_whatever_figures_are_chosen_a_fault_is_at_a_key_of_its_own(sections: dict[str, object], figures: dict[str, object]) -> None:
    keys = ["thermostats.0.none"]
    try:
        _constructed(of(**sections, **figures))
    except SettingsError as refused:
        keys = [fault.key for fault in refused.faults]
    assert keys
    assert all(key.startswith("thermostats.0.") for key in keys)
