import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.lucid.families import ChannelBlock
from lucid2mqtt.sim import memory as m
from lucid2mqtt.sim.quirks import Fault, Quirks, Refusal


def memory(kind: ChannelKind = ChannelKind.DIGITAL_OUTPUT, block: int = 0) -> m.Memory:
    return m.Memory(ChannelBlock(kind, 0, 4, block), Quirks())


def test_a_volatile_number_is_gone_after_power_up_and_a_persistent_one_is_not() -> None:
    cells = memory()
    cells.store(m.DUTY, 100, persistent=True)
    cells.store(m.DUTY, 200, persistent=False)
    assert cells[m.DUTY] == 200
    cells.power_up()
    assert cells[m.DUTY] == 100
    assert cells.persistent_writes == 1


def test_addresses_count_from_the_base_of_the_block() -> None:
    cells = memory(block=0x800)
    assert cells.place_of(0x1900) == m.MODE
    with pytest.raises(Refusal) as refused:
        cells.place_of(0x1100)
    assert refused.value.fault is Fault.NO_PARAMETER


@given(st.sampled_from(list(ChannelKind)), st.integers(0, 0x200), st.binary(max_size=5))
def test_whatever_is_taken_reads_back_as_the_same_bytes(kind: ChannelKind, place: int, data: bytes) -> None:
    cells = memory(kind)
    if place not in cells.cells:
        return
    with contextlib.suppress(Refusal):
        number = cells.parse(place, data)
        assert cells.cells[place].encode(number) == data


@pytest.mark.parametrize("kind", list(ChannelKind))
def test_every_default_is_a_number_its_cell_can_hold(kind: ChannelKind) -> None:
    for cell in m.CELLS[kind].values():
        assert len(cell.encode(cell.default)) == cell.width
        assert cell.read_only or cell.number(cell.encode(cell.default), Quirks()) == cell.default


def test_a_factory_setting_can_differ_from_the_table() -> None:
    cells = memory(ChannelKind.ANALOG_OUTPUT)
    cells.set_default(m.VALUE, 2048)
    cells.store(m.VALUE, 1, persistent=True)
    assert cells.parse(m.VALUE, None) == 2048
