from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.frames import Opcode, Request
from lucid2mqtt.lucid.readers import RequestReader
from lucid2mqtt.passthrough.foreign import foreign_program


@pytest.mark.parametrize(
    ("first", "word"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP"),
        (b"HEAD / HTTP/1.1\r\n", "HTTP"),
        (b"\x16\x03\x01\x02\x00\x01", "TLS"),
        (b"\xff\xfb\x2c", "rfc2217://"),
        (b"\xff\xfd\x03", "rfc2217://"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
    ],
)
def test_a_program_that_knocks_at_the_wrong_door_is_named(first: bytes, word: str) -> None:
    assert word in foreign_program(first)


@given(opcode=st.sampled_from(list(Opcode)), selector=st.integers(0, 127), option=st.integers(0, 255), data=st.binary(max_size=20))
def test_no_request_that_makes_sense_is_taken_for_a_foreign_program(opcode: int, selector: int, option: int, data: bytes) -> None:
    request = Request(opcode, bytes((selector,)), option, data)
    assert RequestReader().feed(request.encode()) == [request]
    if not request.fault:
        assert foreign_program(request.encode()) == ""
