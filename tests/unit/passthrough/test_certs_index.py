from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.passthrough.certs_index import Issued, State, parse_index, states
from lucid2mqtt.passthrough.certs_names import CertsError

BOOK = (
    "R\t290225124715Z\t261123124716Z,keyCompromise\t5A1C\tunknown\t/OU=server/CN=az-2\n"
    "V\t290225124715Z\t\t0F\tunknown\t/OU=server/CN=az-2\n"
    "V\t20510101000000Z\t\t10\tunknown\t/OU=client/CN=anna\n"
)
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def issued(name: str, serial: str, *, ends: int = 2030, revoked: bool = False) -> Issued:
    return Issued(serial=serial, name=name, kind="client", ends=datetime(ends, 1, 1, tzinfo=UTC), revoked=revoked)


def test_the_book_of_openssl_is_read() -> None:
    first, second, third = parse_index(BOOK)
    assert (first.name, first.kind, first.serial, first.revoked) == ("az-2", "server", "5A1C", True)
    assert (second.revoked, second.ends) == (False, datetime(2029, 2, 25, 12, 47, 15, tzinfo=UTC))
    assert (third.kind, third.ends.year) == ("client", 2051)


def test_an_empty_book_has_no_certificates() -> None:
    assert parse_index("") == ()


@pytest.mark.parametrize(("year", "meant"), [("49", 2049), ("50", 1950), ("68", 1968), ("69", 1969)])
def test_two_digits_of_a_year_are_taken_as_certificates_take_them(year: str, meant: int) -> None:
    (entry,) = parse_index(f"V\t{year}0101000000Z\t\t01\tunknown\t/CN=a")
    assert entry.ends.year == meant


@pytest.mark.parametrize("line", ["V", "V\tsoon\t\t01\tunknown\t/CN=a", "V\t290225124715Z\t\tnone\tunknown\t/CN=a"])
def test_a_damaged_line_is_named(line: str) -> None:
    with pytest.raises(CertsError, match="line 4 of the book"):
        parse_index(BOOK + line)


@given(st.text())
def test_whatever_stands_in_the_book_is_read_or_refused(text: str) -> None:
    try:
        assert all(entry.ends.tzinfo is UTC for entry in parse_index(text))
    except CertsError as fault:
        assert fault.remedy  # noqa: PT017  either outcome is right


def test_the_newest_certificate_of_a_name_is_valid_and_earlier_ones_are_replaced() -> None:
    book = (issued("a", "1"), issued("b", "2"), issued("a", "3"))
    assert states(book, NOW) == (State.REPLACED, State.VALID, State.VALID)


def test_a_revoked_newcomer_does_not_replace_anybody() -> None:
    assert states((issued("a", "1"), issued("a", "2", revoked=True)), NOW) == (State.VALID, State.REVOKED)


def test_what_has_ended_is_expired_also_when_it_was_replaced() -> None:
    assert states((issued("a", "1", ends=2026), issued("a", "2", ends=2027)), NOW) == (State.EXPIRED, State.EXPIRED)
