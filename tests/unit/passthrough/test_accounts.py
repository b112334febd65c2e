"""Who had how much of a module; time is a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.passthrough.accounts import AVERAGED_S, LANE, REMEMBERED, Account, Accounts, lane_of

SHARES = st.floats(0.01, 1.0)
WORK = st.lists(st.tuples(st.floats(0.0001, 0.3), st.floats(0.0, 2.0)), min_size=2, max_size=60)
"""How long each request takes, and how long the client thinks before it asks the next."""


def used(account: Account, share: float, work: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A client that asks one after the other, as soon as it has thought and may: begin and length of each."""
    now, requests = 1000.0, []
    for took_s, thinks_s in work:
        begin = max(now + thinks_s, account.free_at)
        now = begin + took_s
        account.charge(took_s, share, now)
        requests.append((begin, took_s))
    return requests


@given(SHARES, WORK)
def test_in_no_stretch_of_time_has_a_client_more_than_its_share(share: float, work: list[tuple[float, float]]) -> None:
    requests = used(Account(), share, work)
    for first in range(len(requests)):
        for last in range(first, len(requests)):
            stretch_s = requests[last][0] - requests[first][0]
            before_the_last = sum(took_s for _, took_s in requests[first:last])
            assert before_the_last <= share * (stretch_s + AVERAGED_S) + 1e-6


@given(SHARES, st.floats(0.0001, 0.3), st.integers(50, 300))
def test_a_client_that_asks_without_end_gets_its_share(share: float, took_s: float, count: int) -> None:
    requests = used(Account(), share, [(took_s, 0.0)] * count)
    last = requests[-1][0] - requests[0][0]
    assert sum(took_s for _, took_s in requests) >= min(share * last, last) - 1e-6


def test_who_stays_below_its_share_never_waits() -> None:
    account = Account()
    now = 0.0
    for _ in range(1000):
        assert account.free_at <= now
        account.charge(0.001, 0.1, now + 0.001)
        now += 0.02


def test_silence_is_not_saved_up() -> None:
    account = Account()
    account.charge(0.001, 0.5, 0.0)
    account.charge(0.6, 0.5, 3600.0)
    assert account.free_at == pytest.approx(3600.0 - 0.6 + 1.2 - AVERAGED_S)


@given(st.lists(st.booleans(), max_size=80))
def test_seats_are_taken_from_the_lowest_and_never_twice(comings: list[bool]) -> None:
    account, taken = Account(), list[int]()
    for comes in comings:
        if comes:
            seat = account.take_seat()
            assert seat not in taken
            assert seat <= len(taken)
            taken.append(seat)
        elif taken:
            account.leave_seat(taken.pop(0))
    assert account.is_present is bool(taken)


def test_so_many_connections_take_turns_as_one() -> None:
    lanes = [lane_of("anna", seat) for seat in range(3 * LANE)]
    assert lanes[:LANE] == ["client anna"] * LANE
    assert len(set(lanes)) == 3


def test_who_left_is_remembered_for_a_while_and_who_is_there_for_ever() -> None:
    accounts = Accounts()
    present = accounts.of("present")
    present.take_seat()
    gone = accounts.of("gone")
    for number in range(REMEMBERED - 2):
        accounts.of(f"client {number}")
    assert accounts.of("gone") is gone
    for number in range(2 * REMEMBERED):
        accounts.of(f"another {number}")
    assert accounts.of("gone") is not gone
    assert accounts.of("present") is present
