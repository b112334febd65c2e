from __future__ import annotations

from pathlib import Path

import pytest

from lucid2mqtt.port import candidates
from lucid2mqtt.port.address import SerialAddress, TcpAddress
from lucid2mqtt.port.candidates import Candidate, Patterns, Trust

IDS = ("16D0:0821",)


def found(texts: tuple[str, ...], usb: dict[str, str] | None = None) -> dict[str, Trust]:
    return {str(candidate.address): candidate.trust for candidate in Patterns.parse(texts).candidates(usb or {}, IDS)}


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ttyACM0", "ttyACM1", "ttyUSB0"):
        (tmp_path / name).touch()
    by_id = tmp_path / "serial" / "by-id"
    by_id.mkdir(parents=True)
    (by_id / "usb-lucid").symlink_to(tmp_path / "ttyACM0")
    monkeypatch.setattr(candidates, "DEVICES", tmp_path)
    monkeypatch.setattr(candidates, "BY_ID", by_id)
    return tmp_path


def test_auto_takes_the_ports_with_the_vendors_usb_id_and_names_them_by_id(dev: Path) -> None:
    usb = {f"{dev}/ttyACM0": "16D0:0821", f"{dev}/ttyACM1": "16d0:0821", f"{dev}/ttyUSB0": "0403:6001"}
    assert found(("auto",), usb) == {f"{dev}/serial/by-id/usb-lucid": Trust.USB_ID, f"{dev}/ttyACM1": Trust.USB_ID}


def test_a_device_named_twice_is_one_port_under_the_name_the_user_gave(dev: Path) -> None:
    usb = {f"{dev}/ttyACM0": "16D0:0821"}
    assert found(("auto", f"{dev}/ttyACM*", f"{dev}/ttyACM0", f"{dev}/serial/by-id/usb-lucid"), usb) == {
        f"{dev}/ttyACM0": Trust.USB_ID,
        f"{dev}/ttyACM1": Trust.GUESSED,
    }


def test_a_named_port_is_trusted_more_than_a_matched_one_and_less_than_the_usb_id(dev: Path) -> None:
    assert found((f"{dev}/ttyUSB0", f"{dev}/ttyACM1*")) == {f"{dev}/ttyUSB0": Trust.NAMED, f"{dev}/ttyACM1": Trust.GUESSED}


@pytest.mark.parametrize("excluded", ["ttyACM0", "serial/by-id/usb-lucid", "ttyACM[0]", "serial/by-id/*"])
def test_an_excluded_port_is_left_out_by_whatever_name(dev: Path, excluded: str) -> None:
    usb = {f"{dev}/ttyACM0": "16D0:0821", f"{dev}/ttyACM1": "16D0:0821"}
    assert found(("auto", f"!{dev}/{excluded}"), usb) == {f"{dev}/ttyACM1": Trust.USB_ID}


def test_network_ports_are_always_there_once_each_unless_excluded() -> None:
    assert found(("tcp://pi:4001", "tcp://pi:4001", "tls://pi:4433", "!tls://PI:4433")) == {"tcp://pi:4001": Trust.NAMED}


def test_a_device_that_was_replaced_under_its_name_is_another_device(dev: Path) -> None:
    patterns = Patterns.parse((f"{dev}/ttyACM0",))
    (before,) = patterns.candidates({}, IDS)
    (dev / "other").touch()
    (dev / "other").replace(dev / "ttyACM0")
    (after,) = patterns.candidates({}, IDS)
    assert before.address == after.address
    assert before.key != after.key


def test_a_path_without_a_device_is_missing_and_no_candidate(dev: Path) -> None:
    patterns = Patterns.parse((f"{dev}/none", f"{dev}/ttyACM0"))
    assert patterns.missing() == (f"{dev}/none",)
    assert [candidate.address for candidate in patterns.candidates({}, IDS)] == [SerialAddress(f"{dev}/ttyACM0")]


def test_the_folders_to_watch_are_those_where_a_match_would_appear(dev: Path) -> None:
    patterns = Patterns.parse(("auto", "/a/b/tty*", "/c/d", "/e*/f/g", "tcp://pi:1"))
    assert patterns.folders() == tuple(sorted(("/a/b", "/c", "/", str(dev), str(dev / "serial/by-id"))))


def test_only_network_ports_need_no_usb_list() -> None:
    assert not Patterns.parse(("tcp://pi:1",)).needs_usb
    assert Patterns.parse(("/dev/ttyACM0",)).needs_usb


@pytest.mark.parametrize("text", ["ttyACM0", "!ttyACM0", "tcp://pi", "Auto"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        Patterns.parse((text,))


def test_a_network_candidate_is_known_by_its_address() -> None:
    assert Patterns.parse(("tcp://pi:1",)).candidates({}, IDS) == (Candidate(TcpAddress("pi", 1), ("tcp://pi:1", 0), Trust.NAMED),)
