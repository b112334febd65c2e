from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.presets import OFFERED, Preset, PresetOptions, Presets, Target, Wanted
from lucid2mqtt.control.schedule import Switch
from lucid2mqtt.errors import Reason, RequestRejected

OPTIONS = PresetOptions()


def presets(preset: Preset = Preset.NONE, options: PresetOptions = OPTIONS) -> Presets:
    return Presets(options, manual_c=20.0, preset=preset)


def switch(hour: int, wanted: Wanted) -> Switch:
    return Switch(datetime(2026, 11, 23, hour, tzinfo=UTC), wanted)


def target(of: Presets, now: float = 0.0, *, follows_schedule: bool = True, is_off: bool = False, window_open: bool = False) -> Target:
    return of.target(now, follows_schedule=follows_schedule, is_off=is_off, window_open=window_open)


@pytest.mark.parametrize(
    ("name", "celsius"), [("away", 16.0), ("eco", 18.0), ("comfort", 21.0), ("boost", 23.0), ("frost", 5.0), (" Comfort ", 21.0)]
)
def test_a_chosen_preset_gives_its_temperature(name: str, celsius: float) -> None:
    chosen = presets()
    chosen.choose(name, 0.0)
    assert target(chosen).target_c == celsius
    assert target(chosen).preset == Preset(name.strip().lower())


def test_a_target_that_nobody_set_is_that_of_the_settings() -> None:
    assert target(presets(), follows_schedule=False).reason == "target of the settings"


def test_none_goes_back_to_the_target_set_by_hand() -> None:
    chosen = presets()
    chosen.set_target(19.5)
    chosen.choose("eco", 0.0)
    chosen.choose("none", 0.0)
    assert target(chosen, follows_schedule=False) == Target(19.5, Preset.NONE, "set by hand")


def test_a_target_set_by_hand_ends_the_preset() -> None:
    chosen = presets()
    chosen.choose("away", 0.0)
    chosen.set_target(22.0)
    assert target(chosen, follows_schedule=False) == Target(22.0, Preset.NONE, "set by hand")


@pytest.mark.parametrize("name", ["party", "", "comfort eco", "x" * 1000])
def test_an_unknown_preset_is_refused_with_what_there_is(name: str) -> None:
    chosen = presets(Preset.ECO)
    with pytest.raises(RequestRejected) as refusal:
        chosen.choose(name, 0.0)
    assert refusal.value.reason is Reason.NOT_UNDERSTOOD
    assert refusal.value.remedy == "choose one of none, away, eco, comfort, boost, frost"
    assert len(str(refusal.value)) < 100
    assert target(chosen).preset is Preset.ECO


@pytest.mark.parametrize("celsius", [4.9, 35.1, math.nan, math.inf])
def test_a_target_outside_the_limits_is_refused(celsius: float) -> None:
    chosen = presets()
    with pytest.raises(RequestRejected) as refusal:
        chosen.set_target(celsius)
    assert (refusal.value.reason, refusal.value.remedy) == (Reason.OUT_OF_RANGE, "send 5 to 35 °C")
    assert chosen.manual_c == 20.0


def test_boost_ends_by_itself_and_returns_to_what_was_before() -> None:
    chosen = presets()
    chosen.choose("eco", 0.0)
    chosen.choose("boost", 100.0)
    assert target(chosen, 100.0 + 1799.0).target_c == 23.0
    assert target(chosen, 100.0).reason == "boost for another 30 min"
    assert target(chosen, 100.0 + 1800.0).preset is Preset.ECO


def test_boost_over_a_target_set_by_hand_returns_to_it() -> None:
    chosen = presets()
    chosen.set_target(19.0)
    chosen.choose("boost", 0.0, for_s=600.0)
    assert target(chosen, 600.0, follows_schedule=False).target_c == 19.0


def test_boost_again_starts_its_time_anew() -> None:
    chosen = presets()
    chosen.choose("boost", 0.0)
    chosen.choose("boost", 1000.0)
    assert target(chosen, 2700.0).preset is Preset.BOOST
    assert target(chosen, 2800.0).preset is Preset.NONE


@pytest.mark.parametrize("for_s", [0.0, 59.0, 86401.0, math.nan])
def test_boost_for_a_senseless_time_is_refused(for_s: float) -> None:
    with pytest.raises(RequestRejected) as refusal:
        presets().choose("boost", 0.0, for_s=for_s)
    assert refusal.value.reason is Reason.OUT_OF_RANGE


def test_only_boost_has_a_timer() -> None:
    with pytest.raises(RequestRejected, match="preset eco has no timer"):
        presets().choose("eco", 0.0, for_s=600.0)


def test_anything_chosen_during_boost_ends_it() -> None:
    chosen = presets()
    chosen.choose("boost", 0.0)
    chosen.choose("eco", 1.0)
    assert target(chosen, 2.0).preset is Preset.ECO
    chosen.choose("boost", 3.0)
    chosen.set_target(20.5)
    assert target(chosen, 4.0).target_c == 20.5


