import pytest

from lucid2mqtt.settings import Settings
from tests.unit.settings.thermostat_files import RIGHT, fault_in, faults_of, of


def warnings_of(settings: Settings) -> list[tuple[str, str]]:
    return [(warning.key.removeprefix("thermostats.0."), warning.message) for warning in settings.warnings]


@pytest.mark.parametrize(
    ("keys", "key", "word"),
    [
        ({"target_c": 36}, "target_c", "36 °C is outside minimum_c 5 and maximum_c 35"),
        ({"target_c": 10, "minimum_c": 12}, "target_c", "outside"),
        ({"minimum_c": 30, "maximum_c": 20}, "minimum_c", "30 °C is not below maximum_c, 20 °C"),
        ({"maximum_c": 130}, "maximum_c", "readings above sensing.maximum_c, 120 °C, are not believed"),
        ({"presets": {"eco_c": 3}}, "presets.eco_c", "3 °C is outside"),
        ({"presets": {"boost_c": 60}}, "presets.boost_c", "60 °C is outside"),
        ({"presets": {"frost_c": 36}}, "presets.frost_c", "36 °C is outside"),
        ({"sensing": {"minimum_c": 50, "maximum_c": 40}}, "sensing.minimum_c", "not below"),
        ({"weather": {"minimum_c": 70}}, "weather.minimum_c", "not below"),
        ({"mode": "cool"}, "mode", "cool, but there is no cooler"),
        ({"mode": "auto"}, "mode", "auto, but there is no cooler"),
        ({"mode": "heat", "heater": None, "cooler": "heaters/living"}, "mode", "heat, but there is no heater"),
        ({"heater": None}, "", "needs a heater or a cooler"),
        ({"heater": []}, "", "needs a heater or a cooler"),
        ({"cooling": {}}, "cooling", "a cooler beside a heater"),
        ({"heater": None, "cooler": "heaters/living", "cooling": {"cycle_s": 60}}, "cooling", "a cooler beside a heater"),
        ({"hold_s": 10}, "hold_s", "10 s is less than 3 x retrigger_s, 15 s"),
        ({"cycle_s": 60, "min_on_s": 40, "min_off_s": 30}, "cycle_s", "60 s is shorter than min_on_s and min_off_s together, 70 s"),
        ({"cooler": "heaters/5", "cooling": {"cycle_s": 60, "min_on_s": 70}}, "cooling.cycle_s", "shorter"),
        ({"bank": {"shares": [1, 2]}}, "bank.shares", "2 shares for 1 outputs"),
        ({"heater": "valves/mixer", "analog": {}, "cycle_s": 60}, "cycle_s", "for relays, but the output is analog"),
        ({"heater": "valves/mixer", "analog": {}, "bank": {}}, "bank", "for relays"),
        ({"heater": "valves/mixer", "analog": {}, "drive": "deadman"}, "drive", "an analog output keeps its value"),
        ({"heater": ["valves/mixer", "valves/1"], "analog": {}}, "analog", "2 are named"),
        ({"heater": "valves/mixer", "analog": {"low": 4, "high": 4}}, "analog.high", "two different numbers"),
        ({"heater": "valves/mixer", "analog": {"least_stroke": 0.5, "most_stroke": 0.4}}, "analog.least_stroke", "below most_stroke"),
        ({"heater": "valves/mixer", "analog": {"points": [[0, 0], [1, 0.5]]}}, "analog.points", "from [0, 0] to [1, 1]"),
        ({"heater": "valves/mixer", "analog": {"points": [[0, 0, 0], [1, 1]]}}, "analog.points", "in pairs"),
        ({"heater": "valves/mixer", "analog": {"points": [[0, 0], [0.5, 0.6], [0.5, 0.7], [1, 1]]}}, "analog.points", "must rise"),
        ({"limiter": {"sensor": "plant/0", "limit_c": 300}}, "limiter.limit_c", "between -30 and 250"),
        ({"window": {"slope_k_per_h": 0}}, "window.slope_k_per_h", "nothing tells that the window is open"),
        ({"schedule": {"zone": "UTC"}}, "schedule", "has no switching time"),
        ({"schedule": {"zone": "UTC", "sat": []}}, "schedule", "has no switching time"),
        ({"schedule": {"zone": "UTC", "daily": ["06:00 boost"]}}, "schedule.daily.0", "'boost' is neither"),
        ({"schedule": {"zone": "UTC", "daily": ["06:00 eco", "6.30 eco"]}}, "schedule.daily.1", "'6.30 eco' is not an entry"),
        ({"schedule": {"zone": "UTC", "daily": ["06:00 eco", "7:00 40"]}}, "schedule.daily.1", "40 °C is outside"),
        ({"schedule": {"zone": "UTC", "monday": ["06:00 eco"]}}, "schedule.monday", "'monday' in 'monday' is not a day"),
        ({"schedule": {"zone": "UTC", "Daily": ["06:00 eco"]}}, "schedule.Daily", "is not a day"),
        ({"schedule": {"zone": "UTC", "mon-fri": ["06:00 eco"], "fri": []}}, "schedule.fri", "fri is named twice"),
        ({"schedule": {"zone": "UTC", "mon": ["06:00 eco", "06:00 away"]}}, "schedule.mon", "two entries at 06:00"),
    ],
)
def test_figures_that_exclude_each_other_are_told_at_the_key_to_change(keys: dict[str, object], key: str, word: str) -> None:
    found = fault_in(**keys)
    assert found[0] == f"thermostats.0.{key}".rstrip(".")
    assert word in found[1]


