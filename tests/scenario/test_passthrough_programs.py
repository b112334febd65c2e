"""The programs people really use: socat with certificates, socat's virtual port, pyserial on every kind of listener."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
import serial
import serial.rfc2217
import trustme

from lucid2mqtt.lucid.frames import get_id, get_io, set_io
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.passthrough import certs_authority, certs_names
from lucid2mqtt.passthrough.options import FileRights, ListenAddress, ListenerOptions, Scheme, ServerTls, parse_listen
from lucid2mqtt.passthrough.rights import Access, Grant, Rights, Rule
from tests.scenario.passthrough_rig import ANYWHERE, Rig, rig

DO4 = "do4-600000"
READ_0 = get_io(0, ValueType.DI1).encode()
ON_0 = set_io(0, ValueType.DI1, b"\x01").encode()
GET_ID = get_id().encode()
SOCAT = shutil.which("socat") or "socat"
TLS = parse_listen("tls://127.0.0.1:0")
RFC2217 = parse_listen("rfc2217://127.0.0.1:0")
READABLE = ListenerOptions(listen=ANYWHERE, module=DO4)


async def socat(address: str, data: bytes) -> bytes:
    """What `printf data | socat - address` prints."""
    program = await asyncio.create_subprocess_exec(
        SOCAT, "-t2", "-", address, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(10):
        output, _ = await program.communicate(data)
    return output


def ask(url: str, requests: list[bytes]) -> list[bytes]:
    """Opens a port with pyserial as a program would, and asks one request after the other."""
    answers = []
    with serial.serial_for_url(url, 9600, timeout=5) as port:
        for request in requests:
            port.write(request)
            head = port.read(2)
            answers.append(head + port.read(head[1]))
    return answers


def identity(house: Rig) -> bytes:
    return b"\x00\x10" + house.module.identity.encode()


async def test_printf_into_socat_gets_its_answers(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE) as house:
        assert await socat(f"TCP:127.0.0.1:{await house.port()}", GET_ID + READ_0) == identity(house) + b"\x00\x01\x00"


async def test_pyserial_over_tcp(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE) as house:
        url = f"socket://127.0.0.1:{await house.port()}"
        assert await asyncio.to_thread(ask, url, [GET_ID, READ_0, ON_0]) == [identity(house), b"\x00\x01\x00", b"\xa0\x00"]


def can_bind(host: str) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind((host, 0))
        return True
    return False


@pytest.mark.skipif(not can_bind("::1"), reason="this machine has no IPv6")
async def test_an_ipv6_client_has_the_rights_of_its_address(tmp_path: Path) -> None:
    listen = parse_listen("tcp://[::1]:0")
    rights = Rights(Grant(Access.READ), (Rule(grant=Grant(Access.OUTPUTS), networks=(ip_network("::1"),)),))
    async with rig(tmp_path, replace(READABLE, listen=listen, rights=rights)) as house:
        assert await socat(f"TCP6:[::1]:{await house.port(listen)}", ON_0 + READ_0) == b"\x00\x00" + b"\x00\x01\x01"


# -- TLS


class Authority:
    """A private CA with a server and two clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = trustme.CA()
        self.ca.cert_pem.write_to_path(folder / "ca.pem")
        self.issue("server", "localhost")
        for name in ("lab-pc", "guest"):
            self.issue(name, name)

    def issue(self, file: str, name: str) -> None:
        certificate = self.ca.issue_cert(name, common_name=name)
        certificate.private_key_and_cert_chain_pem.write_to_path(self.folder / f"{file}.pem")

    @property
    def server(self) -> ServerTls:
        pem = self.folder / "server.pem"
        return ServerTls(cert=pem, key=pem, ca=self.folder / "ca.pem")

    def socat_address(self, port: int, client: str) -> str:
        return f"OPENSSL:localhost:{port},pf=ip4,cafile={self.folder / 'ca.pem'},cert={self.folder / client}.pem,verify=1"


@contextlib.asynccontextmanager
async def encrypted(tmp_path: Path) -> AsyncIterator[tuple[Rig, Authority, int]]:
    authority = Authority(tmp_path)
    rights = Rights(Grant(Access.READ), (Rule(grant=Grant(Access.OUTPUTS), names=("lab-pc",)),))
    async with rig(tmp_path, ListenerOptions(listen=TLS, module=DO4, rights=rights, tls=authority.server)) as house:
        yield house, authority, await house.port(TLS)


async def test_the_name_in_the_certificate_decides_what_a_client_may_do(tmp_path: Path) -> None:
    async with encrypted(tmp_path) as (house, authority, port):
        assert await socat(authority.socat_address(port, "guest"), GET_ID + ON_0) == identity(house) + b"\xa0\x00"
        assert await socat(authority.socat_address(port, "lab-pc"), ON_0 + READ_0) == b"\x00\x00\x00\x01\x01"


async def test_a_certificate_of_somebody_else_opens_nothing(tmp_path: Path) -> None:
    async with encrypted(tmp_path) as (house, authority, port):
        stranger = trustme.CA().issue_cert("lab-pc")
        stranger.private_key_and_cert_chain_pem.write_to_path(tmp_path / "stranger.pem")
        assert await socat(authority.socat_address(port, "stranger"), READ_0) == b""
        assert house.passthrough.clients() == ()


