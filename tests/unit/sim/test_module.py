import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.families import FAMILIES
from lucid2mqtt.lucid.frames import Reply, get_id, get_io, set_parameter
from lucid2mqtt.lucid.readers import ReplyReader, RequestReader
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.journal import Kind
from lucid2mqtt.sim.module import ROOM, VirtualModule
from lucid2mqtt.sim.quirks import Quirks
from tests.unit.sim.talk import ask, peek, prompt_module, put, read, write

FAMILY_NAMES = [family.name for family in FAMILIES.values()]


@given(st.sampled_from(FAMILY_NAMES), st.lists(st.binary(max_size=60), max_size=20))
def test_every_complete_request_gets_exactly_one_reply_whatever_the_bytes(family: str, chunks: list[bytes]) -> None:
    module, requests, replies = prompt_module(family), RequestReader(), ReplyReader()
    asked = answered = 0
    for place, chunk in enumerate(chunks):
        asked += len(requests.feed(chunk))
        module.receive(chunk, place * 0.1)
        whole = replies.feed(module.replies_due(place * 0.1))
        answered += len(whole)
        assert all(reply.ok or not reply.data for reply in whole), "an error reply carries no data"
    assert answered == asked
    assert replies.pending == 0
    assert module.room > ROOM - 6 - 255


def test_it_never_speaks_first() -> None:
    module = prompt_module("DI4")
    module.drive(0, signal=True, at=1.0)
    assert module.replies_due(10.0) == b""
    assert module.next_event() is None


def test_a_reply_comes_after_the_reply_delay_and_not_before() -> None:
    module = VirtualModule("RI4", serial=7, quirks=Quirks(reply_delay_s=0.5))
    module.receive(get_id().encode(), 1.0)
    assert module.replies_due(1.49) == b""
    assert module.next_event() == 1.5
    assert len(module.replies_due(1.5)) == 18


def test_requests_sent_ahead_are_answered_in_order_one_after_the_other() -> None:
    module = VirtualModule("RI4", serial=7, quirks=Quirks(reply_delay_s=0.5), commissioned=True)
    module.receive(get_id().encode() + get_io(0, ValueType.TMS2).encode(), 0.0)
    assert len(module.replies_due(0.6)) == 18
    assert module.next_event() == 1.0
    assert module.replies_due(1.0) == Reply(0, (200).to_bytes(2, "little")).encode()


def test_a_persistent_write_takes_longer() -> None:
    module = VirtualModule("DO4", serial=7, quirks=Quirks(reply_delay_s=0.001, persistent_delay_s=0.02))
    module.receive(set_parameter(0, 0x1100, b"\x01", persistent=True).encode(), 0.0)
    assert module.next_event() == pytest.approx(0.021)
    assert module.persistent_writes == 1


def test_bytes_beyond_its_room_are_lost_and_noted() -> None:
    module = VirtualModule("RI4", serial=7, quirks=Quirks(reply_delay_s=1.0))
    module.receive(get_id().encode(), 0.0)  # busy
    module.receive(get_id().encode() * ROOM, 0.0)
    assert module.room == 0
    (lost,) = module.journal.notes(Kind.DISCARDED)
    assert len(lost.data) == 3 * ROOM


def test_without_power_nothing_is_heard_and_no_answer_survives() -> None:
    module = VirtualModule("RI4", serial=7, quirks=Quirks(reply_delay_s=1.0))
    module.receive(get_id().encode() + b"\x46", 0.0)
    module.power_off(0.5)
    module.receive(get_id().encode(), 0.6)
    module.power_on(1.0)
    assert module.replies_due(5.0) == b""
    module.receive(get_id().encode(), 5.0)
    assert len(module.replies_due(6.0)) == 18, "the half request is forgotten with the power"


def test_a_power_cycle_brings_back_what_was_persisted_and_nothing_else() -> None:
    module = prompt_module("DO4", commissioned=False)
    put(module, 0, 0x1100, 1, 1, 0.0, persistent=True)
    put(module, 1, 0x1100, 1, 1, 0.0)
    module.power_cycle(1.0)
    assert peek(module, 0, 0x1100, 2.0) == 1
    assert peek(module, 1, 0x1100, 2.0) == 0


def test_a_closed_contact_opens_when_the_cable_is_pulled() -> None:
    module = prompt_module("DO4")
    write(module, 2, 1, 1.0)
    assert module.output(2, 2.0) is True
    module.power_off(3.0)
    assert module.output(2, 3.0) is False
    assert module.journal.outputs(2) == [(1.0, True), (3.0, False)]


def test_a_module_fresh_from_the_factory_has_every_channel_inactive() -> None:
    for family in FAMILY_NAMES:
        module = prompt_module(family, commissioned=False)
        for block in module.family.blocks:
            for channel in block.channels:
                assert peek(module, channel, 0x1100 + block.block, 0.0) == 0


def test_commissioned_parameters_survive_a_power_cycle() -> None:
    module = prompt_module("DI4")
    module.commission(1, {0x100: 0x20}, 0.0)
    module.power_cycle(1.0)
    assert peek(module, 1, 0x1100, 1.0) == 0x20


def test_the_clock_does_not_run_back_when_the_world_is_ahead_of_the_wire() -> None:
    module = prompt_module("DO4")
    module.advance(5.0)
    write(module, 0, 1, 4.9)
    assert module.journal.outputs(0) == [(5.0, True)]


@pytest.mark.parametrize(("family", "type_code"), [("DO5", None), ("AI4", 0x1999), ("RI4", 0x1234)])
def test_a_module_nobody_can_build_is_refused(family: str, type_code: int | None) -> None:
    with pytest.raises(ValueError, match=r"family|range is not known"):
        VirtualModule(family, serial=1, type_code=type_code)


def test_terminals_of_the_wrong_direction_are_refused() -> None:
    module = prompt_module("DI4DO4")
    with pytest.raises(ValueError, match="no input"):
        module.drive(4, signal=True, at=0.0)
    with pytest.raises(ValueError, match="no output"):
        module.output(0, 0.0)
    assert module.outputs == (4, 5, 6, 7)


def test_identity_is_sixteen_bytes_whatever_the_option() -> None:
    module = prompt_module("AI4", serial=591921152)
    for option in (0, 1, 255):
        assert ask(module, get_id(option), 0.0).data == bytes.fromhex("16000300010110000048230000000000")


def test_two_modules_of_one_serial_number_read_the_same_noise() -> None:
    one, other = prompt_module("AI4", serial=5), prompt_module("AI4", serial=5)
    for now in (1.0, 2.0, 3.0):
        assert read(one, 0, ValueType.VOS4, now) == read(other, 0, ValueType.VOS4, now)