def test_a_limit_on_a_bank_is_right_with_a_share_for_each() -> None:
    assert of(heater=["heaters/living", "heaters/5"], bank={"shares": [1, 2]}).climate_options()


def test_all_days_that_are_wrong_are_told_and_do_not_hide_each_other() -> None:
    schedule = {"zone": "UTC", "mon": ["6 eco", "06:00 60"], "mondy": ["06:00 eco"], "tue": ["06:00 eco"], "mon-wed": ["07:00 eco"]}
    found = faults_of({**RIGHT, "schedule": schedule})
    assert [key.removeprefix("thermostats.0.schedule.") for key, _, _ in found] == ["mon.0", "mon.1", "mondy", "mon-wed"]


@pytest.mark.parametrize(
    ("keys", "key", "word"),
    [
        ({"limiter": {"sensor": "Boiler room/Flow", "limit_c": 60}}, "limiter.sensor", "is a sensor of the thermostat too"),
        ({"outdoor": "Boiler room/Flow"}, "outdoor", "is a sensor of the thermostat too"),
        ({"fusion": "median"}, "fusion", "the median of fewer than three"),
        ({"hysteresis_k": 0.5}, "hysteresis_k", "no effect with law: pid"),
        ({"law": "on_off", "gains": {"kp": 1, "ki": 0}}, "gains", "no effect with law: on_off"),
    ],
)
def test_what_is_doubtful_is_a_warning_and_runs(keys: dict[str, object], key: str, word: str) -> None:
    settings = of(**keys)
    ((found, message),) = warnings_of(settings)
    assert found == key
    assert word in message
    assert settings.climate_options()


@pytest.mark.parametrize("machine", ["UTC", "nonsense"])
def test_a_machine_without_a_zone_of_its_own_is_a_warning_until_a_zone_is_written(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    monkeypatch.setenv("TZ", machine)
    ((key, message),) = warnings_of(of(schedule={"daily": ["06:00 eco"]}))
    assert key == "schedule.zone"
    assert message.endswith("switching times are taken as UTC")
    assert warnings_of(of(schedule={"daily": ["06:00 eco"], "zone": "UTC"})) == []
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert warnings_of(of(schedule={"daily": ["06:00 eco"]})) == []
