"""A port attached over TLS, with certificates of ours and with real programs: socat, openssl."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import serial

from lucid2mqtt.passthrough.attach_remote import ClientTls, Remote, Way
from lucid2mqtt.passthrough.certs_authority import Authority, Files
from lucid2mqtt.passthrough.certs_names import Kind
from tests.broker import free_port
from tests.scenario.attach_rig import EVERY_BYTE, WITHIN_S, address, attached, bench, exchange, serial_of, socat


class House:
    """Certificates of one authority, and of a stranger."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "ours")
        self.authority.found("Ours")
        self.server = self.authority.issue(Kind.SERVER, "cabin.example", ("IP:127.0.0.1", "DNS:localhost"))
        self.client = self.authority.issue(Kind.CLIENT, "anna")
        self.lost_server = self._lost(Kind.SERVER, "lost-server", folder)
        self.lost_client = self._lost(Kind.CLIENT, "lost-client", folder)
        self.stranger = Authority(folder / "stranger")
        self.stranger.found("Stranger")
        self.strange_client = self.stranger.issue(Kind.CLIENT, "anna")

    def _lost(self, kind: Kind, name: str, folder: Path) -> Path:
        """Key and certificate that are revoked, as a thief has them."""
        copy = folder / f"{name}.pem"
        copy.write_bytes(self.authority.issue(kind, name, ("IP:127.0.0.1",)).both.read_bytes())
        self.authority.revoke(name)
        return copy

    def context(self, cert: Path | None = None) -> ssl.SSLContext:
        """A server that wants certificates of clients and looks at revocations."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert or self.server.both)
        context.load_verify_locations(self.authority.cert_and_crl)
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        return context

    def tls(self, client: Files | Path | None = None, ca: Path | None = None, server_name: str | None = None) -> ClientTls:
        cert = client if isinstance(client, Path) else (client or self.client).both
        return ClientTls(cert=cert, ca=ca or self.authority.cert_and_crl, server_name=server_name)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("certs"))


async def test_a_virtual_module_behind_mutual_tls_answers(tmp_path: Path, house: House) -> None:
    link = tmp_path / "lio0"
    async with bench(tmp_path / "bench", house.context()) as modules, attached(address(modules), link, house.tls()) as port:
        await port.until_connected()
        assert await asyncio.to_thread(serial_of, link) == modules.world.modules[0].identity.serial


@pytest.mark.parametrize("check", [{"server_name": "cabin.example"}, {"check_name": False}])
async def test_socat_serves_with_our_certificates(tmp_path: Path, house: House, check: dict[str, str | bool]) -> None:
    link, listen = tmp_path / "lio0", free_port()
    listener = f"OPENSSL-LISTEN:{listen},bind=127.0.0.1,reuseaddr,fork,cert={house.server.both},cafile={house.authority.cert}"
    tls = ClientTls(cert=house.client.cert, key=house.client.key, ca=house.authority.cert, **check)  # type: ignore[arg-type]
    async with socat(listener, "EXEC:cat", listens=True), attached(Remote(Way.TLS, "localhost", listen), link, tls) as port:
        await port.until_connected()
        with serial.Serial(str(link), 9600, timeout=WITHIN_S) as device:
            assert await asyncio.to_thread(exchange, device, EVERY_BYTE, 256) == EVERY_BYTE


async def test_socat_dials_with_our_certificates(tmp_path: Path, house: House) -> None:
    link = tmp_path / "lio0"
    async with bench(tmp_path / "bench", house.context()) as modules:
        remote = address(modules).removeprefix("tls://").replace("127.0.0.1", "localhost")
        dial = f"OPENSSL-CONNECT:{remote},cert={house.client.both},cafile={house.authority.cert}"
        async with socat(f"PTY,link={link},raw,echo=0", dial):
            assert await asyncio.to_thread(serial_of, link) == modules.world.modules[0].identity.serial


@contextlib.asynccontextmanager
async def strict_server(house: House, cert: Path | None = None) -> AsyncIterator[str]:
    """openssl as a server that looks at everything, and says why it turns somebody away. Gives its address."""
    listen = free_port()
    words = f"s_server -accept 127.0.0.1:{listen} -Verify 2 -verify_return_error -crl_check -naccept 20".split()
    both = str(cert or house.server.both)
    process = await asyncio.create_subprocess_exec(
        "openssl", *words, "-cert", both, "-key", both, "-CAfile", str(house.authority.cert), "-CRL", str(house.authority.crl),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WITHIN_S):
            await process.stdout.readuntil(b"ACCEPT")
        yield f"tls://127.0.0.1:{listen}"
    finally:
        process.kill()
        await process.communicate()


async def reason_of_refusal(house: House, folder: Path, tls: ClientTls, server_cert: Path | None = None) -> str:
    """Why an attach with `tls` does not get through to a server with `server_cert`."""
    async with strict_server(house, server_cert) as remote, attached(remote, folder / "lio0", tls) as port:
        reason = await port.until_status("no connection")
        assert (folder / "lio0").exists()
        assert not any(status.startswith("connected") for status in port.statuses)
    return reason


@pytest.mark.parametrize(
    ("tls", "reason"),
    [
        (lambda house: house.tls(ca=house.stranger.cert), "the server's certificate is not signed by an authority of --ca"),
        (lambda house: house.tls(server_name="barn.example"), "for another name: dial the name it is for, or give that as --server-name"),
        (lambda house: house.tls(house.strange_client), "the server does not know the authority of our certificate"),
        (lambda house: house.tls(house.lost_client), "the server says that our certificate is revoked"),
        (lambda house: ClientTls(ca=house.authority.cert), "the server wants a certificate of ours: give one with --cert"),
        (lambda house: house.tls(house.server), "our certificate is none for clients"),
    ],
    ids=["wrong authority", "wrong name", "stranger", "revoked client", "no certificate", "server's certificate"],
)
async def test_who_is_not_trusted_is_turned_away_with_the_reason(
    tmp_path: Path, house: House, tls: Callable[[House], ClientTls], reason: str
) -> None:
    assert reason in await reason_of_refusal(house, tmp_path, tls(house))


async def test_a_server_that_hangs_up_without_a_word_leaves_a_hint(tmp_path: Path, house: House) -> None:
    async with (
        bench(tmp_path / "bench", house.context()) as modules,  # its TLS closes before the alert is out
        attached(address(modules), tmp_path / "lio0", house.tls(house.lost_client)) as port,
    ):
        assert "perhaps it does not accept our certificate" in await port.until_status("no connection")


async def test_a_server_whose_certificate_is_revoked_is_not_trusted(tmp_path: Path, house: House) -> None:
    assert "the server's certificate is revoked" in await reason_of_refusal(house, tmp_path, house.tls(), house.lost_server)


async def test_renewed_certificates_are_used_without_a_restart(tmp_path: Path, house: House) -> None:
    mine = tmp_path / "mine.pem"
    mine.write_bytes(house.lost_client.read_bytes())
    link = tmp_path / "lio0"
    async with bench(tmp_path / "bench", house.context()) as modules, attached(address(modules), link, house.tls(mine)) as port:
        await port.until_status("no connection")
        mine.write_bytes(house.client.both.read_bytes())
        await port.until_status("connected to tls")
        assert await asyncio.to_thread(serial_of, link) == modules.world.modules[0].identity.serial


async def test_files_that_go_bad_later_do_not_end_it(tmp_path: Path, house: House) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(house.authority.cert.read_bytes())
    async with attached(f"tls://127.0.0.1:{free_port()}", tmp_path / "lio0", ClientTls(ca=ca)) as port:
        await port.until_status("nobody listens")
        ca.write_text("")
        await port.until_status("cannot be used as --ca")
        assert (tmp_path / "lio0").is_char_device()


async def test_a_certificate_of_an_old_recipe_without_alternative_names_needs_the_check_off(tmp_path: Path, house: House) -> None:
    old = _self_signed(tmp_path)
    assert "another" in await reason_of_refusal(house, tmp_path, ClientTls(cert=house.client.both, ca=tmp_path / "old.crt"), old)
    relaxed = ClientTls(cert=house.client.both, ca=tmp_path / "old.crt", check_name=False)
    async with bench(tmp_path / "bench", house.context(old)) as modules, attached(address(modules), tmp_path / "lio0", relaxed) as port:
        await port.until_connected()


def _self_signed(folder: Path) -> Path:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=127.0.0.1",
         "-keyout", folder / "old.key", "-out", folder / "old.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    both = folder / "old.pem"
    both.write_bytes((folder / "old.key").read_bytes() + (folder / "old.crt").read_bytes())
    return both
