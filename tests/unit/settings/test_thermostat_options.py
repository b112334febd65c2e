from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.analog_drive import AnalogOptions
from lucid2mqtt.control.autotune import AutotuneOptions
from lucid2mqtt.control.deadman import DriveWish, HoldWindow
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Mode
from lucid2mqtt.control.failure import Failsafe, FailureOptions, LoopBreakAction
from lucid2mqtt.control.feedforward import FeedForwardOptions
from lucid2mqtt.control.limiter import LimiterKind, LimiterOptions, OnTimeOptions
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.presets import Preset, PresetOptions
from lucid2mqtt.control.regulator import LawKind, RegulatorOptions
from lucid2mqtt.control.sensing import Fusion, SensingOptions
from lucid2mqtt.control.staging import Arrangement, BankOptions
from lucid2mqtt.control.tuning import Gains, Rule
from lucid2mqtt.control.window import WindowOptions
from lucid2mqtt.domain.channel import Contact
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.remote import REPEAT_S, RemoteOptions
from lucid2mqtt.settings.thermostat_control import AutotuneSettings, LimiterSettings, SensingSettings, SensorLossSettings, WeatherSettings
from lucid2mqtt.settings.thermostat_drive import AnalogSettings, BankSettings, DriveKeys
from lucid2mqtt.settings.thermostats import PresetsSettings, ThermostatSettings, WindowSettings
from lucid2mqtt.settings.tree import shape
from tests.unit.settings.thermostat_files import loaded, of


def test_the_defaults_are_those_of_engine_and_controller() -> None:
    (options,) = of().climate_options()
    assert options == ClimateOptions(
        name="living", label="Living", sensors=(ChannelRef("boiler-room", "flow"),), heating=(ChannelRef("heaters", "living"),)
    )
    (watching,) = of(window={}, limiter={"sensor": "boiler-room/return", "limit_c": 60}).climate_options()
    assert watching.window == WindowOptions()
    assert watching.control.limiter == LimiterOptions(limit_c=60)
    (valve,) = of(heater="valves/mixer", analog={}).climate_options()
    assert valve.control.heating == DriveOptions(analog=AnalogOptions())


@pytest.mark.parametrize(
    ("section", "key", "words", "unused"),
    [
        (ThermostatSettings, "fusion", Fusion, set()),
        (ThermostatSettings, "drive", DriveWish, set()),
        (ThermostatSettings, "mode", Mode, {"manual"}),
        (ThermostatSettings, "preset", Preset, {"boost"}),
        (ThermostatSettings, "law", LawKind, set()),
        (ThermostatSettings, "rule", Rule, set()),
        (BankSettings, "arrangement", Arrangement, set()),
        (LimiterSettings, "kind", LimiterKind, set()),
        (SensorLossSettings, "failsafe", Failsafe, set()),
    ],
)
def test_the_words_are_those_of_the_controller(section: type[BaseModel], key: str, words: type[StrEnum], unused: set[str]) -> None:
    assert set(get_args(shape(section, (key,)))) == {word.value for word in words} - unused


def test_every_contact_can_be_named_and_every_action_chosen() -> None:
    assert set(get_args(shape(DriveKeys, ("contact",)))) == {"auto", *(contact.value for contact in Contact)}
    assert set(get_args(shape(ThermostatSettings, ("supervision", "loop_break")))) == {action.value for action in LoopBreakAction}


@pytest.mark.parametrize(
    ("options", "section", "elsewhere"),
    [
        (SensingOptions, SensingSettings, {"fusion"}),
        (AnalogOptions, AnalogSettings, set()),
        (BankOptions, BankSettings, {"heaters"}),
        (DriveOptions, DriveKeys, set()),
        (FeedForwardOptions, WeatherSettings, set()),
        (AutotuneOptions, AutotuneSettings, set()),
        (PresetOptions, PresetsSettings, {"minimum_c", "maximum_c"}),
        (WindowOptions, WindowSettings, set()),
        (LimiterOptions, LimiterSettings, set()),
        (FailureOptions, SensorLossSettings, {"loop_break", "loop_break_s", "mismatch_s"}),
        (HoldWindow, ThermostatSettings, set()),
        (OnTimeOptions, ThermostatSettings, set()),
        (RegulatorOptions, ThermostatSettings, {"loss_duty_per_k", "sample_s"}),
        (ThermostatOptions, ThermostatSettings, {"regulator", "heating", "cooling", "failure", "on_time"}),
        (
            ClimateOptions,
            ThermostatSettings,
            {"label", "heating", "cooling", "window_contact", "window_open_is", "control", "starts_early", "hold"},
        ),
    ],
)
def test_everything_the_controller_can_be_told_has_a_key(options: Any, section: type[BaseModel], elsewhere: set[str]) -> None:
    assert {field.name for field in fields(options)} - elsewhere <= section.model_fields.keys()


