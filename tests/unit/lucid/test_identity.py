from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.errors import GarbledReply
from lucid2mqtt.lucid.identity import Identity, parse_identity

WORD = st.integers(0, 0xFFFF)
IDENTITIES = st.builds(Identity, WORD, st.integers(0, 255), WORD, WORD, st.integers(0, 0xFFFFFFFF), st.binary(max_size=40))


@given(IDENTITIES)
def test_an_identity_survives_the_wire(identity: Identity) -> None:
    assert parse_identity(identity.encode()) == identity


@given(st.binary(max_size=300))
def test_any_bytes_are_an_identity_or_a_garbled_reply(data: bytes) -> None:
    if len(data) >= 11:
        assert parse_identity(data).encode() == data
    else:
        with pytest.raises(GarbledReply, match=f"{len(data)} bytes"):
            parse_identity(data)


def test_the_key_names_this_very_module() -> None:
    identity = Identity(firmware=22, hardware=3, class_code=0x0100, type_code=0x1001, serial=591921152)
    assert identity.key == (0x0100, 0x1001, 591921152)
    assert len(identity.encode()) == 16


def test_an_identity_without_tail_is_accepted() -> None:
    assert parse_identity(bytes(11)) == Identity(0, 0, 0, 0, 0, tail=b"")
