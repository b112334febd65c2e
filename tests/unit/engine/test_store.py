"""What survives a restart, and what a sick disk does to it."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import threading
from pathlib import Path

import pytest

from lucid2mqtt.engine.store import RETRY_S, StateStore, write_atomically
from tests.unit.engine.scripted import InlineExecutor
from tests.virtual_clock import run_virtual


class SickDisk:
    """Counts writes and fails while `error` is set."""

    def __init__(self) -> None:
        self.error: OSError | None = None
        self.written: list[tuple[str, object]] = []

    def __call__(self, path: Path, content: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.written.append((path.name, json.loads(content)))


async def _running(store: StateStore, seconds: float) -> None:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(store.run())
        await asyncio.sleep(seconds)
        task.cancel()


def test_what_is_flushed_is_loaded_again(tmp_path: Path) -> None:
    async def main() -> None:
        store = StateStore(tmp_path)
        assert store.load("counters") is None
        store.save_soon("counters", {"a": 1})
        await store.close()
        assert StateStore(tmp_path).load("counters") == {"a": 1}

    run_virtual(main())
    assert [each.name for each in tmp_path.iterdir()] == ["counters.json"], "no draft is left"


def test_the_directory_is_made_when_it_is_not_there(tmp_path: Path) -> None:
    async def scene() -> None:
        store = StateStore(tmp_path / "new" / "state", writer=InlineExecutor())
        store.save_soon("totals", {"count": 1})
        await store.close()
        assert store.fault is None
        assert StateStore(tmp_path / "new" / "state").load("totals") == {"count": 1}

    run_virtual(scene())


def test_without_a_directory_everything_is_forgotten() -> None:
    async def main() -> None:
        store = StateStore(None)
        store.save_soon("x", {"a": 1})
        await store.close()
        assert store.load("x") is None
        assert store.fault is None

    run_virtual(main())


def test_many_changes_are_one_write_of_the_latest() -> None:
    async def main() -> None:
        disk = SickDisk()
        store = StateStore(Path("anywhere"), write=disk, writer=InlineExecutor())
        living: dict[str, int] = {}
        for count in range(100):
            living["count"] = count
            store.save_soon("counters", living, within_s=60.0)
        store.save_soon("pulses", {"p": 1}, within_s=1.0)
        await _running(store, 2.0)
        assert disk.written == [("pulses.json", {"p": 1})]
        await _running(store, 60.0)
        assert disk.written[1:] == [("counters.json", {"count": 99})]

    run_virtual(main())


def test_a_full_disk_is_told_once_shown_and_told_once_when_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        disk = SickDisk()
        disk.error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        store = StateStore(Path("anywhere"), write=disk, writer=InlineExecutor())
        store.save_soon("a", {"a": 1})
        store.save_soon("b", {"b": 1})
        await _running(store, 5 * RETRY_S)
        assert store.fault is not None
        assert "No space left on device" in store.fault
        disk.error = None
        await _running(store, 2 * RETRY_S)
        assert store.fault is None
        assert sorted(disk.written) == [("a.json", {"a": 1}), ("b.json", {"b": 1})]

    run_virtual(main())
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1
    assert len([record for record in caplog.records if "can be written again" in record.message]) == 1


def test_a_directory_that_is_none_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    async def main() -> None:
        store = StateStore(tmp_path / "file")
        (tmp_path / "file").write_text("not a directory")
        assert store.load("x") is None
        store.save_soon("x", {"a": 1})
        await store.close()
        assert store.fault is not None

    run_virtual(main())


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[1, 2]", b"", b"[" * 100_000])
def test_a_file_that_is_no_document_is_moved_aside_and_said_so(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "counters.json").write_bytes(content)

    async def main() -> None:
        assert StateStore(tmp_path).load("counters") is None

    run_virtual(main())
    assert (tmp_path / "counters.broken").read_bytes() == content
    assert "kept as counters.broken" in caplog.text


def test_a_broken_file_that_cannot_be_moved_is_told_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "counters.json").write_text("{")
    (tmp_path / "counters.broken").mkdir()

    async def main() -> None:
        assert StateStore(tmp_path).load("counters") is None

    run_virtual(main())
    assert "nor moved aside" in caplog.text


def test_a_write_that_fails_half_way_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "counters.json"
    write_atomically(path, b'{"old": 1}')
    (tmp_path / ".counters.json.new").mkdir()  # the draft cannot be opened
    with pytest.raises(OSError, match="directory"):
        write_atomically(path, b'{"new": 1}')
    assert path.read_bytes() == b'{"old": 1}'


def test_a_draft_that_cannot_replace_the_file_is_removed(tmp_path: Path) -> None:
    (tmp_path / "counters.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "counters.json", b"{}")
    assert not (tmp_path / ".counters.json.new").exists()


def test_a_write_that_was_under_way_when_the_runner_stopped_does_not_overtake_the_last_one() -> None:
    async def main() -> None:
        disk = SickDisk()
        store = StateStore(Path("anywhere"), write=disk)
        document = {"n": 1}
        store.save_soon("d", document, within_s=0.0)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(store.run())
            await asyncio.sleep(0.001)
            task.cancel()
        document["n"] = 2
        store.save_soon("d", document)
        await store.close()
        assert disk.written[-1] == ("d.json", {"n": 2})

    asyncio.run(main())


def test_a_write_that_was_cut_short_is_done_again_at_the_end() -> None:
    async def main() -> None:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()
        go_on = threading.Event()
        written: list[bytes] = []

        def slow(path: Path, content: bytes) -> None:
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(5)
            written.append(content)

        store = StateStore(Path("anywhere"), write=slow)
        store.save_soon("d", {}, within_s=0.0)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(store.run())
            await begun.wait()
            task.cancel()
        go_on.set()
        await store.close()
        assert written == [b"{}", b"{}"]

    asyncio.run(main())
