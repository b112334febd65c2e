from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucid2mqtt.control.proportioner import PulseOptions
from lucid2mqtt.control.staging import Arrangement, BankOptions, HeaterBank

PULSES = PulseOptions(cycle_s=600.0, min_on_s=30.0, min_off_s=30.0)


def run(bank: HeaterBank, duty: float, hours: float) -> list[tuple[bool, ...]]:
    return [bank.step(5.0 * k, duty) for k in range(round(hours * 720))]


@settings(max_examples=25)
@given(duty=st.floats(0.05, 0.95), arrangement=st.sampled_from(Arrangement), count=st.integers(1, 4))
def test_a_bank_gives_the_duty_of_its_whole_power(duty: float, arrangement: Arrangement, count: int) -> None:
    states = run(HeaterBank(BankOptions(heaters=count, arrangement=arrangement), PULSES), duty, 12.0)
    given_share = sum(map(sum, states)) / (count * len(states))
    assert given_share == pytest.approx(duty, abs=0.03)


def test_the_second_stage_waits_until_the_first_runs_through() -> None:
    bank = HeaterBank(BankOptions(heaters=2, shares=(1000.0, 3000.0), rotates=False), PULSES)
    low = run(bank, 0.2, 6.0)
    assert any(first for first, _ in low)
    assert not any(second for _, second in low)
    high = [bank.step(6 * 3600.0 + 5.0 * k, 0.6) for k in range(2000)]
    assert all(first for first, _ in high[100:])
    assert sum(second for _, second in high) / len(high) == pytest.approx(0.35 / 0.75, abs=0.06)


def test_the_heater_with_the_fewest_hours_leads() -> None:
    bank = HeaterBank(BankOptions(heaters=2), PULSES)
    run(bank, 0.3, 24.0)
    first_s, second_s = bank.on_s
    assert first_s == pytest.approx(second_s, rel=0.05)


def test_staggered_heaters_rarely_run_together() -> None:
    bank = HeaterBank(BankOptions(heaters=3, arrangement=Arrangement.STAGGERED), PULSES)
    states = run(bank, 0.3, 12.0)
    assert max(map(sum, states[1000:])) <= 2


def test_a_cut_opens_every_relay_at_once() -> None:
    bank = HeaterBank(BankOptions(heaters=3), PULSES)
    run(bank, 1.0, 1.0)
    assert bank.relays == (True, True, True)
    assert bank.cut(3600.0) == (False, False, False)
    assert bank.delivered == 0.0


def test_what_is_not_a_number_is_no_heat() -> None:
    bank = HeaterBank(BankOptions(heaters=2), PULSES)
    assert not any(map(any, [bank.step(5.0 * k, math.nan) for k in range(500)]))


def test_running_hours_survive_a_restart_and_another_number_of_heaters_begins_afresh() -> None:
    bank = HeaterBank(BankOptions(heaters=2), PULSES)
    run(bank, 0.5, 2.0)
    again = HeaterBank(BankOptions(heaters=2), PULSES)
    again.restore(bank.saved())
    assert again.on_s == bank.on_s
    other = HeaterBank(BankOptions(heaters=3), PULSES)
    other.restore(bank.saved())
    assert other.on_s == (0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="on_s"):
        other.restore({"on_s": [-1.0]})


@pytest.mark.parametrize("settings", [{"heaters": 0}, {"heaters": 2, "shares": (1.0,)}, {"heaters": 2, "shares": (1.0, 0.0)}])
def test_banks_that_cannot_be_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"heater|share"):
        BankOptions(**settings)  # type: ignore[arg-type]  # spoilt on purpose
