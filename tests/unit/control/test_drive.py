from __future__ import annotations

import math
from itertools import pairwise

import pytest

from lucid2mqtt.control.analog_drive import AnalogOptions
from lucid2mqtt.control.drive import Drive, DriveOptions, pulses_for
from lucid2mqtt.control.staging import BankOptions
from lucid2mqtt.domain.channel import Contact


def test_a_relay_gets_a_cycle_below_two_dead_times_that_it_survives_for_years() -> None:
    pulses = pulses_for(DriveOptions(), 660.0)
    assert 660.0 < pulses.cycle_s < 2 * 660.0
    assert 86_400 / pulses.cycle_s <= 100
    assert pulses.min_on_s == pulses.min_off_s == pytest.approx(pulses.cycle_s / 20)


def test_a_contact_without_wear_gets_short_cycles() -> None:
    pulses = pulses_for(DriveOptions(contact=Contact.SOLID_STATE), 24.0)
    assert pulses.cycle_s == 6.0
    assert pulses.min_on_s == 0.0
    assert pulses_for(DriveOptions(contact=Contact.SOLID_STATE), 1e5).cycle_s == 60.0


def test_settled_times_are_kept_and_a_cycle_has_room_for_both_minimum_times() -> None:
    settled = pulses_for(DriveOptions(cycle_s=900.0, min_on_s=45.0, min_off_s=30.0), 100.0)
    assert (settled.cycle_s, settled.min_on_s, settled.min_off_s) == (900.0, 45.0, 30.0)
    assert pulses_for(DriveOptions(min_on_s=300.0, min_off_s=300.0), 60.0).cycle_s == 600.0


def test_relays_and_analog_outputs_take_the_same_duty() -> None:
    relays = Drive(DriveOptions(bank=BankOptions(heaters=2), min_off_s=0.0), 600.0)
    assert relays.step(0.0, 1.0).relays == (True, True)
    assert relays.cut(1.0).relays == (False, False)
    analog = Drive(DriveOptions(analog=AnalogOptions(low=4.0, high=20.0)), 600.0)
    order = analog.step(0.0, 0.5)
    assert (order.analog, order.delivered, order.relays) == (12.0, 0.5, ())
    assert analog.next_switch_s(0.0) == math.inf
    assert analog.cut(1.0).analog == 4.0


def test_a_contact_is_a_relay_until_the_module_says_otherwise_and_the_owner_outweighs_both() -> None:
    assert pulses_for(DriveOptions(), 24.0) == pulses_for(DriveOptions(contact=Contact.RELAY), 24.0)
    assert pulses_for(DriveOptions(), 24.0, Contact.SOLID_STATE) == pulses_for(DriveOptions(contact=Contact.SOLID_STATE), 24.0)
    assert pulses_for(DriveOptions(contact=Contact.RELAY), 24.0, Contact.SOLID_STATE) == pulses_for(DriveOptions(), 24.0)


def switchings_in_an_hour(drive: Drive) -> int:
    states = [drive.step(float(second), 0.5).relays for second in range(3600)]
    return sum(before != after for before, after in pairwise(states))


def test_learning_the_contact_ends_no_pulse() -> None:
    drive = Drive(DriveOptions(), 600.0)
    drive.step(0.0, 1.0)
    assert drive.step(60.0, 1.0).relays == (True,)
    drive.learn_contact(Contact.SOLID_STATE)
    assert drive.step(60.0, 1.0).relays == (True,)


def test_what_was_learned_of_the_contact_holds_for_later_dead_times() -> None:
    relay, learned = Drive(DriveOptions(), 600.0), Drive(DriveOptions(), 600.0)
    learned.learn_contact(Contact.SOLID_STATE)
    learned.retime(400.0)
    assert switchings_in_an_hour(relay) < 10
    assert switchings_in_an_hour(learned) > 60
    forgotten = Drive(DriveOptions(), 600.0)
    forgotten.learn_contact(Contact.SOLID_STATE)
    forgotten.learn_contact(None)
    assert switchings_in_an_hour(forgotten) < 10
