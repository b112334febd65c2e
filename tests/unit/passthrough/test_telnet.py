from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.passthrough.telnet import (
    BINARY,
    COM_PORT,
    DO,
    DONT,
    ECHO,
    IAC,
    LONGEST_SUBNEGOTIATION,
    SB,
    SE,
    WILL,
    WONT,
    Heard,
    Negotiation,
    OptionBook,
    Subnegotiation,
    TelnetReader,
    escape,
    subnegotiation,
)


def data_of(heard: list[Heard]) -> bytes:
    return b"".join(each for each in heard if isinstance(each, bytes))


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[begin:end] for begin, end in itertools.pairwise(ends)]


@given(st.binary(max_size=600), st.lists(st.integers(0, 2000), max_size=20))
def test_data_come_through_whatever_they_are_and_however_they_are_cut(data: bytes, places: list[int]) -> None:
    reader = TelnetReader()
    assert b"".join(data_of(reader.feed(chunk)) for chunk in cut(escape(data), places)) == data


@given(st.binary(max_size=300), st.lists(st.integers(0, 2000), max_size=20))
def test_any_bytes_give_the_same_however_they_are_cut(stream: bytes, places: list[int]) -> None:
    whole, pieces = TelnetReader(), TelnetReader()
    heard = whole.feed(stream)
    parts = [each for chunk in cut(stream, places) for each in pieces.feed(chunk)]
    assert data_of(parts) == data_of(heard)
    assert [each for each in parts if not isinstance(each, bytes)] == [each for each in heard if not isinstance(each, bytes)]


@given(st.binary(max_size=LONGEST_SUBNEGOTIATION - 1))
def test_a_subnegotiation_comes_back(content: bytes) -> None:
    assert TelnetReader().feed(b"a" + subnegotiation(COM_PORT, content) + b"b") == [b"a", Subnegotiation(COM_PORT, content), b"b"]


def test_an_endless_subnegotiation_is_dropped_and_costs_no_memory() -> None:
    reader = TelnetReader()
    assert reader.feed(bytes((IAC, SB, COM_PORT)) + bytes(100_000)) == []
    assert reader._sub is not None
    assert len(reader._sub) <= LONGEST_SUBNEGOTIATION + 1
    assert reader.feed(bytes((IAC, SE)) + b"on we go") == [b"on we go"]


def test_commands_of_no_interest_are_dropped() -> None:
    assert TelnetReader().feed(b"a" + bytes((IAC, 0xF1)) + b"b" + bytes((IAC, SE))) == [b"ab"]


def book() -> OptionBook:
    return OptionBook(ours=frozenset({BINARY, ECHO, COM_PORT}), theirs=frozenset({BINARY, COM_PORT}))


@pytest.mark.parametrize(
    ("verb", "option", "answer"),
    [
        (WILL, COM_PORT, bytes((IAC, DO, COM_PORT))),
        (DO, COM_PORT, bytes((IAC, WILL, COM_PORT))),
        (WILL, ECHO, bytes((IAC, DONT, ECHO))),
        (DO, 99, bytes((IAC, WONT, 99))),
        (WONT, COM_PORT, b""),
        (DONT, COM_PORT, b""),
    ],
)
def test_a_wish_is_answered(verb: int, option: int, answer: bytes) -> None:
    assert book().answer(Negotiation(verb, option)) == answer


def test_what_is_in_force_already_is_not_answered_again() -> None:
    options = book()
    assert options.answer(Negotiation(WILL, BINARY))
    assert options.answer(Negotiation(WILL, BINARY)) == b""
    assert options.answer(Negotiation(WONT, BINARY)) == bytes((IAC, DONT, BINARY))
    assert options.answer(Negotiation(WONT, BINARY)) == b""