def test_the_schedule_gives_the_target_where_nothing_was_chosen() -> None:
    chosen = presets(Preset.ECO)
    chosen.follow(switch(6, Preset.COMFORT))
    assert target(chosen) == Target(21.0, Preset.COMFORT, "schedule", from_schedule=True)
    chosen.follow(switch(8, 19.5))
    assert target(chosen) == Target(19.5, Preset.NONE, "schedule", from_schedule=True)
    assert target(chosen, follows_schedule=False).preset is Preset.ECO


def test_a_scheduled_temperature_is_kept_within_the_limits() -> None:
    chosen = presets()
    chosen.follow(switch(6, 60.0))
    assert target(chosen).target_c == 35.0


@pytest.mark.parametrize("by_hand", ["eco", "target"])
def test_a_choice_stands_until_the_next_switching_time(by_hand: str) -> None:
    chosen = presets()
    chosen.follow(switch(6, Preset.COMFORT))
    if by_hand == "eco":
        chosen.choose("eco", 0.0)
    else:
        chosen.set_target(18.0)
    chosen.follow(switch(6, Preset.COMFORT))
    assert target(chosen).target_c == 18.0
    assert "until the next switching time" in target(chosen).reason
    chosen.follow(switch(22, 17.0))
    assert target(chosen).target_c == 17.0


def test_a_choice_made_just_before_a_switching_time_ends_with_it() -> None:
    chosen = presets()
    chosen.follow(switch(6, Preset.COMFORT))
    chosen.choose("boost", 0.0)
    chosen.set_target(18.0)
    chosen.follow(switch(22, 17.0))
    assert target(chosen).target_c == 17.0


@pytest.mark.parametrize("name", ["away", "frost"])
def test_away_and_frost_outlast_the_schedule(name: str) -> None:
    chosen = presets()
    chosen.follow(switch(6, Preset.COMFORT))
    chosen.choose(name, 0.0)
    chosen.follow(switch(22, Preset.ECO))
    assert target(chosen) == Target(OPTIONS.of(Preset(name)), Preset(name), f"preset {name}", heats_only=True)
    chosen.choose("none", 1.0)
    assert target(chosen) == Target(18.0, Preset.ECO, "schedule", heats_only=True, from_schedule=True)


def test_boost_returns_to_the_schedule_as_it_is_by_then() -> None:
    chosen = presets()
    chosen.follow(switch(6, Preset.COMFORT))
    chosen.choose("boost", 0.0)
    chosen.follow(switch(7, Preset.ECO))
    assert target(chosen, 1.0).preset is Preset.BOOST
    assert target(chosen, 1800.0).preset is Preset.ECO


def test_an_unset_clock_leaves_the_last_entry_in_force() -> None:
    chosen = presets()
    chosen.follow(switch(6, Preset.COMFORT))
    chosen.follow(None)
    assert target(chosen).preset is Preset.COMFORT


def test_an_unset_clock_from_the_beginning_leaves_what_was_declared() -> None:
    chosen = presets(Preset.ECO)
    chosen.follow(None)
    assert target(chosen).target_c == 18.0


def test_a_choice_made_before_the_clock_was_set_stands_until_the_first_switching_time_seen_to_come() -> None:
    chosen = presets()
    chosen.choose("comfort", 0.0)
    chosen.follow(switch(6, Preset.ECO))
    assert target(chosen).preset is Preset.COMFORT
    chosen.follow(switch(7, Preset.ECO))
    assert target(chosen).preset is Preset.ECO


def test_an_open_window_leaves_the_frost_floor_and_keeps_the_choice() -> None:
    chosen = presets(Preset.COMFORT)
    assert target(chosen, window_open=True) == Target(5.0, Preset.COMFORT, "window open, frost protection only", heats_only=True)
    assert target(chosen).target_c == 21.0


def test_off_leaves_the_frost_floor() -> None:
    assert target(presets(), is_off=True) == Target(5.0, Preset.NONE, "off, frost protection only", heats_only=True)


def test_what_saves_is_never_cooled_towards() -> None:
    chosen = presets()
    cools = {}
    for preset in Preset:
        chosen.choose(preset, 0.0)
        cools[preset] = not target(chosen, follows_schedule=False).heats_only
    assert [preset for preset in Preset if cools[preset]] == [Preset.NONE, Preset.COMFORT, Preset.BOOST]
    assert target(chosen, is_off=True).heats_only
    assert target(chosen, window_open=True).heats_only


def test_without_a_frost_floor_off_means_no_heating() -> None:
    chosen = presets(options=PresetOptions(frost_floor=False))
    assert target(chosen, is_off=True) == Target(None, Preset.NONE, "off, no heating", heats_only=True)
    assert target(chosen, window_open=True).target_c is None


def test_no_target_goes_below_the_frost_floor() -> None:
    chosen = presets(options=PresetOptions(frost_c=7.0))
    chosen.set_target(5.5)
    assert target(chosen) == Target(7.0, Preset.NONE, "set by hand, until the next switching time, raised to the frost floor")


