from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from tests.release.contents import sdist_faults, wheel_faults

TRACKED = ["agent/lucid2mqtt/__init__.py", "agent/lucid2mqtt/py.typed", "pyproject.toml", "run", "tests/conftest.py"]
GOOD = {
    "lucid2mqtt/__init__.py": "",
    "lucid2mqtt/py.typed": "",
    **{f"lucid2mqtt-1.dist-info/{name}": "" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")},
}
PLACES = [Path("/home/anna/lucid2mqtt"), Path("/root")]


def _faults(tmp_path: Path, files: dict[str, str]) -> list[str]:
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as opened:
        for name, text in files.items():
            opened.writestr(name, text)
    return list(wheel_faults(wheel, TRACKED, PLACES))


def test_a_wheel_with_the_package_and_its_papers_is_right(tmp_path: Path) -> None:
    assert _faults(tmp_path, GOOD) == []


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    without = {name: text for name, text in GOOD.items() if not name.endswith(("py.typed", "LICENSE"))}
    assert _faults(tmp_path, without) == ["lucid2mqtt/py.typed is missing", "*.dist-info/licenses/LICENSE is missing"]


def test_tests_caches_and_forgotten_files_do_not_belong_in_it(tmp_path: Path) -> None:
    extra = {"tests/conftest.py": "", "lucid2mqtt/__pycache__/x.pyc": "", "lucid2mqtt/scratch.py": ""}
    assert [fault.partition(" ")[0] for fault in _faults(tmp_path, GOOD | extra)] == sorted(extra)


def test_words_of_the_place_it_was_made_at_and_of_an_index_are_found(tmp_path: Path) -> None:
    told = {"lucid2mqtt/__init__.py": "HERE = '/home/anna/lucid2mqtt/x'", "lucid2mqtt/py.typed": "https://index.example/simple"}
    first, second = _faults(tmp_path, GOOD | told)
    assert first == "lucid2mqtt/__init__.py names /home/anna/lucid2mqtt"
    assert "names a package index" in second


def test_a_source_archive_holds_what_git_knows_and_what_is_needed(tmp_path: Path) -> None:
    sdist = tmp_path / "x.tar.gz"
    with tarfile.open(sdist, "w:gz") as opened:
        for name in ("PKG-INFO", "pyproject.toml", "run", "tests/conftest.py", "secret.key"):
            opened.addfile(tarfile.TarInfo(f"lucid2mqtt-1/{name}"), io.BytesIO())
    faults = list(sdist_faults(sdist, TRACKED))
    assert faults[0] == "secret.key is not in git"
    assert "agent/locks/core.txt is missing" in faults[1:]
    assert not [fault for fault in faults if fault.startswith(("run ", "PKG-INFO"))]
