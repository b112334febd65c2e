"""With the real openssl: what we make is what others accept."""

import re
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lucid2mqtt.passthrough.certs_authority import LEAF_DAYS, Authority, Files
from lucid2mqtt.passthrough.certs_index import State, states
from lucid2mqtt.passthrough.certs_names import CertsError, Kind
from lucid2mqtt.passthrough.certs_openssl import AUTHORITY_DAYS


def verify(authority: Authority, cert: Path, purpose: str, *more: str) -> str:
    """What `openssl verify` says, with everything it can check."""
    said = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-crl_check", "-purpose", purpose, *more, "-CAfile", str(authority.cert_and_crl), str(cert)],
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout + said.stderr


def shown(cert: Path) -> str:
    return subprocess.run(["openssl", "x509", "-noout", "-text", "-in", str(cert)], capture_output=True, text=True, check=True).stdout


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "folder with a space, $HOME and #")
    made.found("Haus am See")
    return made


def test_an_authority_lasts_ten_years_and_keeps_its_key_to_itself(authority: Authority) -> None:
    text = shown(authority.cert)
    assert "CN = Haus am See" in text
    assert "prime256v1" in text
    assert "CA:TRUE, pathlen:0" in text
    assert (authority.ends() - datetime.now(UTC)).days in (AUTHORITY_DAYS - 1, AUTHORITY_DAYS)
    assert (mode(authority.key), mode(authority.cert), mode(authority.key.parent)) == (0o600, 0o644, 0o700)
    assert verify(authority, authority.cert, "any").endswith("ca.pem: OK\n")


def test_a_server_has_its_names_and_is_good_for_servers_only(authority: Authority) -> None:
    files = authority.issue(Kind.SERVER, "az-2", ("DNS:az-2.lan", "IP:192.168.1.20"))
    text = shown(files.cert)
    assert re.search(r"Subject: .*CN = az-2\n", text)
    assert "DNS:az-2, DNS:az-2.lan, IP Address:192.168.1.20" in text
    assert verify(authority, files.cert, "sslserver", "-verify_hostname", "az-2.lan").endswith(": OK\n")
    assert "unsuitable certificate purpose" in verify(authority, files.cert, "sslclient")


def test_a_client_is_good_for_clients_only(authority: Authority) -> None:
    files = authority.issue(Kind.CLIENT, "anna")
    assert "DNS:anna" in shown(files.cert)
    assert verify(authority, files.cert, "sslclient").endswith(": OK\n")
    assert "unsuitable certificate purpose" in verify(authority, files.cert, "sslserver")


def test_keys_are_readable_by_their_owner_only_and_one_file_holds_both(authority: Authority) -> None:
    files = authority.issue(Kind.CLIENT, "anna", days=30)
    assert (mode(files.key), mode(files.both), mode(files.cert)) == (0o600, 0o600, 0o644)
    assert files.both.read_text() == files.key.read_text() + files.cert.read_text()
    assert not list((authority.key.parent / "book").glob("tmp*"))


def test_a_name_is_given_once_whatever_its_kind(authority: Authority) -> None:
    files = authority.issue(Kind.SERVER, "az-2")
    before = files.key.read_bytes()
    for kind in Kind:
        with pytest.raises(CertsError, match="there is a server az-2 already"):
            authority.issue(kind, "az-2")
    assert files.key.read_bytes() == before
    assert len(authority.issued()) == 1


def test_an_authority_is_never_overwritten(authority: Authority) -> None:
    before = authority.key.read_bytes()
    with pytest.raises(CertsError, match=r"an authority in .* already"):
        Authority(authority.key.parent).found("another")
    assert authority.key.read_bytes() == before


def test_a_renewed_certificate_has_the_same_names_and_a_new_key(authority: Authority) -> None:
    files = authority.issue(Kind.SERVER, "az-2", ("IP:fd00::1",))
    key = files.key.read_bytes()
    assert authority.renew("az-2", days=100) == files
    assert files.key.read_bytes() != key
    assert "DNS:az-2, IP Address:FD00:0:0:0:0:0:0:1" in shown(files.cert)
    assert verify(authority, files.cert, "sslserver").endswith(": OK\n")
    book = authority.issued()
    assert len({entry.serial for entry in book}) == 2
    assert states(book, datetime.now(UTC)) == (State.REPLACED, State.VALID)


