import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from lucid2mqtt.errors import LinkLost
from lucid2mqtt.passthrough.attach_connection import TlsFault, client_context, connect, lost_words
from lucid2mqtt.passthrough.attach_line import Line
from lucid2mqtt.passthrough.attach_remote import ClientTls, Remote, Way, parse_remote
from tests.broker import free_port


def line() -> Line:
    return Line(asyncio.get_running_loop().time, renew=lambda: None, dropping=lambda: None)


async def test_a_unix_socket_is_a_way_as_good_as_any(tmp_path: Path) -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set_result(await reader.read(100))
        writer.close()

    async with await asyncio.start_unix_server(serve, tmp_path / "x.sock"):
        connection = await connect(parse_remote(f"unix://{tmp_path}/x.sock"), line(), None, None)
        connection.write(b"abc")
        assert await heard == b"abc"
        assert await connection.closed == "the other side closed the connection"


async def test_nobody_listening_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(LinkLost, match="nobody listens there"):
        await connect(Remote(Way.TCP, "127.0.0.1", free_port()), line(), None, None)
    with pytest.raises(LinkLost, match="no such socket"):
        await connect(Remote(Way.UNIX, path=str(tmp_path / "none")), line(), None, None)


async def test_a_server_without_tls_is_said_so() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\xb6\x00" * 10)
        await reader.read(100)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        remote = Remote(Way.TLS, "127.0.0.1", server.sockets[0].getsockname()[1])
        with pytest.raises(LinkLost, match="does not speak TLS"):
            await connect(remote, line(), client_context(ClientTls()), None)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing")
    with pytest.raises(TlsFault, match=r"none\.pem cannot be used as --ca: No such file"):
        client_context(ClientTls(ca=tmp_path / "none.pem"))
    with pytest.raises(TlsFault, match=r"bad\.pem cannot be used as --ca: no certificate or crl found"):
        client_context(ClientTls(ca=bad))
    with pytest.raises(TlsFault, match=r"bad\.pem cannot be used as certificate and key"):
        client_context(ClientTls(cert=bad))
    with pytest.raises(TlsFault, match=r"bad\.pem and .*none\.key cannot be used"):
        client_context(ClientTls(cert=bad, key=tmp_path / "none.key"))


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    one, other = authority.issue_cert("a"), authority.issue_cert("b")
    one.cert_chain_pems[0].write_to_path(str(tmp_path / "a.crt"))
    other.private_key_pem.write_to_path(str(tmp_path / "b.key"))
    with pytest.raises(TlsFault, match="key values mismatch"):
        client_context(ClientTls(cert=tmp_path / "a.crt", key=tmp_path / "b.key"))


def test_a_key_with_a_passphrase_is_refused_instead_of_asking_nobody(tmp_path: Path) -> None:
    import subprocess

    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-passout", "pass:secret", "-subj", "/CN=x",
         "-keyout", tmp_path / "x.key", "-out", tmp_path / "x.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    with pytest.raises(TlsFault, match="has a passphrase"):
        client_context(ClientTls(cert=tmp_path / "x.crt", key=tmp_path / "x.key"))


def test_tls_is_strict_unless_told_otherwise() -> None:
    context = client_context(ClientTls())
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    relaxed = client_context(ClientTls(check_name=False))
    assert not relaxed.check_hostname
    assert relaxed.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (None, "the other side closed the connection"),
        (ConnectionResetError(104, "Connection reset by peer"), "the other side broke the connection"),
        (OSError(113, "No route to host"), "No route to host"),
        (OSError("Multiple exceptions: a, b"), "Multiple exceptions: a, b"),
    ],
)
def test_every_end_has_words(fault: Exception | None, words: str) -> None:
    assert lost_words(fault) == words
