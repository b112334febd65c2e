import shutil
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lucid2mqtt.settings.fields import Objection
from lucid2mqtt.settings.zones import machine_zone, zone_named

WINTER = datetime(2026, 1, 1)  # noqa: DTZ001  wall clock
BERLIN = next(Path(folder) / "Europe/Berlin" for folder in zoneinfo.TZPATH if (Path(folder) / "Europe/Berlin").exists())


@pytest.fixture
def no_database(tmp_path: Path) -> Iterator[None]:
    zoneinfo.reset_tzpath([str(tmp_path)])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()


def test_a_zone_is_known_by_its_name() -> None:
    assert zone_named("Europe/Berlin").utcoffset(WINTER) == timedelta(hours=1)
    assert zone_named("UTC") is UTC


@pytest.mark.parametrize(
    ("name", "meant"),
    [("europe/berlin", "Europe/Berlin"), ("Europe/Berln", "Europe/Berlin"), ("Berlin", "Europe/Berlin"), ("Zurich", "Europe/Zurich")],
)
def test_a_near_miss_is_guessed(name: str, meant: str) -> None:
    with pytest.raises(Objection, match="is no time zone") as refused:
        zone_named(name)
    assert refused.value.remedy.startswith(f"did you mean {meant!r}")


@pytest.mark.parametrize("name", ["xyzzyx", "", "Europe", "../zoneinfo", "/etc/passwd", "a\0b", "\udc80"])
def test_what_is_no_name_at_all_gets_an_example(name: str) -> None:
    with pytest.raises(Objection) as refused:
        zone_named(name)
    assert refused.value.remedy


@pytest.mark.usefixtures("no_database")
def test_a_system_without_a_database_is_told_which_package_is_missing() -> None:
    with pytest.raises(Objection, match="no time zone database") as refused:
        zone_named("Europe/Berlin")
    assert "apt install tzdata" in refused.value.remedy
    assert zone_named("UTC") is UTC


def test_tz_outweighs_the_file() -> None:
    for name in ("Europe/Berlin", ":Europe/Berlin"):
        machine = machine_zone({"TZ": name}, Path("/nowhere"))
        assert (machine.zone.utcoffset(WINTER), machine.doubt) == (timedelta(hours=1), "")


def test_a_tz_that_is_no_name_is_doubtful_and_counts_as_utc() -> None:
    machine = machine_zone({"TZ": "CET-1CEST,M3.5.0,M10.5.0"}, BERLIN)
    assert machine.zone is UTC
    assert "CET-1CEST" in machine.doubt


def test_the_link_names_the_zone(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to(BERLIN)
    machine = machine_zone({}, link)
    assert (str(machine.zone), machine.doubt) == ("Europe/Berlin", "")


def test_a_copy_of_the_zone_will_do_without_its_name(tmp_path: Path) -> None:
    shutil.copy(BERLIN, tmp_path / "localtime")
    machine = machine_zone({"TZ": ""}, tmp_path / "localtime")
    assert (machine.zone.utcoffset(WINTER), machine.doubt) == (timedelta(hours=1), "")


def test_a_link_into_a_database_that_misses_it_is_doubtful(tmp_path: Path) -> None:
    strange = tmp_path / "zoneinfo/Mars/Base"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"")
    link = tmp_path / "localtime"
    link.symlink_to(strange)
    machine = machine_zone({}, link)
    assert (machine.zone, machine.doubt) == (UTC, "the time zone of this machine, 'Mars/Base', cannot be read")


@pytest.mark.parametrize("held", [None, b"", b"no zone"])
def test_no_file_and_a_broken_one_are_doubtful(tmp_path: Path, held: bytes | None) -> None:
    if held is not None:
        (tmp_path / "localtime").write_bytes(held)
    machine = machine_zone({}, tmp_path / "localtime")
    assert (machine.zone, machine.doubt) == (UTC, "this machine has no time zone")


@pytest.mark.parametrize("name", ["UTC", "Etc/UTC"])
def test_a_machine_on_utc_is_mostly_one_that_was_never_told(name: str) -> None:
    assert machine_zone({"TZ": name}).doubt == "this machine is set to UTC"
