import json
import socket
import threading
from collections.abc import Iterator

import pytest

from lucid2mqtt.lucid.frames import Reply, get_id, get_io, get_io_group, get_parameter, set_io
from lucid2mqtt.lucid.identity import Identity, parse_identity
from lucid2mqtt.lucid.readers import ReplyReader
from lucid2mqtt.lucid.values import ValueType, decode_group, encode
from tests.bench.module_process import MODE_ADDRESS, WRITTEN, Module, serve

IDENTITY = Identity(22, 3, 0x0100, 0x1001, 1000)


@pytest.fixture
def module() -> Iterator[Module]:
    made = Module(IDENTITY.encode())
    yield made
    made.close()


def ask(module: Module, request: bytes) -> Reply:
    opcode, first, second, _ = request[:4]
    (reply,) = ReplyReader().feed(module.answer(opcode, first, second, request[4:]))
    return reply


def test_it_answers_as_the_package_expects(module: Module) -> None:
    assert parse_identity(ask(module, get_id().encode()).data) == IDENTITY
    assert ask(module, get_parameter(0, MODE_ADDRESS).encode()).data == b"\x01"
    assert not ask(module, get_parameter(0, 0x1110).encode()).ok
    assert not ask(module, get_io(0, ValueType.TMS4).encode()).ok


def test_an_output_is_read_back_as_written(module: Module) -> None:
    assert ask(module, set_io(1, ValueType.DI1, encode(ValueType.DI1, True)).encode()).ok
    assert decode_group(ValueType.DI1, ask(module, get_io_group((0, 1), ValueType.DI1).encode()).data) == (False, True)


def test_every_read_is_news_and_within_the_range(module: Module) -> None:
    request = get_io_group(range(4), ValueType.VOS4).encode()
    before = decode_group(ValueType.VOS4, ask(module, request).data)
    for _ in range(3000):
        values = decode_group(ValueType.VOS4, ask(module, request).data)
        assert all(0 <= value <= 10 and value != old for value, old in zip(values, before, strict=True))
        before = values


def test_writes_are_stamped_and_readings_counted(module: Module) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(5)
    serving = threading.Thread(target=serve, args=(theirs, [module], 0.0))
    serving.start()
    with open(module.path, "r+b", buffering=0) as line:  # noqa: PTH123  a terminal
        line.write(set_io(0, ValueType.DI1, b"\x01").encode() + get_io(0, ValueType.VOS4).encode())
        kind, arrived_ns, value = WRITTEN.unpack(ours.recv(64))
        assert (kind, value) == (b"w", 1)
        assert arrived_ns > 0
        reader = ReplyReader()
        replies: list[Reply] = []
        while len(replies) < 2:
            replies += reader.feed(line.read(64))
    ours.send(b"count")
    assert json.loads(ours.recv(64)[1:]) == [1]
    ours.close()
    serving.join(5)
    assert not serving.is_alive()
    theirs.close()