@pytest.mark.parametrize("fields", [{"eco_c": 40.0}, {"away_c": 3.0}, {"frost_c": 36.0}, {"comfort_c": math.nan}, {"boost_s": 10.0}])
def test_options_that_do_not_fit_together_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        PresetOptions(**fields)  # type: ignore[arg-type]


def test_boost_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="boost has a timer"):
        presets(Preset.BOOST)


def test_home_assistant_is_not_offered_none() -> None:
    assert OFFERED == (Preset.AWAY, Preset.ECO, Preset.COMFORT, Preset.BOOST, Preset.FROST)


WISHES = st.lists(
    st.one_of(
        st.tuples(st.just("choose"), st.sampled_from(Preset)),
        st.tuples(st.just("target"), st.floats(5, 35)),
        st.tuples(st.just("follow"), st.builds(switch, st.integers(0, 23), st.one_of(st.just(Preset.ECO), st.floats(5, 35)))),
    ),
    max_size=6,
)


def wish(of: Presets, wishes: list[tuple[str, object]]) -> None:
    for kind, what in wishes:
        if kind == "choose":
            of.choose(str(what), 0.0)
        elif kind == "target":
            of.set_target(what)  # type: ignore[arg-type]
        else:
            of.follow(what)  # type: ignore[arg-type]


@given(WISHES, WISHES)
def test_a_restart_changes_nothing(before: list[tuple[str, object]], after: list[tuple[str, object]]) -> None:
    lasting = presets()
    wish(lasting, before)
    restarted = presets()
    restarted.restore(json.loads(json.dumps(lasting.saved(0.0))), 1000.0, outage_s=0.0)
    assert target(restarted, 1000.0) == target(lasting, 0.0)
    assert target(restarted, 2799.0) == target(lasting, 1799.0)
    assert target(restarted, 2800.0) == target(lasting, 1800.0)


def test_a_choice_is_ended_by_a_switching_time_that_passed_during_an_outage() -> None:
    chosen = presets()
    chosen.follow(switch(6, Preset.COMFORT))
    chosen.choose("eco", 0.0)
    restarted = presets()
    restarted.restore(chosen.saved(0.0), 0.0)
    restarted.follow(switch(6, Preset.COMFORT))
    assert target(restarted).preset is Preset.ECO
    restarted.follow(switch(22, 17.0))
    assert target(restarted).target_c == 17.0


@pytest.mark.parametrize(("outage_s", "left_s"), [(None, 1000.0), (400.0, 600.0), (-50.0, 1000.0), (2000.0, 0.0)])
def test_the_time_of_an_outage_counts_for_boost_where_it_is_known(outage_s: float | None, left_s: float) -> None:
    chosen = presets()
    chosen.choose("boost", 0.0)
    restarted = presets()
    restarted.restore(chosen.saved(800.0), 50.0, outage_s=outage_s)
    assert (target(restarted, 50.0 + left_s - 1).preset is Preset.BOOST) is (left_s > 0)
    assert target(restarted, 50.0 + left_s).preset is Preset.NONE


@pytest.mark.parametrize(
    "change",
    [
        {"preset": "boost"},
        {"scheduled": "boost"},
        {"preset": "party"},
        {"preset": 3},
        {"by_hand": "yes"},
        {"by_hand": None},
        {"manual_c": True},
        {"chosen_under": "2026-11-23T06:00:00"},
        {"chosen_under": "yesterday"},
        {"boost_left_s": -1.0},
        {"boost_left_s": 1e9},
        {"scheduled": []},
    ],
)
def test_a_spoilt_document_is_refused_and_changes_nothing(change: dict[str, object]) -> None:
    chosen = presets(Preset.ECO)
    spoilt = {**presets(Preset.COMFORT).saved(0.0), **change}
    with pytest.raises(ValueError, match=r"."):
        chosen.restore(spoilt, 0.0)
    assert target(chosen).preset is Preset.ECO


def test_a_document_whose_target_is_outside_new_limits_is_brought_inside() -> None:
    chosen = presets()
    chosen.restore({**presets().saved(0.0), "manual_c": 80.0}, 0.0)
    assert chosen.manual_c == 35.0


def test_what_nobody_chose_follows_the_settings_and_not_the_disk() -> None:
    before = presets(Preset.ECO)
    restarted = Presets(OPTIONS, manual_c=17.0, preset=Preset.COMFORT)
    restarted.restore(before.saved(0.0), 0.0)
    assert target(restarted).preset is Preset.COMFORT
    restarted.choose("none", 0.0)
    assert target(restarted).target_c == 17.0


def test_what_was_chosen_follows_the_disk_and_not_the_settings() -> None:
    before = presets(Preset.ECO)
    before.set_target(19.0)
    restarted = Presets(OPTIONS, manual_c=17.0, preset=Preset.COMFORT)
    restarted.restore(before.saved(0.0), 0.0)
    assert target(restarted).target_c == 19.0
