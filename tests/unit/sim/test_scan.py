from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.sim.scan import SequentialScan, noise_source


@dataclass
class Converted:
    conversion_s: float
    at: list[float] = field(default_factory=list)

    def convert(self, at: float) -> None:
        self.at.append(round(at, 6))


def test_channels_are_converted_in_turn() -> None:
    one, two = Converted(0.5), Converted(1.0)
    scan = SequentialScan([one, two])
    scan.restart(0.0)
    for tenth in range(46):
        scan.advance(tenth / 10)
    assert one.at == [0.0, 0.5, 2.0, 3.5]
    assert two.at == [0.0, 1.5, 3.0, 4.5]


def test_a_long_time_unobserved_costs_two_rounds_at_most() -> None:
    one, two = Converted(0.5), Converted(0.5)
    scan = SequentialScan([one, two])
    scan.restart(0.0)
    scan.advance(1e9)
    assert len(one.at) <= 4
    assert 1e9 - max(one.at + two.at) <= 0.5


def test_a_channel_left_out_costs_no_time_and_may_come_back() -> None:
    one, two = Converted(0.0), Converted(0.0)
    scan = SequentialScan([one, two])
    scan.restart(0.0)
    scan.advance(100.0)
    assert one.at == two.at == []
    two.conversion_s = 0.5
    scan.advance(101.0)
    assert one.at == []
    assert two.at
    assert max(two.at) <= 101.0


def test_a_module_without_such_channels_scans_nothing() -> None:
    scan = SequentialScan([])
    scan.restart(0.0)
    scan.advance(10.0)


@given(st.lists(st.floats(0.0, 3.0), max_size=40))
def test_when_one_looks_does_not_change_when_is_converted(pauses: list[float]) -> None:
    looked, rare = Converted(0.5), Converted(0.5)
    often = SequentialScan([looked, Converted(0.25)])
    seldom = SequentialScan([rare, Converted(0.25)])
    for scan in (often, seldom):
        scan.restart(0.0)
    now = 0.0
    for pause in pauses:
        now += pause
        often.advance(now)
    seldom.advance(now)
    assert looked.at[-1] == rare.at[-1]


def test_noise_depends_on_channel_and_time_alone() -> None:
    assert noise_source("7 0", 1.5).random() == noise_source("7 0", 1.5).random()
    assert noise_source("7 0", 1.5).random() != noise_source("7 1", 1.5).random()