def test_revoking_ends_every_certificate_of_a_name_and_frees_it(authority: Authority) -> None:
    files = authority.issue(Kind.CLIENT, "anna")
    first = files.cert.read_bytes()
    authority.renew("anna")
    old, new = authority.key.parent / "old.crt", authority.key.parent / "new.crt"
    old.write_bytes(first)
    new.write_bytes(files.cert.read_bytes())
    other = authority.issue(Kind.CLIENT, "bert")
    assert len(authority.revoke("anna")) == 2
    assert "certificate revoked" in verify(authority, old, "sslclient")
    assert "certificate revoked" in verify(authority, new, "sslclient")
    assert verify(authority, other.cert, "sslclient").endswith(": OK\n")
    assert not any(path.exists() for path in (files.cert, files.key, files.both))
    again = authority.issue(Kind.CLIENT, "anna")
    assert verify(authority, again.cert, "sslclient").endswith(": OK\n")
    assert [str(state) for state in states(authority.issued(), datetime.now(UTC))] == ["revoked", "revoked", "valid", "valid"]


def test_only_what_is_in_force_can_be_revoked(authority: Authority) -> None:
    with pytest.raises(CertsError, match="no certificate of anna is in force"):
        authority.revoke("anna")
    authority.issue(Kind.CLIENT, "anna")
    authority.revoke("anna")
    with pytest.raises(CertsError, match="no certificate of anna is in force"):
        authority.revoke("anna")


def test_what_is_not_there_cannot_be_renewed(authority: Authority) -> None:
    with pytest.raises(CertsError, match="no server or client anna"):
        authority.renew("anna")


def test_no_certificate_outlives_its_authority(authority: Authority) -> None:
    with pytest.raises(CertsError, match="the authority ends on"):
        authority.issue(Kind.CLIENT, "anna", days=AUTHORITY_DAYS + 1)
    assert authority.issued() == ()


def test_leaves_last_as_long_as_every_system_accepts(authority: Authority) -> None:
    authority.issue(Kind.CLIENT, "anna")
    (entry,) = authority.issued()
    assert (entry.ends - datetime.now(UTC)).days in (LEAF_DAYS - 1, LEAF_DAYS)


def test_a_folder_without_authority_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(CertsError, match="no authority in") as refusal:
        Authority(tmp_path).issue(Kind.CLIENT, "anna")
    assert "certs init" in refusal.value.remedy


def test_without_openssl_nothing_is_begun_that_stands_in_the_way_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path))
        with pytest.raises(CertsError, match="openssl is missing") as refusal:
            Authority(tmp_path / "certs").found("x")
        assert "apt install openssl" in refusal.value.remedy
    Authority(tmp_path / "certs").found("x")


def test_a_damaged_key_is_openssl_s_complaint_in_one_line(authority: Authority) -> None:
    authority.key.write_text("no key")
    with pytest.raises(CertsError, match=r"openssl ca failed: .*") as refusal:
        authority.issue(Kind.CLIENT, "anna")
    assert "\n" not in str(refusal.value)
    assert not authority.files(Kind.CLIENT, "anna").cert.exists()


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(CertsError, match="others may write"):
        Authority(tmp_path).found("x")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CertsError, match=r"file.* cannot be used"):
        Authority(tmp_path / "file" / "certs").found("x")


def test_files_tell_where_the_parts_are(tmp_path: Path) -> None:
    folder = tmp_path / "clients"
    assert Authority(tmp_path).files(Kind.CLIENT, "anna") == Files(folder / "anna.crt", folder / "anna.key", folder / "anna.pem")


def test_a_book_that_cannot_be_read_is_named(authority: Authority) -> None:
    index = authority.key.parent / "book" / "index.txt"
    index.unlink()
    index.mkdir()
    with pytest.raises(CertsError, match=r"index\.txt cannot be used"):
        authority.issued()
