"""TLS with the standard library's client at the other end, over a wire without a network."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from lucid2mqtt.passthrough.options import ServerTls
from lucid2mqtt.passthrough.peer import certificate_names
from lucid2mqtt.passthrough.tls_files import Certificates
from lucid2mqtt.passthrough.tls_layer import HANDSHAKE_LIMIT_S, TlsLayer
from lucid2mqtt.passthrough.wire import Wire
from tests.unit.passthrough.fakes import FakeWire
from tests.unit.passthrough.test_connection import Keeper
from tests.virtual_clock import run_virtual

CA = trustme.CA()
SERVER = CA.issue_cert("localhost")
LAB = CA.issue_cert("lab-pc", common_name="lab")


def files(folder: Path, ca: trustme.CA | None = CA, server: trustme.LeafCert = SERVER) -> ServerTls:
    server.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    server.private_key_pem.write_to_path(folder / "key.pem")
    if ca is not None:
        ca.cert_pem.write_to_path(folder / "ca.pem")
    return ServerTls(cert=folder / "cert.pem", key=folder / "key.pem", ca=folder / "ca.pem" if ca is not None else None)


class Client:
    """A TLS client in memory, joined to a layer."""

    def __init__(self, layer: TlsLayer, wire: FakeWire, certificate: trustme.LeafCert | None = LAB) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        CA.configure_trust(context)
        if certificate is not None:
            certificate.configure_cert(context)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")
        self.layer = layer
        self.wire = wire

    def exchange(self) -> None:
        """Carries everything over, one byte at a time towards the server: records may be cut anywhere."""
        for byte in self._out.read():
            self.layer.received(bytes((byte,)))
        self._in.write(self.wire.sent)
        self.wire.sent = b""

    def shake_hands(self) -> None:
        for _ in range(4):
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
            self.exchange()

    def write(self, data: bytes) -> None:
        self.tls.write(data)
        self.exchange()

    def read(self) -> bytes:
        self.exchange()
        try:
            return self.tls.read(10_000)
        except ssl.SSLWantReadError:
            return b""

    def last_word(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.exchange()


class Bench:
    def __init__(self, settled: ServerTls, certificate: trustme.LeafCert | None = LAB) -> None:
        self.keeper = Keeper()
        self.names: list[str] = []
        self.failures: list[str] = []
        self.wire = FakeWire()
        self.layer = TlsLayer(self.wire, Certificates(settled).context(), known=self._known, failed=self.failures.append)
        self.wire.session = self.layer  # type: ignore[assignment]
        self.client = Client(self.layer, self.wire, certificate)

    def _known(self, wire: Wire, certificate: Mapping[str, Any] | None) -> Keeper:  # Any: a certificate
        self.names = list(certificate_names(certificate or {}))
        return self.keeper


def test_a_client_is_known_by_its_certificate_and_bytes_pass_unchanged(tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(files(tmp_path))
        bench.client.shake_hands()
        assert bench.names == ["lab-pc"]
        bench.client.write(bytes(range(256)))
        assert b"".join(bench.keeper.chunks) == bytes(range(256))
        bench.layer.write(b"answer\xff")
        assert bench.client.read() == b"answer\xff"

    run_virtual(scene())


def test_after_the_clients_last_word_it_is_still_answered(tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(files(tmp_path))
        bench.client.shake_hands()
        bench.client.tls.write(b"request")
        bench.client.last_word()
        assert bench.keeper.chunks == [b"request"]
        assert bench.keeper.events == ["finished"]
        bench.layer.peer_finished()
        assert bench.keeper.events == ["finished"]
        bench.layer.write(b"answer")
        bench.layer.finish()
        assert bench.client.read() == b"answer"
        assert bench.wire.end == "finished"
        assert bench.keeper.events == ["finished", "lost"]

    run_virtual(scene())


def test_a_connection_that_ends_without_a_last_word_has_ended(tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(files(tmp_path))
        bench.client.shake_hands()
        bench.client.write(b"request")
        bench.layer.peer_finished()
        assert bench.keeper.events == ["finished"]

    run_virtual(scene())


@pytest.mark.parametrize("certificate", [None, trustme.CA().issue_cert("lab-pc")], ids=["none", "foreign"])
def test_without_a_certificate_of_ours_nobody_comes_in(certificate: trustme.LeafCert | None, tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(files(tmp_path), certificate)
        bench.client.shake_hands()
        assert bench.wire.end == "finished"
        assert len(bench.failures) == 1
        assert "no TLS connection" in bench.failures[0]
        assert bench.names == []

    run_virtual(scene())


def test_where_no_certificate_is_asked_for_the_client_is_just_somebody(tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(files(tmp_path, ca=None), None)
        bench.client.shake_hands()
        bench.client.write(b"x")
        assert bench.keeper.chunks == [b"x"]
        assert bench.names == []

    run_virtual(scene())


@pytest.mark.parametrize("hello", [b"GET / HTTP/1.1\r\n\r\n", b"\x46\x00\x1d\x00", bytes(100)])
def test_a_client_without_tls_is_shown_the_door(hello: bytes, tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(files(tmp_path))
        bench.layer.received(hello)
        await asyncio.sleep(HANDSHAKE_LIMIT_S + 0.1)
        assert bench.wire.end in ("finished", "aborted")
        assert len(bench.failures) == 1

    run_virtual(scene())


def test_a_handshake_may_take_so_long_and_no_longer(tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(files(tmp_path))
        await asyncio.sleep(HANDSHAKE_LIMIT_S - 0.1)
        assert bench.wire.end == ""
        await asyncio.sleep(0.2)
        assert bench.wire.end == "aborted"
        assert len(bench.failures) == 1

    run_virtual(scene())


def test_who_leaves_during_the_handshake_is_counted_once(tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(files(tmp_path))
        bench.layer.received(b"\x16\x03\x01")
        bench.layer.peer_finished()
        await asyncio.sleep(HANDSHAKE_LIMIT_S + 1)
        assert len(bench.failures) == 1

    run_virtual(scene())


def test_what_the_session_does_not_take_waits(tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(files(tmp_path))
        bench.client.shake_hands()
        bench.layer.hold()
        bench.client.write(bytes(9000))
        assert bench.wire.is_held
        assert bench.keeper.chunks == []
        bench.layer.go_on()
        assert sum(map(len, bench.keeper.chunks)) == 9000
        assert max(map(len, bench.keeper.chunks)) <= 2048
        assert not bench.wire.is_held

    run_virtual(scene())


def test_garbage_after_the_handshake_ends_the_connection(tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(files(tmp_path))
        bench.client.shake_hands()
        bench.layer.received(b"\x17\x03\x03\x00\x20" + bytes(32))
        assert bench.wire.end == "aborted"
        assert bench.keeper.events == ["lost"]
        bench.layer.write(b"to nobody")

    run_virtual(scene())


def test_new_certificates_are_used_for_the_next_client(tmp_path: Path) -> None:
    settled = files(tmp_path)
    certificates = Certificates(settled)
    before = certificates.context()
    assert certificates.context() is before
    files(tmp_path, server=CA.issue_cert("other-name"))
    os.utime(settled.cert, ns=(1, 1))
    assert certificates.context() is not before


def test_certificates_that_cannot_be_used_leave_the_earlier_ones_in_force_and_are_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settled = files(tmp_path)
    certificates = Certificates(settled)
    before = certificates.context()
    settled.cert.write_text("half written")
    with caplog.at_level(logging.WARNING):
        assert certificates.context() is before
        assert certificates.context() is before
        settled.cert.unlink()
        assert certificates.context() is before
    assert len(caplog.records) == 1
    files(tmp_path)
    assert certificates.context() is not before


def test_without_usable_files_there_is_no_listener(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"cert\.pem"):
        Certificates(ServerTls(cert=tmp_path / "cert.pem", key=tmp_path / "key.pem"))
