from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.port.turns import TurnQueue


@dataclass(eq=False)
class Waiter:
    name: str
    turn: Turn = Turn.SHARED
    client: str = "a"
    due: float = 100.0
    abandoned: bool = False


def drained(queue: TurnQueue[Waiter]) -> list[str]:
    names = []
    while (job := queue.pop()) is not None:
        names.append(job.name)
    return names


def filled(*jobs: Waiter) -> TurnQueue[Waiter]:
    queue: TurnQueue[Waiter] = TurnQueue()
    for job in jobs:
        assert queue.push(job)
    return queue


def test_safety_goes_before_commands_and_commands_before_the_rest() -> None:
    queue = filled(Waiter("poll"), Waiter("command", Turn.COMMAND), Waiter("safety", Turn.SAFETY), Waiter("legacy", client="b"))
    assert drained(queue) == ["safety", "command", "poll", "legacy"]


def test_shared_clients_take_turns_however_much_one_of_them_sends() -> None:
    queue = filled(
        *(Waiter(f"a{number}") for number in range(4)), Waiter("b0", client="b"), Waiter("b1", client="b"), Waiter("c0", client="c")
    )
    assert drained(queue) == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]


def test_commands_keep_the_order_of_arrival_whoever_sent_them() -> None:
    names = ["on", "off", "on again"]
    queue = filled(*(Waiter(name, Turn.COMMAND, client=client) for name, client in zip(names, "aba", strict=True)))
    assert drained(queue) == names


def test_a_client_has_room_for_eight() -> None:
    queue = filled(*(Waiter(str(number)) for number in range(8)))
    assert not queue.push(Waiter("ninth"))
    assert queue.push(Waiter("other", client="b"))
    assert queue.push(Waiter("command", Turn.COMMAND))


def test_a_flood_of_clients_never_takes_the_room_of_safety() -> None:
    queue = filled(*(Waiter(str(number), client=str(number)) for number in range(128)))
    assert not queue.push(Waiter("one more", client="new"))
    assert queue.push(Waiter("safety", Turn.SAFETY))
    assert len(queue) == 129


def test_abandoned_jobs_are_never_handed_out_and_make_room() -> None:
    jobs = [Waiter(str(number)) for number in range(8)]
    queue = filled(*jobs)
    for job in jobs[:7]:
        job.abandoned = True
    assert queue.push(Waiter("new"))
    assert drained(queue) == ["7", "new"]


def test_due_jobs_are_taken_out_and_the_next_due_time_is_known() -> None:
    queue = filled(Waiter("soon", due=1.0), Waiter("later", due=3.0), Waiter("command", Turn.COMMAND, due=2.0))
    assert queue.next_due() == 1.0
    assert [job.name for job in queue.take_due(2.0)] == ["command", "soon"]
    assert queue.next_due() == 3.0
    assert drained(queue) == ["later"]
    assert queue.next_due() is None


def test_emptying_gives_everybody_but_those_who_left() -> None:
    queue = filled(Waiter("a"), Waiter("left", abandoned=True), Waiter("b", Turn.SAFETY))
    assert [job.name for job in queue.take_all()] == ["b", "a"]
    assert len(queue) == 0


@given(st.lists(st.tuples(st.sampled_from(Turn), st.sampled_from("abc"), st.booleans()), max_size=60))
def test_whatever_is_taken_in_comes_out_once_in_order_per_client(arrivals: list[tuple[Turn, str, bool]]) -> None:
    queue: TurnQueue[Waiter] = TurnQueue()
    taken: list[Waiter] = []
    given_out: list[Waiter | None] = []
    for number, (turn, client, pop) in enumerate(arrivals):
        job = Waiter(str(number), turn, client)
        if queue.push(job):
            taken.append(job)
        if pop:
            given_out.append(queue.pop())
    while len(queue):
        given_out.append(queue.pop())
    for turn in Turn:
        for client in "abc":
            here = [job for job in taken if (job.turn, job.client) == (turn, client)]
            assert [job for job in given_out if job and (job.turn, job.client) == (turn, client)] == here
    assert len(given_out) == len(taken)
