from lucid2mqtt.sim.journal import KEPT, Journal, Kind, Note


def test_it_keeps_the_last_ten_thousand_and_counts_them_all() -> None:
    journal = Journal()
    for place in range(KEPT + 5):
        journal.note(Note(float(place), Kind.REQUEST, data=b"\x46"))
    assert journal.count[Kind.REQUEST] == KEPT + 5
    assert len(journal.requests) == KEPT
    assert journal.notes()[0].at == 5.0


def test_busy_traffic_does_not_push_output_changes_out() -> None:
    journal = Journal()
    journal.note(Note(0.0, Kind.OUTPUT, channel=3, state=True))
    for place in range(KEPT + 1):
        journal.note(Note(float(place), Kind.REPLY, data=b"\x00\x00"))
    assert journal.outputs(3) == [(0.0, True)]
    assert journal.outputs(2) == []
    assert len(journal.replies) == KEPT


def test_notes_can_be_chosen_by_kind_and_time() -> None:
    journal = Journal()
    journal.note(Note(1.0, Kind.POWER, state=True))
    journal.note(Note(2.0, Kind.REQUEST, data=b"\xc0"))
    journal.note(Note(3.0, Kind.FAULT, text="silence"))
    assert [note.at for note in journal.notes(since=2.0)] == [2.0, 3.0]
    assert [note.kind for note in journal.notes(Kind.POWER, Kind.FAULT)] == [Kind.POWER, Kind.FAULT]


def test_a_note_as_a_document_has_only_what_it_says() -> None:
    assert Note(1.0, Kind.OUTPUT, channel=0, state=False).document() == {"at": 1.0, "kind": "output", "channel": 0, "state": False}
    assert Note(1.0, Kind.REPLY, data=b"\x00\x01").document() == {"at": 1.0, "kind": "reply", "data": "0001"}