def test_every_key_arrives() -> None:
    (options,) = of(
        name="Großer Raum",
        sensors=["Boiler room/Flow", "boiler-room/return"],
        fusion="mean",
        sensing={"minimum_c": 1, "maximum_c": 99, "stale_s": 30, "rate_k_per_min": 4, "disagreement_k": 3, "disagreement_s": 60},
        outdoor="plant/0",
        heater=["heaters/living", "heaters/5"],
        cooler="valves/mixer",
        cooling={
            "analog": {
                "low": 2,
                "high": 9,
                "points": [[0, 0], [0.5, 0.2], [1, 1]],
                "least_stroke": 0.1,
                "most_stroke": 0.9,
                "dead_band": 0.05,
            }
        },
        drive="plain",
        hold_s=30,
        retrigger_s=7,
        contact="solid state",
        cycle_s=600,
        min_on_s=20,
        min_off_s=10,
        bank={"arrangement": "staggered", "shares": [1, 2], "rotates": False},
        mode="auto",
        target_c=20,
        preset="eco",
        minimum_c=6,
        maximum_c=28,
        presets={"away_c": 14, "eco_c": 17, "comfort_c": 20, "boost_c": 24, "boost_s": 900, "frost_c": 4, "frost_floor": False},
        schedule={"zone": "UTC", "starts_early": False, "daily": ["06:30 comfort"], "sat,sun": ["08:00 21.5", "23:00 eco"]},
        window={
            "contact": "heaters/window",
            "open_is": False,
            "open_delay_s": 1,
            "close_delay_s": 2,
            "slope_k_per_h": 0,
            "slope_span_s": 100,
            "longest_pause_s": 200,
        },
        law="on_off",
        hysteresis_k=0.5,
        rule="simc_pi",
        ramp_k_per_h=2,
        weather={"loss_duty_per_k": 0.02, "longest_age_s": 600, "minimum_c": -20, "maximum_c": 40},
        dead_zone_k=2,
        changeover_s=300,
        autotune={"excursion_k": 2, "longest_s": 7200},
        limiter={
            "sensor": "plant/0",
            "limit_c": 60,
            "hysteresis_k": 3,
            "kind": "monitor",
            "stale_s": 20,
            "break_s": 10,
            "minimum_c": -1,
            "maximum_c": 90,
            "lead_s": 5,
        },
        on_sensor_loss={"failsafe": "off", "glitch_s": 1, "failed_after_s": 2, "degraded_share": 0.5, "frost_duty": 0.1},
        supervision={"loop_break": "safe", "loop_break_s": 300, "mismatch_s": 4},
        longest_on_s=7200,
        most_duty=0.7,
        rated_closures=50_000,
    ).climate_options()
    assert options.schedule is not None
    assert [[str(entry) for entry in day] for day in options.schedule.week[4:6]] == [["06:30 comfort"], ["08:00 21.5", "23:00 eco"]]
    assert options == ClimateOptions(
        name="grosser-raum",
        label="Großer Raum",
        sensors=(ChannelRef("boiler-room", "flow"), ChannelRef("boiler-room", "return")),
        heating=(ChannelRef("heaters", "living"), ChannelRef("heaters", "5")),
        cooling=(ChannelRef("valves", "mixer"),),
        limiter=ChannelRef("plant", "0"),
        outdoor=ChannelRef("plant", "0"),
        window_contact=ChannelRef("heaters", "window"),
        window_open_is=False,
        control=ThermostatOptions(
            sensing=SensingOptions(
                fusion=Fusion.MEAN, minimum_c=1, maximum_c=99, stale_s=30, rate_k_per_min=4, disagreement_k=3, disagreement_s=60
            ),
            regulator=RegulatorOptions(law=LawKind.ON_OFF, hysteresis_k=0.5, ramp_k_per_h=2, loss_duty_per_k=0.02, sample_s=2.0),
            heating=DriveOptions(
                bank=BankOptions(heaters=2, arrangement=Arrangement.STAGGERED, shares=(1, 2), rotates=False),
                contact=Contact.SOLID_STATE,
                cycle_s=600,
                min_on_s=20,
                min_off_s=10,
            ),
            cooling=DriveOptions(
                analog=AnalogOptions(low=2, high=9, points=((0, 0), (0.5, 0.2), (1, 1)), least_stroke=0.1, most_stroke=0.9, dead_band=0.05)
            ),
            failure=FailureOptions(
                failsafe=Failsafe.OFF,
                glitch_s=1,
                failed_after_s=2,
                degraded_share=0.5,
                frost_duty=0.1,
                loop_break=LoopBreakAction.SAFE,
                loop_break_s=300,
                mismatch_s=4,
            ),
            limiter=LimiterOptions(
                limit_c=60, hysteresis_k=3, kind=LimiterKind.MONITOR, stale_s=20, break_s=10, minimum_c=-1, maximum_c=90, lead_s=5
            ),
            on_time=OnTimeOptions(longest_on_s=7200, most_duty=0.7),
            weather=FeedForwardOptions(loss_duty_per_k=0.02, longest_age_s=600, minimum_c=-20, maximum_c=40),
            autotune=AutotuneOptions(excursion_k=2, longest_s=7200),
            rule=Rule.SIMC_PI,
            dead_zone_k=2,
            changeover_s=300,
        ),
        presets=PresetOptions(
            away_c=14, eco_c=17, comfort_c=20, boost_c=24, boost_s=900, frost_c=4, frost_floor=False, minimum_c=6, maximum_c=28
        ),
        schedule=options.schedule,
        starts_early=False,
        window=WindowOptions(open_delay_s=1, close_delay_s=2, slope_k_per_h=None, slope_span_s=100, longest_pause_s=200),
        drive=DriveWish.PLAIN,
        hold=HoldWindow(hold_s=30, retrigger_s=7),
        mode=Mode.AUTO,
        target_c=20,
        preset=Preset.ECO,
        rated_closures=50_000,
    )


