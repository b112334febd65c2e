import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucid2mqtt.passthrough.attach_line import HELD_LIMIT, RENEWAL_S, Line
from lucid2mqtt.passthrough.wire import Session


class FakeWire:
    """Remembers what came over it."""

    def __init__(self) -> None:
        self.written = b""
        self.is_held = False
        self.is_over = False

    def write(self, data: bytes) -> None:
        self.written += data

    def hold(self) -> None:
        self.is_held = True

    def go_on(self) -> None:
        self.is_held = False

    def finish(self) -> None:
        self.is_over = True

    def abort(self) -> None:
        self.is_over = True


class Stage:
    """A line with a clock that stands still, and what it asked for."""

    def __init__(self) -> None:
        self.now = 100.0
        self.renewals = 0
        self.complaints = 0
        self.line = Line(lambda: self.now, renew=self._renew, dropping=self._complain)

    def _renew(self) -> None:
        self.renewals += 1

    def _complain(self) -> None:
        self.complaints += 1

    def connect(self) -> FakeWire:
        remote = FakeWire()
        self.line.connected(remote)
        return remote

    def enter(self, first: bytes = b"") -> tuple[FakeWire, Session]:
        wire = FakeWire()
        session = self.line.open_session(wire)
        if first:
            session.received(first)
        return wire, session


def leave(wire: FakeWire, session: Session) -> None:
    session.peer_finished()
    assert wire.is_over
    session.lost()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_bytes_go_both_ways(stage: Stage) -> None:
    remote = stage.connect()
    wire, session = stage.enter(b"\x46\x00\x00\x00")
    stage.line.received(b"\x00\x01\xff")
    session.received(b"more")
    assert (remote.written, wire.written) == (b"\x46\x00\x00\x00more", b"\x00\x01\xff")
    assert (stage.line.traffic.sent, stage.line.traffic.received) == (8, 3)


def test_what_is_asked_without_a_connection_is_dropped_counted_and_said_once(stage: Stage) -> None:
    wire, session = stage.enter(b"abcd")
    session.received(b"efgh")
    remote = stage.connect()
    assert (remote.written, wire.is_over) == (b"", False)
    assert (stage.line.traffic.dropped, stage.complaints) == (8, 1)


def test_each_outage_is_said_again(stage: Stage) -> None:
    _, session = stage.enter(b"abcd")
    stage.connect()
    stage.line.disconnected()
    session.received(b"efgh")
    assert stage.complaints == 2


def test_the_application_stays_when_the_connection_goes_and_comes(stage: Stage) -> None:
    stage.connect()
    wire, session = stage.enter(b"lost")
    stage.line.disconnected()
    again = stage.connect()
    session.received(b"asked again")
    stage.line.received(b"answer")
    assert (again.written, wire.written, wire.is_over) == (b"asked again", b"answer", False)


def test_an_answer_without_an_application_is_thrown_away(stage: Stage) -> None:
    stage.connect()
    leave(*stage.enter(b"abcd"))
    stage.line.received(b"late")
    wire, _ = stage.enter(b"next")
    assert (wire.written, stage.line.traffic.stray, stage.renewals) == (b"", 4, 0)


def test_a_newcomer_gets_a_new_connection_while_an_answer_may_be_under_way(stage: Stage) -> None:
    old = stage.connect()
    leave(*stage.enter(b"abcd"))
    wire, _ = stage.enter(b"next")
    assert (old.is_over, old.written, stage.renewals) == (True, b"abcd", 1)
    new = stage.connect()
    assert (new.written, wire.written, stage.line.traffic.dropped) == (b"next", b"", 0)


def test_what_is_held_for_a_new_connection_is_dropped_when_that_takes_too_long(stage: Stage) -> None:
    stage.connect()
    leave(*stage.enter(b"abcd"))
    _, session = stage.enter(b"next")
    stage.now += RENEWAL_S
    assert stage.connect().written == b""
    assert stage.line.traffic.dropped == 4
    stage.line.disconnected()
    session.received(b"5")
    assert stage.line.traffic.dropped == 5


def test_too_late_a_byte_takes_what_was_held_with_it(stage: Stage) -> None:
    stage.connect()
    leave(*stage.enter(b"abcd"))
    _, session = stage.enter(b"next")
    stage.now += RENEWAL_S
    session.received(b"5")
    assert (stage.line.traffic.dropped, stage.connect().written) == (5, b"")


