"""A private authority in a folder: makes, renews, lists and revokes certificates of servers and clients.

ca.pem ca.key crl.pem ca-and-crl.pem      the authority; ca.key never leaves the folder
servers/NAME.crt .key .pem                .pem is key and certificate in one, as socat likes it
clients/NAME.crt .key .pem
book/                                     what `openssl ca` keeps; see docs/decisions/0007
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lucid2mqtt.passthrough.certs_index import Issued, parse_index
from lucid2mqtt.passthrough.certs_names import CertsError, Kind, alternatives_of, parse_shown_alternatives
from lucid2mqtt.passthrough.certs_openssl import (
    AUTHORITY_DAYS,
    BOOK,
    CONFIG,
    CONFIG_TEXT,
    CRL_NUMBER,
    INDEX,
    ISSUED,
    NEW_KEY,
    extensions_text,
    openssl,
)

LEAF_DAYS = 825
"""The longest that all systems of today accept."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where one certificate is. `both` holds the key, then the certificate."""

    cert: Path
    key: Path
    both: Path


class Authority:
    """The authority in `folder`. Every method may raise CertsError; names must have passed `check_name`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.cert = folder / "ca.pem"
        self.key = folder / "ca.key"
        self.crl = folder / "crl.pem"
        self.cert_and_crl = folder / "ca-and-crl.pem"

    def found(self, name: str) -> None:
        """Begins the authority; an existing one is never touched."""
        with _in_words(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._folder.stat().st_mode & 0o022:
                raise CertsError(f"others may write to {self._folder}", f"chmod go-w {self._folder}")
            (self._folder / BOOK).mkdir(mode=0o700, exist_ok=True)
            with self._alone():
                if self.cert.exists() or self.key.exists() or self._has_issued():
                    raise CertsError(f"there is an authority in {self._folder} already", "use it, or name another folder with --dir")
                self._write_book()
                with tempfile.TemporaryDirectory(dir=self._folder / BOOK) as scratch:
                    made = f"{BOOK}/{Path(scratch).name}"
                    openssl(
                        self._folder, "req", "-x509", *NEW_KEY, "-config", CONFIG, "-extensions", "root", "-sha256",
                        "-days", str(AUTHORITY_DAYS), "-subj", f"/CN={name}", "-keyout", f"{made}/key", "-out", f"{made}/cert",
                    )  # fmt: skip
                    _place(Path(scratch) / "key", self.key, 0o600)
                    _place(Path(scratch) / "cert", self.cert, 0o644)
                self._write_crl()

    def issue(self, kind: Kind, name: str, alternatives: Sequence[str] = (), *, days: int = LEAF_DAYS) -> Files:
        """A key and certificate for a new name, which stands in the certificate also as an alternative name."""
        with self._book():
            for taken in Kind:
                if self.files(taken, name).cert.exists():
                    remedy = f"lucid2mqtt certs renew {name} replaces it, lucid2mqtt certs revoke {name} ends it"
                    raise CertsError(f"there is a {taken} {name} already", remedy)
            return self._issue(kind, name, alternatives_of(name, alternatives), days)

    def renew(self, name: str, *, days: int = LEAF_DAYS) -> Files:
        """A new key and certificate in place of those of `name`, with the same alternative names. The old one is accepted until it ends."""
        with self._book():
            kind = self.kind_of(name)
            shown = openssl(
                self._folder, "x509", "-noout", "-ext", "subjectAltName", "-in", str(self.files(kind, name).cert.relative_to(self._folder))
            )
            try:
                return self._issue(kind, name, parse_shown_alternatives(shown), days)
            except ValueError as fault:
                raise CertsError(f"the certificate of {name} cannot be made again: {fault}", f"revoke {name} and make a new one") from None

    def revoke(self, name: str) -> tuple[str, ...]:
        """Takes back every certificate of `name` that is still good, and removes its files. Gives their serial numbers."""
        with self._book():
            now = datetime.now(UTC)
            good = [entry.serial for entry in self.issued() if entry.name == name and not entry.revoked and entry.ends > now]
            if not good:
                raise CertsError(f"no certificate of {name} is in force", "lucid2mqtt certs list shows which are")
            for serial in good:
                openssl(self._folder, "ca", "-config", CONFIG, "-revoke", f"{ISSUED}/{_file_name(serial)}")
            self._write_crl()
            for kind in Kind:
                files = self.files(kind, name)
                for path in (files.cert, files.key, files.both):
                    path.unlink(missing_ok=True)
            return tuple(good)

    def issued(self) -> tuple[Issued, ...]:
        """Everything ever issued, oldest first."""
        with _in_words(self._folder):
            self._require()
            return parse_index((self._folder / INDEX).read_text(errors="replace"))

    def ends(self) -> datetime:
        """When the authority itself ends, UTC."""
        shown = self._shown("-enddate", "notAfter=")
        try:
            return datetime.strptime(shown, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
        except ValueError:
            raise CertsError(f"{self.cert} has no end that can be read: {shown!r}", "look at it with openssl x509 -text") from None

    def serial(self) -> str:
        """The serial number of the authority's own certificate, hexadecimal."""
        return self._shown("-serial", "serial=")

    def kind_of(self, name: str) -> Kind:
        """Whether `name` is a server or a client."""
        for kind in Kind:
            if self.files(kind, name).cert.exists():
                return kind
        raise CertsError(f"there is no server or client {name}", "lucid2mqtt certs list shows all")

    def files(self, kind: Kind, name: str) -> Files:
        """Where the certificate of `name` is, or would be."""
        folder = self._folder / f"{kind}s"
        return Files(folder / f"{name}.crt", folder / f"{name}.key", folder / f"{name}.pem")

    # -- making

    def _issue(self, kind: Kind, name: str, alternatives: Sequence[str], days: int) -> Files:
        if datetime.now(UTC) + timedelta(days=days) > self.ends():
            raise CertsError(f"the authority ends on {self.ends():%Y-%m-%d}, before this certificate would", "give fewer --days")
        files = self.files(kind, name)
        files.cert.parent.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder / BOOK) as scratch:
            made = f"{BOOK}/{Path(scratch).name}"
            key, cert, both = (Path(scratch) / part for part in ("key", "cert", "both"))
            openssl(
                self._folder, "req", "-new", *NEW_KEY, "-config", CONFIG, "-subj", f"/OU={kind}/CN={name}",
                "-keyout", f"{made}/key", "-out", f"{made}/request",
            )  # fmt: skip
            (Path(scratch) / "extensions").write_text(extensions_text(kind, alternatives))
            openssl(
                self._folder, "ca", "-batch", "-notext", "-config", CONFIG, "-days", str(days), "-in", f"{made}/request",
                "-out", f"{made}/cert", "-extfile", f"{made}/extensions", "-extensions", "leaf",
            )  # fmt: skip
            both.touch(0o600)
            both.write_bytes(key.read_bytes() + cert.read_bytes())
            _place(both, files.both, 0o600)
            _place(key, files.key, 0o600)
            _place(cert, files.cert, 0o644)
        return files

    def _write_book(self) -> None:
        (self._folder / ISSUED).mkdir(mode=0o700, exist_ok=True)
        (self._folder / CONFIG).write_text(CONFIG_TEXT)
        (self._folder / CRL_NUMBER).write_text("01\n")
        (self._folder / INDEX).touch()

    def _write_crl(self) -> None:
        made = self._folder / BOOK / "crl.new"
        openssl(self._folder, "ca", "-config", CONFIG, "-gencrl", "-out", f"{BOOK}/{made.name}")
        listed = made.read_bytes()
        _place(made, self.crl, 0o644)
        both = self._folder / BOOK / "both.new"
        both.write_bytes(self.cert.read_bytes() + listed)
        _place(both, self.cert_and_crl, 0o644)

    def _has_issued(self) -> bool:
        index = self._folder / INDEX
        return index.exists() and index.stat().st_size > 0

    def _shown(self, option: str, prefix: str) -> str:
        with _in_words(self._folder):
            self._require()
        return openssl(self._folder, "x509", "-noout", option, "-in", self.cert.name).strip().removeprefix(prefix)

    # -- one at a time

    @contextlib.contextmanager
    def _book(self) -> Iterator[None]:
        with _in_words(self._folder):
            self._require()
            with self._alone():
                yield

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two at once would overwrite each other's lines in the book."""
        with (self._folder / BOOK / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _require(self) -> None:
        if not (self._folder / INDEX).exists() or not self.cert.exists():
            raise CertsError(f"there is no authority in {self._folder}", "lucid2mqtt certs init makes one, --dir names another folder")


def _file_name(serial: str) -> str:
    """The name openssl gives to what it issued: the serial number in whole bytes."""
    return f"{serial.zfill(len(serial) + len(serial) % 2)}.pem"


def _place(made: Path, place: Path, mode: int) -> None:
    made.chmod(mode)
    shutil.move(made, place)


@contextlib.contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise CertsError(
            f"{fault.filename or folder} cannot be used: {fault.strerror or fault}", "choose a folder of yours with --dir"
        ) from fault
