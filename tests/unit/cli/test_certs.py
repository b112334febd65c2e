import json
from pathlib import Path

import pytest

from lucid2mqtt.cli.main import main


def certs(folder: Path, *words: str) -> int:
    return main(["certs", *words, "--dir", str(folder)])


def test_from_nothing_to_a_server_and_a_client(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "certs"
    assert certs(folder, "init", "--name", "Cabin") == 0
    assert f"{folder / 'ca.key'}: its key; keep it here" in capsys.readouterr().out
    assert certs(folder, "server", "az-2", "--san", "dns:az-2.lan,ip:10.0.0.2", "--san", "ip:::1") == 0
    said = capsys.readouterr().out
    assert str(folder / "servers" / "az-2.pem") in said
    assert "OPENSSL-LISTEN:4001" in said
    assert "tls: {cert: az-2.pem" in said
    assert certs(folder, "client", "anna", "--days", "30") == 0
    said = capsys.readouterr().out
    assert "--cert anna.pem --ca ca.pem" in said
    assert "OPENSSL-CONNECT:SERVER:4001,cert=anna.pem,cafile=ca.pem" in said
    assert certs(folder, "list") == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in table[1:]] == [
        ["ca", "authority", "valid"],
        ["az-2", "server", "valid"],
        ["anna", "client", "valid"],
    ]
    assert table[3].split()[4] == "29"


def test_the_list_can_be_read_by_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("init",), ("client", "anna"), ("renew", "anna"), ("revoke", "anna")):
        assert certs(tmp_path / "certs", *words) == 0
    said = capsys.readouterr().out
    assert "is accepted until it ends" in said
    assert said.count("is revoked") == 2
    assert "ca-and-crl.pem" in said
    assert certs(tmp_path / "certs", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(entry["name"], entry["kind"], entry["state"]) for entry in listed] == [
        ("ca", "authority", "valid"),
        ("anna", "client", "revoked"),
        ("anna", "client", "revoked"),
    ]
    assert len({entry["serial"] for entry in listed}) == 3
    assert all(entry["ends"].endswith("Z") for entry in listed)


def test_a_renewed_server_is_told_about_as_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("init",), ("server", "az-2")):
        certs(tmp_path / "certs", *words)
    capsys.readouterr()
    assert certs(tmp_path / "certs", "renew", "az-2") == 0
    assert "OPENSSL-LISTEN" in capsys.readouterr().out


def test_the_authority_says_no_in_one_line_with_a_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert certs(tmp_path, "client", "anna") == 1
    assert capsys.readouterr().err.startswith(f"lucid2mqtt: there is no authority in {tmp_path} (lucid2mqtt certs init")


@pytest.mark.parametrize(
    "words",
    [
        ("client", "a/b"),
        ("server", "a", "--san", "a.lan"),
        ("client", "a", "--days", "0"),
        ("client", "a", "--days", "soon"),
        ("init", "--name", "a/b"),
        (),
        ("client",),
    ],
)
def test_what_cannot_be_meant_is_a_matter_of_usage(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certs", *words]) == 2
    assert "error" in capsys.readouterr().err


def test_without_a_folder_the_one_at_home_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["certs", "init"]) == 0
    assert (tmp_path / "lucid2mqtt-certs" / "ca.pem").exists()