def test_not_more_is_held_than_fits(stage: Stage) -> None:
    stage.connect()
    leave(*stage.enter(b"abcd"))
    stage.enter(bytes(HELD_LIMIT + 1))
    assert (stage.connect().written, stage.line.traffic.dropped) == (b"", HELD_LIMIT + 1)


def test_what_is_held_goes_with_its_application(stage: Stage) -> None:
    stage.connect()
    leave(*stage.enter(b"abcd"))
    leave(*stage.enter(b"next"))
    assert stage.connect().written == b""


def test_an_answered_application_leaves_the_connection_to_the_next(stage: Stage) -> None:
    remote = stage.connect()
    for _ in range(20):
        wire, session = stage.enter(b"ask")
        stage.line.received(b"answer")
        leave(wire, session)
    assert (remote.is_over, stage.renewals) == (False, 0)


def test_an_application_that_does_not_read_holds_up_the_other_side_until_it_does(stage: Stage) -> None:
    remote = stage.connect()
    _, session = stage.enter(b"ask")
    session.stalled()
    assert remote.is_held
    session.flowing()
    assert not remote.is_held


def test_an_application_that_leaves_unread_answers_holds_up_nobody(stage: Stage) -> None:
    remote = stage.connect()
    wire, session = stage.enter(b"ask")
    session.stalled()
    leave(wire, session)
    assert not remote.is_held


def test_a_fresh_connection_is_held_up_by_an_application_that_still_does_not_read(stage: Stage) -> None:
    stage.connect()
    _, session = stage.enter(b"ask")
    session.stalled()
    stage.line.disconnected()
    assert stage.connect().is_held


def test_the_other_side_that_does_not_read_holds_up_applications(stage: Stage) -> None:
    stage.connect()
    wire, session = stage.enter(b"ask")
    stage.line.remote_stalled(stalled=True)
    assert wire.is_held
    stage.line.received(b"answer")
    leave(wire, session)
    newcomer, _ = stage.enter()
    assert newcomer.is_held
    stage.line.remote_stalled(stalled=False)
    assert not newcomer.is_held


def test_a_connection_that_is_lost_while_it_does_not_read_sets_applications_free(stage: Stage) -> None:
    stage.connect()
    wire, _ = stage.enter(b"ask")
    stage.line.remote_stalled(stalled=True)
    stage.line.disconnected()
    assert not wire.is_held


def test_a_visit_that_ended_long_ago_says_nothing_about_the_present_one(stage: Stage) -> None:
    remote = stage.connect()
    _, old = stage.enter(b"ask")
    stage.line.received(b"answer")
    wire, _ = stage.enter(b"ask")
    old.lost()
    stage.line.received(b"mine")
    assert (wire.written, remote.is_over) == (b"mine", False)


def test_a_visit_has_no_line_to_set_up(stage: Stage) -> None:
    _, session = stage.enter()
    assert session.controls is None


def test_a_fresh_connection_owes_nothing(stage: Stage) -> None:
    stage.connect()
    leave(*stage.enter(b"abcd"))
    stage.line.disconnected()
    fresh = stage.connect()
    stage.enter(b"next")
    assert (fresh.written, fresh.is_over, stage.renewals) == (b"next", False, 0)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(["enter", "ask", "answer", "leave", "lose", "dial", "wait"]), min_size=20))
def test_no_application_ever_gets_the_answer_to_another(events: list[str]) -> None:
    """Applications that ask one thing at a time, and a module that answers everything that reaches it, some time."""
    stage = Stage()
    remote: FakeWire | None = stage.connect()
    visit: tuple[FakeWire, Session] | None = None
    names = iter(range(1, 256))
    mine, is_waiting = b"", False
    for event in events:
        if event == "enter" and visit is None:
            mine = bytes([next(names, 255)])
            visit, is_waiting = stage.enter(mine), True
        elif event == "ask" and visit is not None and not is_waiting:
            visit[1].received(mine)
            is_waiting = True
        elif event == "answer" and remote is not None and remote.written and not remote.is_over:
            stage.line.received(remote.written[:1])
            remote.written = remote.written[1:]
            is_waiting = is_waiting and visit is not None and not visit[0].written
        elif event == "leave" and visit is not None:
            leave(*visit)
            visit = None
        elif event == "lose" and remote is not None and not remote.is_over:
            stage.line.disconnected()
            remote = None
        elif event == "dial" and (remote is None or remote.is_over):
            remote = stage.connect()
        elif event == "wait":
            stage.now += RENEWAL_S / 2
        assert visit is None or set(visit[0].written) <= set(mine)
