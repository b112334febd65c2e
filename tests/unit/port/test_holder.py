from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lucid2mqtt.port.holder import who_holds


def test_another_process_that_has_the_file_open_is_named(tmp_path: Path) -> None:
    device = tmp_path / "device"
    device.touch()
    holding = subprocess.Popen(
        [sys.executable, "-c", f"file = open({str(device)!r}); print(flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holding:
        assert holding.stdout is not None
        holding.stdout.readline()
        holder = who_holds(str(device))
        holding.communicate(b"\n")
    assert holder is not None
    assert holder.endswith(f"(pid {holding.pid})")
    assert holder.startswith("python")


def test_our_own_descriptor_and_nobody_at_all_are_no_holder(tmp_path: Path) -> None:
    device = tmp_path / "device"
    device.touch()
    with device.open():
        assert who_holds(str(device)) is None


def test_a_device_that_is_not_there_has_no_holder(tmp_path: Path) -> None:
    assert who_holds(str(tmp_path / "none")) is None


def test_a_process_that_hides_or_ends_is_passed_over(tmp_path: Path) -> None:
    device = tmp_path / "device"
    device.touch()
    for pid, comm in ((1, None), (2, "ser2net\n"), (3, "quiet\n")):
        process = tmp_path / "proc" / str(pid)
        (process / "fd").mkdir(parents=True)
        if comm:
            (process / "comm").write_text(comm)
    (tmp_path / "proc" / "1" / "fd" / "5").symlink_to(device)
    (tmp_path / "proc" / "2" / "fd" / "6").symlink_to(device)
    (tmp_path / "proc" / "2" / "fd" / "7").symlink_to(tmp_path / "gone")
    (tmp_path / "proc" / "4").mkdir()
    assert who_holds(str(device), proc=tmp_path / "proc") == "a program (pid 1), ser2net (pid 2)"
    assert os.getpid() > 4
