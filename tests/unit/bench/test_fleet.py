from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.mqtt.messages import Outgoing, Retain
from tests.bench.fleet import Plan, _parser
from tests.bench.fleet_nodes import CYCLE_S, modules_of, node_name, recorded
from tests.bench.raw import StampReader, published

PLAN = Plan(agents=10, light=190, channels=32, deadband=0.0, seconds=1, commands=1)


@pytest.mark.parametrize(("nodes", "shares"), [(5, (5, 0, 0)), (25, (10, 15, 0)), (200, (10, 190, 0)), (800, (10, 190, 600))])
def test_agents_come_first_then_light_nodes_then_replayed_ones(nodes: int, shares: tuple[int, int, int]) -> None:
    assert PLAN.share(nodes) == shares


def test_a_message_is_written_as_the_standard_says() -> None:
    plain = Outgoing(topic="a/b", payload="1", qos=0)
    kept = Outgoing(topic="a/b", payload="x" * 200, qos=0, retain=Retain.WHILE_FRESH, expires_s=180)
    assert published(plain) == b"\x30\x07\x00\x03a/b\x001"
    assert published(kept) == b"\x31\xd3\x01\x00\x03a/b\x05\x02\x00\x00\x00\xb4" + b"x" * 200


@given(
    numbers=st.lists(st.integers(0, 99_999_999), max_size=5), noise=st.binary(max_size=30), cuts=st.lists(st.integers(0, 400), max_size=8)
)
def test_stamps_are_found_once_however_the_stream_is_cut(numbers: list[int], noise: bytes, cuts: list[int]) -> None:
    stream = b"".join(noise + StampReader.payload(number).encode() for number in numbers) + noise
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = StampReader()
    found = [number for begin, end in pairwise(places) for number in reader.feed(stream[begin:end])]
    assert found == numbers


@pytest.mark.parametrize(("deadband", "states"), [(0.0, 4 * CYCLE_S), (0.1, 4 * CYCLE_S / 25)])
def test_a_replayed_module_says_what_its_outlets_say(deadband: float, states: float) -> None:
    (first, *others) = modules_of(0, 32, deadband)
    tape = recorded(first, node_name(0))
    assert len(others) == 7
    assert len(tape) == CYCLE_S
    assert sum(text.count(b"/state\x05") for text in tape) == pytest.approx(states, abs=4)
    assert all(text.count(f"lucid2mqtt/{node_name(0)}/in0/".encode()) == text.count(b"lucid2mqtt") for text in tape)


def test_every_node_has_modules_of_its_own() -> None:
    serials = [module.serial for number in range(300) for module in modules_of(number, 32, 0.0)]
    assert len(set(serials)) == len(serials)


@pytest.mark.parametrize("words", [["--channels", "6"], ["--nodes", "5,x"], ["--nodes", "0"], ["--agents", "0"]])
def test_what_cannot_be_measured_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        _parser().parse_args(words)
    assert end.value.code == 2
    assert words[0] in capsys.readouterr().err
