from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.frames import (
    Opcode,
    Request,
    calibrate_io,
    encode_mask,
    get_id,
    get_io,
    get_io_group,
    get_parameter,
    reset_parameter,
    set_io,
    set_io_group,
    set_parameter,
)
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.passthrough.peer import Peer
from lucid2mqtt.passthrough.rights import Access, Frame, Grant, Protection, Rights, Rule, frame_of, refusal

READS = [get_io(0, ValueType.DI1), get_io_group([0, 9], ValueType.DI1), get_parameter(0, 0x1100), get_id()]
SWITCHES = [set_io(1, ValueType.DI1, b"\x01"), set_io_group({1: b"\x01", 3: b"\x00"}, ValueType.DI1)]
CHANGES = [set_parameter(1, 0x1100, b"\x01"), reset_parameter(1, 0x1100, persistent=True), calibrate_io(1)]
UNKNOWN = Request(0x77, b"\x00")
FREE = Protection()


def is_allowed(request: Request, grant: Grant, protection: Protection = FREE, *, forward_unknown: bool = True) -> bool:
    return not refusal(frame_of(request), grant, protection, forward_unknown=forward_unknown)


@pytest.mark.parametrize(
    ("access", "allowed"),
    [(Access.NONE, []), (Access.READ, READS), (Access.OUTPUTS, READS + SWITCHES), (Access.ALL, [*READS, *SWITCHES, *CHANGES, UNKNOWN])],
)
def test_each_right_includes_those_before_it_and_nothing_else(access: Access, allowed: list[Request]) -> None:
    everything = [*READS, *SWITCHES, *CHANGES, UNKNOWN]
    assert [request for request in everything if is_allowed(request, Grant(access))] == allowed


def test_an_unknown_command_needs_every_right_and_the_users_word() -> None:
    assert not is_allowed(UNKNOWN, Grant(Access.ALL), forward_unknown=False)
    assert not is_allowed(UNKNOWN, Grant(Access.OUTPUTS))


def test_rights_can_be_given_per_channel() -> None:
    grant = Grant(Access.READ, {1: Access.OUTPUTS, 2: Access.NONE})
    assert is_allowed(set_io(1, ValueType.DI1, b"\x01"), grant)
    assert not is_allowed(set_io(0, ValueType.DI1, b"\x01"), grant)
    assert is_allowed(get_io(0, ValueType.DI1), grant)
    assert not is_allowed(get_io(2, ValueType.DI1), grant)
    assert is_allowed(get_id(), grant)


@given(written=st.sets(st.integers(0, 20), min_size=1), allowed=st.sets(st.integers(0, 20)))
def test_a_group_write_passes_only_when_every_channel_of_every_mask_byte_may_be_written(written: set[int], allowed: set[int]) -> None:
    grant = Grant(Access.READ, dict.fromkeys(allowed, Access.OUTPUTS))
    request = set_io_group(dict.fromkeys(written, b"\x01"), ValueType.DI1)
    assert is_allowed(request, grant) is (written <= allowed)


def test_of_some_channels_the_identity_may_be_read_but_unknown_commands_need_all_of_the_module() -> None:
    some = Grant(Access.NONE, {3: Access.ALL})
    assert is_allowed(get_id(), some)
    assert not is_allowed(UNKNOWN, some)


@pytest.mark.parametrize("request_", [set_io(1, ValueType.DI1, b"\x01"), set_io_group({0: b"\x01", 1: b"\x01"}, ValueType.DI1), *CHANGES])
def test_a_claimed_output_is_refused_to_everybody(request_: Request) -> None:
    claimed = Protection(claimed={1: "thermostat living"})
    assert "thermostat living" in refusal(frame_of(request_), Grant(Access.ALL), claimed, forward_unknown=True)
    assert is_allowed(set_io(0, ValueType.DI1, b"\x01"), Grant(Access.ALL), claimed)
    assert is_allowed(get_io(1, ValueType.DI1), Grant(Access.READ), claimed)


@pytest.mark.parametrize("request_", [calibrate_io(3), UNKNOWN])
def test_with_a_claim_on_the_module_nothing_passes_that_may_do_anything_or_take_long(request_: Request) -> None:
    assert not is_allowed(request_, Grant(Access.ALL), Protection(claimed={1: "thermostat living"}))


def test_a_read_that_takes_counts_away_needs_the_right_to_switch() -> None:
    clearing = Protection(clearing=frozenset({2}))
    for request in (get_io(2, ValueType.CNT2), get_io_group([0, 2], ValueType.CNT2)):
        assert not is_allowed(request, Grant(Access.READ), clearing)
        assert is_allowed(request, Grant(Access.OUTPUTS), clearing)
    assert is_allowed(get_io(0, ValueType.CNT2), Grant(Access.READ), clearing)
    assert is_allowed(get_parameter(2, 0x1101), Grant(Access.READ), clearing)


@pytest.mark.parametrize(
    "request_", [Request(Opcode.GET_IO, b"\x00", 0, b"\x01"), Request(0x47, b"E", 0x54, bytes(64)), Request(Opcode.SET_IO, b"\x00", 0, b"")]
)
def test_an_impossible_length_is_refused_whatever_the_rights(request_: Request) -> None:
    frame = frame_of(request_)
    assert frame.is_garbage
    assert refusal(frame, Grant(Access.ALL), FREE, forward_unknown=True)


def test_a_mask_without_end_is_refused() -> None:
    assert not is_allowed(Request(Opcode.GET_IO_GROUP, b"\x80\x80\x80", 0), Grant(Access.ALL))


LAPTOP = Peer("laptop", "192.0.2.7:1", ip_address("192.0.2.7"), ("laptop", "lab"))
ROUTER = Peer("198.51.100.1", "198.51.100.1:1", ip_address("198.51.100.1"))


def test_the_first_rule_that_fits_a_client_counts() -> None:
    rights = Rights(
        Grant(Access.NONE),
        (
            Rule(grant=Grant(Access.ALL), names=("lab",)),
            Rule(grant=Grant(Access.READ), networks=(ip_network("192.0.2.0/24"), ip_network("198.51.100.0/24"))),
        ),
    )
    assert rights.of(LAPTOP).access is Access.ALL
    assert rights.of(ROUTER).access is Access.READ
    assert rights.of(Peer("/run/x", "/run/x")).access is Access.NONE
    assert rights.most is Access.ALL
    assert rights.for_everybody is Access.NONE


def test_a_rule_without_names_and_networks_is_for_everybody() -> None:
    rights = Rights(Grant(Access.NONE), (Rule(grant=Grant(Access.OUTPUTS)),))
    assert rights.of(ROUTER).access is Access.OUTPUTS
    assert rights.for_everybody is Access.OUTPUTS


@given(opcode=st.integers(0, 255), option=st.integers(0, 255), data=st.binary(max_size=255), channels=st.sets(st.integers(0, 20)))
def test_every_request_is_judged_and_without_rights_none_passes(opcode: int, option: int, data: bytes, channels: set[int]) -> None:
    is_group = opcode in (Opcode.SET_IO_GROUP, Opcode.GET_IO_GROUP)
    frame = frame_of(Request(opcode, encode_mask(channels) if is_group else b"\x00", option, data))
    assert isinstance(frame, Frame)
    if channels or not is_group:
        assert refusal(frame, Grant(Access.NONE), FREE, forward_unknown=True)


def test_a_grant_says_what_it_gives() -> None:
    assert str(Grant(Access.READ, {2: Access.NONE, 1: Access.OUTPUTS})) == "read, 1: outputs, 2: none"
