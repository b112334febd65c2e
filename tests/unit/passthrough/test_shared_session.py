"""A client's bytes in, its answers out; the line's answers are given by the test, time jumps."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucid2mqtt.errors import LinkLost, Reason, ReplyTimeout, RequestRejected
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Reply, Request, Status, get_id, get_io, get_io_group, set_io, set_io_group
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.passthrough.options import OnTimeout
from lucid2mqtt.passthrough.rights import Access, Grant, Rights
from lucid2mqtt.passthrough.shared_session import GARBAGE_LIMIT, NOT_CARRIED_OUT, PIPELINE, TORN_S
from tests.unit.passthrough.fakes import PEER, FakeLine, door, module, options, session
from tests.virtual_clock import run_virtual

ON = set_io(0, ValueType.DI1, b"\x01")
REFUSED = b"\xa0\x00"


def read(channel: int) -> Request:
    return get_io(channel, ValueType.VOS4)


def virtual(scene: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:  # Any: asyncio's own
    def test() -> None:
        run_virtual(scene())

    test.__name__ = scene.__name__
    return test


@virtual
async def test_the_answer_of_the_module_goes_back_byte_for_byte() -> None:
    line = FakeLine()
    client, wire = session(line)
    client.received(read(1).encode())
    asked = line.asked[0]
    assert (asked.request, asked.turn, asked.client) == (read(1), Turn.SHARED, f"client {PEER.identity}")
    line.answer(Reply(0, bytes((0xFF, 0x0D, 0x0A, 0x11))))
    assert wire.sent == bytes((0, 4, 0xFF, 0x0D, 0x0A, 0x11))


@virtual
async def test_an_error_status_of_the_module_is_passed_on_too() -> None:
    line = FakeLine()
    client, wire = session(line)
    client.received(ON.encode())
    line.answer(Reply(0xB6))
    assert wire.sent == b"\xb6\x00"


@pytest.mark.parametrize(
    "group", [get_io_group([0, 8], ValueType.DI1), get_io_group([1, 20], ValueType.DI1), set_io_group({8: b"\x01"}, ValueType.DI1)]
)
def test_group_headers_of_five_and_six_bytes_may_be_cut_anywhere(group: Request) -> None:
    async def scene() -> None:
        stream = group.encode() + read(1).encode()
        for place in range(1, len(stream)):
            line = FakeLine(Reply(0))
            client, _ = session(line)
            client.received(stream[:place])
            client.received(stream[place:])
            assert [asked.request for asked in line.asked] == [group, read(1)]

    run_virtual(scene())


@settings(max_examples=40)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=30), st.lists(st.integers(0, 300), max_size=30))
def test_cuts_never_matter(channels: list[int], places: list[int]) -> None:
    async def scene() -> None:
        stream = b"".join(read(channel).encode() for channel in channels)
        line = FakeLine(Reply(0, b"abcd"))
        client, wire = session(line)
        ends = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
        for begin, end in itertools.pairwise(ends):
            client.received(stream[begin:end])
        assert [asked.request for asked in line.asked] == [read(channel) for channel in channels]
        assert wire.sent == b"\x00\x04abcd" * len(channels)

    run_virtual(scene())


@virtual
async def test_a_client_that_asks_ahead_has_one_request_at_the_line_and_its_answers_in_order() -> None:
    line = FakeLine()
    client, wire = session(line)
    client.received(read(1).encode() + read(2).encode() + read(3).encode())
    for place in range(1, 4):
        assert len(line.asked) == place
        line.answer(Reply(0, bytes((place, 0, 0, 0))))
    assert wire.sent == b"".join(bytes((0, 4, place, 0, 0, 0)) for place in range(1, 4))


@virtual
async def test_a_flood_is_read_no_faster_than_it_is_answered() -> None:
    line = FakeLine()
    client, wire = session(line)
    client.received(read(1).encode() * (PIPELINE + 1))
    assert wire.is_held
    line.answer(Reply(0, bytes(4)))
    assert not wire.is_held
    assert len(line.asked) == 2


@virtual
async def test_five_hundred_refusals_in_a_row_need_no_stack() -> None:
    line = FakeLine(LinkLost("gone"))
    client, wire = session(line)
    client.received(read(1).encode() * 500)
    assert wire.sent == NOT_CARRIED_OUT * 500


@virtual
async def test_half_a_request_is_forgotten_after_a_silence_and_the_next_byte_begins_a_new_one() -> None:
    line = FakeLine()
    client, wire = session(line)
    client.received(ON.encode()[:3])
    await asyncio.sleep(TORN_S + 0.01)
    client.received(read(2).encode())
    assert [asked.request for asked in line.asked] == [read(2)]
    assert wire.sent == b""
    assert client.traffic.framing == 1


@virtual
async def test_a_slow_link_may_take_its_time_between_bytes() -> None:
    line = FakeLine()
    client, _ = session(line)
    for byte in read(3).encode():
        client.received(bytes((byte,)))
        await asyncio.sleep(TORN_S - 0.01)
    assert [asked.request for asked in line.asked] == [read(3)]


@virtual
async def test_a_silence_that_was_ours_tears_nothing() -> None:
    line = FakeLine()
    client, wire = session(line)
    client.received(read(1).encode() * PIPELINE + read(2).encode()[:2])
    client.received(read(2).encode()[2:3])
    while wire.is_held:
        await asyncio.sleep(TORN_S)
        line.answer(Reply(0, bytes(4)))
    client.received(read(2).encode()[3:])
    assert client.traffic.framing == 0


@virtual
async def test_an_unknown_command_is_refused_and_the_next_request_is_served() -> None:
    line = FakeLine()
    client, wire = session(line)
    client.received(b"\x77\x00\x00\x01\x55" + read(1).encode())
    assert wire.sent == REFUSED
    assert [asked.request for asked in line.asked] == [read(1)]


@virtual
async def test_an_unknown_command_passes_where_the_user_said_so() -> None:
    line = FakeLine()
    client, _ = session(line, through=door(options(forward_unknown=True)))
    client.received(b"\x77\x00\x00\x01\x55")
    assert line.asked[0].request.encode() == b"\x77\x00\x00\x01\x55"


@virtual
async def test_garbage_ends_the_connection_after_the_third_time_and_reaches_no_module() -> None:
    line = FakeLine()
    client, wire = session(line)
    for time in range(GARBAGE_LIMIT):
        assert wire.end == ""
        client.received(bytes((0x40, 0, 0, 200)))
        await asyncio.sleep(TORN_S + 0.01)
        if time < GARBAGE_LIMIT - 1:
            continue
        client.received(b"\x00")
    assert wire.end == "finished"
    assert line.asked == []


@virtual
async def test_impossible_requests_are_refused_and_end_the_connection_after_the_third() -> None:
    line = FakeLine()
    client, wire = session(line)
    for time in range(GARBAGE_LIMIT):
        assert wire.sent == REFUSED * time
        client.received(bytes((0x46, 0, 0, 1, 0)))
    assert wire.end == "finished"
    client.received(read(1).encode())
    assert line.asked == []


@virtual
async def test_garbage_now_and_then_ends_nothing() -> None:
    line = FakeLine()
    client, wire = session(line)
    for _ in range(3 * GARBAGE_LIMIT):
        client.received(bytes((0x46, 0, 0, 1, 0)))
        await asyncio.sleep(6)
    assert wire.end == ""


@virtual
async def test_a_web_browser_is_shown_the_door_at_once() -> None:
    line = FakeLine()
    client, wire = session(line)
    client.received(b"GET / HTTP/1.1\r\nHost: module\r\n\r\n")
    assert wire.end == "finished"
    assert wire.sent == b""
    assert line.asked == []


@virtual
async def test_a_refused_write_is_two_bytes_in_its_turn() -> None:
    line = FakeLine()
    client, wire = session(line, through=door(options(Access.READ)))
    client.received(read(1).encode() + ON.encode())
    assert wire.sent == b""
    line.answer(Reply(0, bytes(4)))
    assert wire.sent == b"\x00\x04\x00\x00\x00\x00" + REFUSED
    assert len(line.asked) == 1
    assert client.traffic.refused == 1


@virtual
async def test_the_status_of_a_refusal_can_be_chosen_and_a_connection_be_closed_instead() -> None:
    client, wire = session(FakeLine(), through=door(replace(options(Access.READ), refuse_with=Status.INV_IOCH)))
    client.received(ON.encode())
    assert (wire.sent, wire.end) == (b"\xb8\x00", "")
    client, wire = session(FakeLine(), through=door(replace(options(Access.READ), refuse_with=None)))
    client.received(ON.encode() + ON.encode())
    assert (wire.sent, wire.end) == (b"", "finished")


@virtual
async def test_silence_or_the_end_can_stand_for_a_module_that_does_not_answer() -> None:
    for on_timeout, end in ((OnTimeout.SILENT, ""), (OnTimeout.CLOSE, "finished")):
        line = FakeLine()
        client, wire = session(line, through=door(replace(options(Access.READ), on_timeout=on_timeout)))
        client.received(read(1).encode())
        line.answer(ReplyTimeout("no answer", sent=True))
        assert (wire.sent, wire.end) == (b"", end)


def test_a_refusal_is_told_once_per_client_and_command(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        through = door(options(Access.READ))
        for _ in range(3):
            client, _ = session(FakeLine(), through=through)
            client.received(ON.encode() * 2)

    with caplog.at_level(logging.WARNING):
        run_virtual(scene())
    (record,) = caplog.records
    assert "SetIo channel 0 is refused: it needs the right `outputs`" in record.getMessage()


@virtual
async def test_new_rights_hold_for_the_next_frame() -> None:
    line = FakeLine()
    through = door(options(Access.READ))
    client, wire = session(line, through=through)
    client.received(ON.encode())
    assert wire.sent == REFUSED
    through.change(options(Access.OUTPUTS))
    client.received(ON.encode())
    assert len(line.asked) == 1
    line.answer()
    through.change(options(Access.READ))
    client.received(ON.encode())
    assert wire.sent == REFUSED + b"\x00\x00" + REFUSED


@virtual
async def test_rights_that_change_while_a_frame_waits_hold_for_it() -> None:
    line = FakeLine()
    through = door(options(Access.OUTPUTS))
    client, wire = session(line, through=through)
    client.received(read(1).encode() + ON.encode())
    through.change(replace(options(), rights=Rights(Grant(Access.READ))))
    line.answer(Reply(0, bytes(4)))
    assert wire.sent.endswith(REFUSED)
    assert len(line.asked) == 1


@virtual
async def test_without_the_module_every_request_is_answered_at_once() -> None:
    shared = module(None)
    client, wire = session(None, shared=shared)
    client.received(read(1).encode() + get_id().encode())
    assert wire.sent == NOT_CARRIED_OUT * 2
    assert wire.end == ""
    shared.line = FakeLine(Reply(0, bytes(4)))
    client.received(read(1).encode())
    assert wire.sent.endswith(b"\x00\x04\x00\x00\x00\x00")


@pytest.mark.parametrize(
    "fault", [ReplyTimeout("no answer", sent=True), LinkLost("gone"), RequestRejected(Reason.BUSY, "too many wait", "send fewer")], ids=repr
)
def test_a_request_that_fails_is_answered_too(fault: LinkLost) -> None:
    async def scene() -> None:
        line = FakeLine()
        client, wire = session(line)
        client.received(read(1).encode() + read(2).encode())
        line.answer(fault)
        assert wire.sent == NOT_CARRIED_OUT
        line.answer(Reply(0, bytes(4)))
        assert wire.sent == NOT_CARRIED_OUT + b"\x00\x04" + bytes(4)
        assert client.traffic.unanswered == 1

    run_virtual(scene())


@virtual
async def test_who_says_its_last_word_gets_every_answer_before_the_connection_closes() -> None:
    line = FakeLine()
    client, wire = session(line)
    client.received(read(1).encode() + read(2).encode())
    client.peer_finished()
    line.answer(Reply(0, b"aaaa"))
    assert wire.end == ""
    line.answer(Reply(0, b"bbbb"))
    assert wire.sent == b"\x00\x04aaaa\x00\x04bbbb"
    assert wire.end == "finished"


@virtual
async def test_who_leaves_is_not_answered_and_what_waited_is_not_sent() -> None:
    line = FakeLine()
    client, wire = session(line)
    client.received(read(1).encode() + ON.encode())
    wire.abort()
    assert line.asked[0].is_abandoned
    line.answer(Reply(0, bytes(4)))
    assert wire.sent == b""
    assert len(line.asked) == 1


@virtual
async def test_a_client_that_does_not_read_is_not_served_until_it_does() -> None:
    line = FakeLine()
    client, _ = session(line)
    client.stalled()
    client.received(read(1).encode())
    assert line.asked == []
    client.flowing()
    assert [asked.request for asked in line.asked] == [read(1)]


@virtual
async def test_a_frame_log_keeps_what_was_asked_and_answered_in_words_and_is_bounded() -> None:
    line = FakeLine(Reply(0, bytes(4)))
    client, _ = session(line, through=door(options(Access.READ)))
    client.received(read(1).encode())
    client.traffic.keep_log(on=True)
    client.received(read(1).encode())
    client.received(ON.encode())
    assert client.traffic.log is not None
    texts = [str(frame) for frame in client.traffic.log]
    assert texts[0] == "GetIo channel 1 [46 01 1d 00] -> [00 04 00 00 00 00] done"
    assert texts[1].endswith("-> [a0 00] refused: it needs the right `outputs`")
    for _ in range(1000):
        client.received(read(1).encode())
    assert len(client.traffic.log) == 256
    client.traffic.keep_log(on=False)
    assert client.traffic.log is None


@virtual
async def test_bus_time_is_what_the_module_worked_and_not_what_was_waited() -> None:
    line = FakeLine()
    client, _ = session(line)
    client.received(read(1).encode())
    await asyncio.sleep(0.5)
    line.answer(Reply(0, bytes(4)), took_s=0.1)
    client.received(read(2).encode())
    line.answer(LinkLost("never sent"))
    assert client.traffic.busy_s == pytest.approx(0.1)
