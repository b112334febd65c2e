from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.climate.verdicts import OutputKey, StoredZeros, Verdicts
from lucid2mqtt.control.deadman import Semantics, Verdict
from lucid2mqtt.engine.store import StateStore
from tests.unit.engine.scripted import InlineExecutor
from tests.virtual_clock import run_virtual

KEY = OutputKey(serial=4711, firmware=22, channel=0)
GOOD = Verdict(semantics=Semantics.EXTENDS, cancels=True, triggers_after_end=None, sentence="seen")


def store_in(folder: Path) -> StateStore:
    return StateStore(folder, writer=InlineExecutor())


def keep(folder: Path, key: OutputKey, verdict: Verdict) -> bool:
    async def main() -> bool:
        store = store_in(folder)
        is_kept = Verdicts(store).keep(key, verdict)
        await store.flush()
        return is_kept

    return run_virtual(main())


def find(folder: Path, key: OutputKey) -> Verdict:
    async def main() -> Verdict:
        return Verdicts(store_in(folder)).find(key)

    return run_virtual(main())


def test_a_verdict_is_found_again_for_this_output_and_no_other(tmp_path: Path) -> None:
    assert keep(tmp_path, KEY, GOOD)
    assert keep(tmp_path, OutputKey(4711, 22, 1), Verdict(semantics=Semantics.IGNORED))
    assert find(tmp_path, KEY) == GOOD
    assert find(tmp_path, OutputKey(4711, 22, 1)).semantics is Semantics.IGNORED
    for other in (OutputKey(4712, 22, 0), OutputKey(4711, 22, 2)):
        assert find(tmp_path, other) == Verdict()


def test_after_an_update_of_the_firmware_it_is_told_what_was_tried(tmp_path: Path) -> None:
    keep(tmp_path, KEY, GOOD)
    found = find(tmp_path, OutputKey(4711, 23, 0))
    assert found.semantics is Semantics.UNVERIFIED
    assert "tried with firmware 22, but never with the present one, 23" in found.sentence


def test_a_trial_that_saw_nothing_takes_no_better_one_away(tmp_path: Path) -> None:
    nothing = Verdict(semantics=Semantics.INCONCLUSIVE, sentence="too dark")
    assert keep(tmp_path, KEY, nothing)
    assert keep(tmp_path, KEY, GOOD)
    assert not keep(tmp_path, KEY, nothing)
    assert find(tmp_path, KEY) == GOOD
    assert keep(tmp_path, KEY, Verdict(semantics=Semantics.NEVER_DROPS))


@pytest.mark.parametrize(
    "entry", [7, [], {}, {"semantics": "prolongs", "sentence": ""}, {"semantics": "extends", "cancels": 1, "sentence": ""}]
)
def test_a_spoilt_entry_is_passed_over_with_one_line(tmp_path: Path, entry: object, caplog: pytest.LogCaptureFixture) -> None:
    document = {str(KEY): entry, "4711/22/1": GOOD.saved()}
    (tmp_path / "verdicts.json").write_text(json.dumps(document))

    async def main() -> None:
        verdicts = Verdicts(store_in(tmp_path))
        assert verdicts.find(KEY) == verdicts.find(KEY) == Verdict()
        assert verdicts.find(OutputKey(4711, 22, 1)) == GOOD

    run_virtual(main())
    assert caplog.text.count("4711/22/0 cannot be used") == 1


@given(st.dictionaries(st.text(max_size=12), st.none() | st.integers() | st.text() | st.dictionaries(st.text(), st.integers())))
def test_no_document_keeps_it_from_starting(document: dict[str, object]) -> None:
    async def main() -> None:
        store = StateStore(None)
        store.load = lambda name: document  # type: ignore[method-assign]
        assert Verdicts(store).find(KEY).semantics is Semantics.UNVERIFIED

    run_virtual(main())


def test_what_is_there_is_written_as_it_is(tmp_path: Path) -> None:
    keep(tmp_path, KEY, GOOD)

    async def main() -> None:
        store = store_in(tmp_path)
        Verdicts(store).keep_what_is_there()
        await store.flush()
        assert store.fault is None

    run_virtual(main())
    assert find(tmp_path, KEY) == GOOD


def test_a_stored_zero_is_remembered_over_firmware_and_restart(tmp_path: Path) -> None:
    async def main() -> None:
        store = store_in(tmp_path)
        zeros = StoredZeros(store)
        assert not zeros.has(KEY)
        zeros.remember(KEY)
        assert zeros.has(KEY)
        await store.flush()
        again = StoredZeros(store_in(tmp_path))
        assert again.has(OutputKey(4711, 23, 0))
        assert not again.has(OutputKey(4711, 22, 1))
        assert not again.has(OutputKey(4712, 22, 0))

    run_virtual(main())
