from __future__ import annotations

import pytest

from lucid2mqtt.lucid.exchange import fits
from lucid2mqtt.lucid.frames import Reply, Request, Status, get_id, get_io, get_io_group, get_parameter, set_io
from lucid2mqtt.lucid.values import ValueType

READ = get_io(0, ValueType.VOS4)
GROUP = get_io_group([0, 3], ValueType.VOS4)
WRITE = set_io(0, ValueType.DI1, b"\x01")


@pytest.mark.parametrize("request_", [READ, GROUP, WRITE, get_id(), get_parameter(0, 0x1100)])
@pytest.mark.parametrize("data", [b"", b"\x00", bytes(16)])
def test_every_error_status_fits(request_: Request, data: bytes) -> None:
    assert fits(Reply(Status.NSUP, data), request_)


@pytest.mark.parametrize(("request_", "length"), [(READ, 4), (GROUP, 8), (WRITE, 0)])
def test_a_good_answer_has_the_length_its_request_implies(request_: Request, length: int) -> None:
    assert [size for size in range(20) if fits(Reply(0, bytes(size)), request_)] == [length]


def test_an_identity_has_at_least_its_published_fields() -> None:
    assert [size for size in range(18) if not fits(Reply(0, bytes(size)), get_id())] == list(range(11))


def test_where_nobody_knows_the_length_every_length_fits() -> None:
    assert all(fits(Reply(0, bytes(size)), get_parameter(0, 0x1100)) for size in range(6))