def test_gains_of_the_owner_arrive() -> None:
    assert of(gains={"kp": 0.2, "ki": 1e-4, "kd": 3}).climate_options()[0].control.gains == Gains(0.2, 1e-4, 3)


def test_a_cooler_alone_is_driven_by_the_thermostats_own_keys_and_cools_by_itself() -> None:
    (options,) = of(heater=None, cooler="heaters/living", cycle_s=900).climate_options()
    assert options.mode is Mode.COOL
    assert options.control.heating is None
    assert options.control.cooling == DriveOptions(cycle_s=900)


def test_a_cooler_beside_a_heater_has_keys_of_its_own() -> None:
    (options,) = of(cooler="heaters/5", cycle_s=900, cooling={"cycle_s": 60}).climate_options()
    assert options.mode is Mode.HEAT
    assert [drive.cycle_s for drive in (options.control.heating, options.control.cooling) if drive is not None] == [900, 60]


def test_defaults_of_target_and_presets_keep_within_the_limits() -> None:
    (vessel,) = of(minimum_c=40, maximum_c=80).climate_options()
    assert (vessel.target_c, vessel.presets.away_c, vessel.presets.boost_c, vessel.presets.frost_c) == (40, 40, 40, 5)
    (cellar,) = of(minimum_c=0, maximum_c=4).climate_options()
    assert (cellar.target_c, cellar.presets.comfort_c, cellar.presets.frost_c) == (4, 4, 4)


@pytest.mark.parametrize(
    ("sensors", "sample_s"),
    [
        (["boiler-room/flow"], 1.0),
        (["boiler-room/flow", "boiler-room/return"], 2.0),
        ([{"topic": "a"}, "boiler-room/return"], 2.0),
        ([{"topic": "a"}], REPEAT_S),
    ],
)
def test_it_controls_at_the_pace_of_its_slowest_sensor(sensors: list[object], sample_s: float) -> None:
    assert of(sensors=sensors).climate_options()[0].control.regulator.sample_s == sample_s


def test_values_by_topic_have_channels_of_their_own_each_once() -> None:
    room = {"topic": "zigbee2mqtt/living", "key": "temperature", "max_age_s": 600}
    settings = loaded(
        {
            "name": "a",
            "sensors": [room, {"topic": "zigbee2mqtt/living", "key": "local_temperature"}],
            "heater": "heaters/living",
            "outdoor": {"topic": "a/b"},
        },
        {"name": "b", "sensors": [room, {"topic": "a-b"}, {"topic": "天"}], "heater": "heaters/5"},
    )
    assert settings.remote_options() == (
        RemoteOptions(ChannelRef("remote", "zigbee2mqtt-living-temperature"), "zigbee2mqtt/living", "temperature", 600),
        RemoteOptions(ChannelRef("remote", "zigbee2mqtt-living-local_temperature"), "zigbee2mqtt/living", "local_temperature"),
        RemoteOptions(ChannelRef("remote", "a-b"), "a/b"),
        RemoteOptions(ChannelRef("remote", "a-b-2"), "a-b"),
        RemoteOptions(ChannelRef("remote", "value"), "天"),
    )
    first, second = settings.climate_options()
    assert (first.sensors[0], first.outdoor) == (second.sensors[0], ChannelRef("remote", "a-b"))
    assert second.sensors[1:] == (ChannelRef("remote", "a-b-2"), ChannelRef("remote", "value"))


@pytest.mark.parametrize(("machine", "hour"), [("Europe/Berlin", 5), ("UTC", 6), ("nonsense", 6)])
def test_without_a_zone_the_week_is_in_the_time_of_the_machine(monkeypatch: pytest.MonkeyPatch, machine: str, hour: int) -> None:
    monkeypatch.setenv("TZ", machine)
    (options,) = of(schedule={"mon": ["06:00 eco"]}).climate_options()
    assert options.schedule is not None
    switch = options.schedule.next_change(datetime(2026, 1, 4, tzinfo=UTC))
    assert switch is not None
    assert switch.at == datetime(2026, 1, 5, hour, tzinfo=UTC)
