from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.frames import Request, get_io_group
from lucid2mqtt.lucid.readers import RequestReader
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.wire import Command, CommandParser

LONGEST_COMMAND = 6 + 255


def same(command: Command, request: Request) -> bool:
    selector = command.mask or bytes((command.p1,))
    return (command.opcode, selector, command.option, command.data) == (request.opcode, request.selector, request.option, request.data)


@given(st.lists(st.binary(max_size=40)))
def test_the_module_cuts_any_bytes_like_the_agents_own_reader(chunks: list[bytes]) -> None:
    parser, reader = CommandParser(None), RequestReader()
    for chunk in chunks:
        commands, requests = parser.feed(chunk, 0.0), reader.feed(chunk)
        assert len(commands) == len(requests)
        assert all(map(same, commands, requests))
        assert [command.raw for command in commands] == [request.encode() for request in requests]
        assert len(parser.held) == reader.pending


@given(st.binary(max_size=2000))
def test_never_more_than_one_command_is_held(data: bytes) -> None:
    parser = CommandParser(None)
    for byte in data:
        parser.feed(bytes((byte,)), 0.0)
        assert len(parser.held) < LONGEST_COMMAND


def test_masks_of_one_two_and_three_bytes_make_headers_of_four_five_and_six() -> None:
    for channels in (range(7), range(8), range(16)):
        wire = get_io_group(channels, ValueType.DI1).encode()
        (command,) = CommandParser(None).feed(wire, 0.0)
        assert command.raw == wire
        assert len(wire) == 3 + len(command.mask)


def test_half_a_command_waits_for_ever_where_there_is_no_inter_byte_timeout() -> None:
    parser = CommandParser(None)
    parser.feed(bytes.fromhex("46 00"), 0.0)
    assert len(parser.feed(bytes.fromhex("00 00"), 1e6)) == 1


def test_half_a_command_is_forgotten_after_the_inter_byte_timeout() -> None:
    parser = CommandParser(0.1)
    parser.feed(bytes.fromhex("46 00"), 0.0)
    (command,) = parser.feed(bytes.fromhex("c0 00 00 00"), 0.2)
    assert command.opcode == 0xC0


def test_modem_probing_leaves_the_module_waiting_for_ten_bytes() -> None:
    parser = CommandParser(None)
    assert parser.feed(b"AT\r\n", 0.0) == []
    (command,) = parser.feed(bytes(10), 1.0)
    assert command.opcode == 0x41
    assert command.data == bytes(10)