async def test_certificates_are_renewed_without_a_restart(tmp_path: Path) -> None:
    async with encrypted(tmp_path) as (_, authority, port):
        assert await socat(authority.socat_address(port, "lab-pc"), READ_0) == b"\x00\x01\x00"
        new = Authority(tmp_path)
        os.utime(tmp_path / "ca.pem", ns=(1, 1))
        assert await socat(new.socat_address(port, "lab-pc"), READ_0) == b"\x00\x01\x00"
        assert authority.ca is not new.ca


async def test_a_client_whose_certificate_is_revoked_is_turned_away_without_a_restart(tmp_path: Path) -> None:
    authority = certs_authority.Authority(tmp_path / "ca")
    authority.found("Ours")
    server = authority.issue(certs_names.Kind.SERVER, "cabin", ("DNS:localhost", "IP:127.0.0.1"))
    anna, thief = authority.issue(certs_names.Kind.CLIENT, "anna"), tmp_path / "thief.pem"
    thief.write_bytes(authority.issue(certs_names.Kind.CLIENT, "lost-laptop").both.read_bytes())
    files = ServerTls(cert=server.both, key=server.both, ca=authority.cert_and_crl)
    async with rig(tmp_path, ListenerOptions(listen=TLS, module=DO4, tls=files)) as house:
        port = await house.port(TLS)

        async def ask_as(cert: Path) -> bytes:
            return await socat(f"OPENSSL:localhost:{port},pf=ip4,cafile={authority.cert},cert={cert},verify=1", READ_0)

        assert await ask_as(thief) == b"\x00\x01\x00"
        authority.revoke("lost-laptop")
        assert await ask_as(thief) == b""
        assert await ask_as(anna.both) == b"\x00\x01\x00"


async def test_a_client_in_the_middle_of_a_handshake_holds_up_nobody(tmp_path: Path) -> None:
    async with encrypted(tmp_path) as (_, authority, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01")
        assert await socat(authority.socat_address(port, "lab-pc"), READ_0) == b"\x00\x01\x00"
        writer.close()


# -- pseudo terminals


def local(path: Path) -> ListenerOptions:
    rights = Rights(Grant(Access.OUTPUTS))
    return ListenerOptions(listen=ListenAddress(Scheme.PTY, path=str(path)), module=DO4, rights=rights, file_rights=FileRights(mode=0o600))


async def test_programs_open_a_pseudo_terminal_one_after_the_other(tmp_path: Path) -> None:
    link = tmp_path / "lio0"
    async with rig(tmp_path, local(link)) as house:
        await house.passthrough.opened(local(link).listen)
        for _ in range(5):
            assert await asyncio.to_thread(ask, str(link), [GET_ID, READ_0]) == [identity(house), b"\x00\x01\x00"]
        assert await asyncio.to_thread(ask, str(link), [ON_0, READ_0]) == [b"\x00\x00", b"\x00\x01\x01"]
    assert not link.is_symlink()


async def test_what_one_program_did_not_read_the_next_one_does_not_get(tmp_path: Path) -> None:
    link = tmp_path / "lio0"
    async with rig(tmp_path, local(link)) as house:
        await house.passthrough.opened(local(link).listen)
        descriptor = os.open(link, os.O_RDWR | os.O_NOCTTY)
        os.write(descriptor, GET_ID)
        await asyncio.sleep(0.05)
        os.close(descriptor)
        await asyncio.sleep(0.01)
        descriptor = os.open(link, os.O_RDWR | os.O_NOCTTY)
        os.write(descriptor, READ_0)
        await asyncio.sleep(0.05)
        assert os.read(descriptor, 100) == b"\x00\x01\x00"
        os.close(descriptor)


async def test_a_virtual_port_that_socat_makes_of_a_tcp_listener(tmp_path: Path) -> None:
    link = tmp_path / "ttyLucid"
    async with rig(tmp_path, READABLE) as house:
        address = f"TCP:127.0.0.1:{await house.port()}"
        program = await asyncio.create_subprocess_exec(SOCAT, f"PTY,link={link},raw,echo=0", address)
        try:
            await house.until(link.exists)
            assert await asyncio.to_thread(ask, str(link), [GET_ID, READ_0]) == [identity(house), b"\x00\x01\x00"]
        finally:
            program.terminate()
            await program.wait()


# -- RFC 2217


def ask_com_port(url: str, requests: list[bytes]) -> list[bytes]:
    answers = []
    with serial.serial_for_url(url, 9600, timeout=5) as port:
        port.baudrate = 57600
        port.parity = serial.PARITY_EVEN
        port.rts = False
        port.dtr = True
        assert port.cts
        assert port.dsr
        assert port.baudrate == 57600
        port.reset_input_buffer()
        for request in requests:
            port.write(request)
            head = port.read(2)
            answers.append(head + port.read(head[1]))
    return answers


@pytest.mark.filterwarnings("ignore:set(Name|Daemon):DeprecationWarning")  # pyserial's own reader thread
async def test_pyserial_sets_up_a_port_over_rfc_2217_and_nothing_changes_for_the_others(tmp_path: Path) -> None:
    async with rig(tmp_path, replace(READABLE, listen=RFC2217)) as house:
        url = f"rfc2217://127.0.0.1:{await house.port(RFC2217)}"
        assert await asyncio.to_thread(ask_com_port, url, [GET_ID, READ_0]) == [identity(house), b"\x00\x01\x00"]
