from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.release.build import REPOSITORY
from tests.release.locks import GROUPS, MACHINES, Pinned, fetch_wheels, lock_faults, locked

HASH = "--hash=sha256:" + "0a" * 32
PROJECT = """
[project]
dependencies = ["Paho_MQTT>=2.1,<3"]
[project.optional-dependencies]
demo = []
build = []
test = []
"""


def _faults(tmp_path: Path, lock: str) -> list[str]:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "agent/locks").mkdir(parents=True)
    for group in GROUPS:
        (tmp_path / f"agent/locks/{group}.txt").write_text(lock if group == "core" else f"paho-mqtt==2.2.0 {HASH}\n")
    return list(lock_faults(tmp_path))


def test_the_locks_of_this_tree_are_right() -> None:
    assert list(lock_faults(REPOSITORY)) == []


def test_a_lock_for_each_group_is_made() -> None:
    made = [line.split()[1] for line in (REPOSITORY / "run").read_text().splitlines() if line.startswith("        compile_lock ")]
    assert sorted(made) == sorted(GROUPS)
    assert {file.stem for file in (REPOSITORY / "agent/locks").iterdir()} == {*GROUPS, "uv"}


@pytest.mark.parametrize(
    ("lock", "fault"),
    [
        ("", "core.txt: Paho_MQTT is missing"),
        (f"paho-mqtt==1.6.1 {HASH}", "core.txt: paho-mqtt 1.6.1 does not fit <3,>=2.1 of pyproject.toml"),
        ("paho-mqtt==2.2.0", "core.txt: paho-mqtt has no sha256, or something that is none"),
        ("paho-mqtt==2.2.0 --hash=md5:00", "core.txt: paho-mqtt has no sha256, or something that is none"),
        (f"paho-mqtt==2.2.0 {HASH}\nsix>=1 {HASH}", "core.txt: six is not pinned to one version"),
    ],
)
def test_every_fault_of_a_lock_is_named(tmp_path: Path, lock: str, fault: str) -> None:
    assert _faults(tmp_path, lock) == [fault]


def test_the_address_of_an_index_is_no_requirement(tmp_path: Path) -> None:
    (fault,) = _faults(tmp_path, "--index-url https://index.example/simple\n")
    assert fault.startswith("core.txt cannot be read: ")


@given(st.text(alphabet="ab=>< -\\\n#;.1", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        pins = locked(text)
    except ValueError:
        return
    assert all(isinstance(pin, Pinned) and pin.name for pin in pins)


def _pip_that(tmp_path: Path, script: str) -> Path:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return python


def test_wheels_are_asked_for_the_machine_they_are_for(tmp_path: Path) -> None:
    lock = tmp_path / "demo.txt"
    lock.write_text(f"amqtt==0.12.1 ; platform_machine != 'armv7l' \\\n    {HASH}\nsix==1.17.0 {HASH}\n")
    python = _pip_that(
        tmp_path, f'echo "$@" >{tmp_path}/words; cat "$(eval echo \\${{$#}})" >{tmp_path}/wanted; touch {tmp_path}/out/six.whl'
    )
    assert fetch_wheels(python, lock, tmp_path / "out", machine="armv7l", version="3.13") == [tmp_path / "out/six.whl"]
    words = (tmp_path / "words").read_text()
    assert "--python-version 3.13" in words
    assert "manylinux_2_31_armv7l" in words
    assert (tmp_path / "wanted").read_text() == f"six==1.17.0 {HASH}\n", "amqtt is not for it"
    assert not list((tmp_path / "out").glob("*.requirements"))


def test_a_missing_wheel_is_raised_with_the_words_of_pip(tmp_path: Path) -> None:
    lock = tmp_path / "core.txt"
    lock.write_text(f"six==1.17.0 {HASH}\n")
    with pytest.raises(subprocess.CalledProcessError) as raised:
        fetch_wheels(_pip_that(tmp_path, "echo none for it >&2; exit 1"), lock, tmp_path / "out", machine=MACHINES[0], version="3.11")
    assert raised.value.stderr == "none for it\n"
