from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.release.build import REPOSITORY, build, last_commit, tracked_files

EPOCH = 1_790_000_000
PARTS = ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "run", "agent", "config")


def _copy(folder: Path, *, mtime: int, umask: int) -> Path:
    """The tree at another place and time, as another user might have it."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    for each in folder.rglob("*"):
        each.chmod(each.stat().st_mode & ~umask)
        os.utime(each, (mtime, mtime))
    return folder


def _digests(files: list[Path]) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_same_tree_gives_the_same_bytes_at_any_place_and_time(tmp_path: Path) -> None:
    here = _copy(tmp_path / "here", mtime=1_600_000_000, umask=0o077)
    there = _copy(tmp_path / "over/there", mtime=1_700_000_000, umask=0o022)
    once = build(tmp_path / "once", EPOCH, source=here)
    again = build(tmp_path / "again", EPOCH, source=there)
    assert _digests(once) == _digests(again)
    assert [file.suffix for file in once] == [".whl", ".gz"]
    with zipfile.ZipFile(once[0]) as wheel:
        assert {info.date_time for info in wheel.infolist()} == {(2026, 9, 21, 14, 13, 20)}, "the time of the commit"
    with tarfile.open(once[1]) as archive:
        assert {member.mtime for member in archive.getmembers()} == {EPOCH}


def test_the_time_is_that_of_the_last_commit(tmp_path: Path) -> None:
    when = {"GIT_AUTHOR_DATE": f"{EPOCH} +0200", "GIT_COMMITTER_DATE": f"{EPOCH} +0200", "PATH": os.environ["PATH"]}
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    (tmp_path / "ä b").write_text("x")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True, env=when)
    assert last_commit(tmp_path) == EPOCH
    assert tracked_files(tmp_path) == ["ä b"]


def test_a_tree_that_is_no_clone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        last_commit(tmp_path)
