import math

import pytest

from lucid2mqtt.control.alarms import Alarm, AlarmName
from lucid2mqtt.replay.moment import Moment
from lucid2mqtt.replay.summary import Summary, Tally
from tests.unit.replay.samples import moment


def summed(*moments: Moment, power_w: float | None = None) -> Summary:
    tally = Tally(power_w)
    for one in moments:
        tally.add(one)
    return tally.summary()


def test_nothing_played_is_nothing_to_sum_up() -> None:
    with pytest.raises(LookupError):
        Tally(None).summary()


def test_the_way_to_the_target_does_not_count_as_a_deviation() -> None:
    summary = summed(*(moment(60.0 * k, true_c=min(18.0 + k, 21.0)) for k in range(10)))
    assert (summary.rmse_k, summary.highest_above_k, summary.lowest_below_k) == (0.0, 0.0, 0.0)
    assert summary.reached_share == pytest.approx(7 / 9)


def test_what_comes_after_the_target_was_reached_counts() -> None:
    summary = summed(*(moment(60.0 * k, true_c=celsius) for k, celsius in enumerate((18.0, 21.0, 21.3, 20.6))))
    assert summary.rmse_k == pytest.approx(math.sqrt((0.0 + 0.09 + 0.16) / 3))
    assert summary.highest_above_k == pytest.approx(0.3)
    assert summary.lowest_below_k == pytest.approx(0.4)


def test_a_lower_target_is_waited_for_from_above() -> None:
    cooling_down = [moment(60.0 * k, true_c=21.0 - 0.5 * k, target_c=19.0) for k in range(1, 4)]
    summary = summed(moment(0.0), *cooling_down)
    assert summary.rmse_k is None
    assert summary.reached_share == 0.0


def test_a_recorded_room_is_not_judged() -> None:
    summary = summed(moment(0.0, true_c=None), moment(60.0, true_c=None, reading_c=19.0))
    assert (summary.rmse_k, summary.reached_share) == (None, None)
    assert (summary.lowest_c, summary.highest_c) == (19.0, 21.0)


def test_closures_heat_and_energy_are_counted() -> None:
    switched = [moment(3600.0 * k, closed=k % 2, delivered=float(k % 2)) for k in range(5)]
    summary = summed(*switched, power_w=1500.0)
    assert (summary.closures, summary.closures_per_day) == (2, 12.0)
    assert summary.heat_share == pytest.approx(0.5)
    assert summary.energy_kwh == pytest.approx(3.0)


def test_two_relays_of_a_bank_count_each() -> None:
    assert summed(moment(0.0), moment(60.0, closed=2), moment(120.0, closed=1)).closures == 2


def test_cold_is_energy_too() -> None:
    assert summed(moment(0.0, delivered=-1.0), moment(60.0, delivered=-1.0)).heat_share == 1.0


def test_alarms_are_named_once_in_the_order_they_came() -> None:
    lost, stuck = Alarm(AlarmName.SENSOR_LOST, "a"), Alarm(AlarmName.SENSOR_STUCK, "b")
    assert summed(moment(0.0, alarms=(lost,)), moment(1.0, alarms=(stuck, lost))).alarms == ("sensor_lost", "sensor_stuck")


def test_the_document_has_every_figure() -> None:
    document = summed(moment(0.0), moment(60.0)).document()
    assert set(document) == set(Summary.__slots__)
