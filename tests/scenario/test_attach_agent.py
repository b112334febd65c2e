"""Both ends are ours: an attached port that leads to the agent's listener, with rights by the name in the certificate."""

import asyncio
from pathlib import Path

import pytest
import serial

from lucid2mqtt.lucid.frames import get_io, set_io
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.passthrough.attach_remote import ClientTls
from lucid2mqtt.passthrough.certs_authority import Authority
from lucid2mqtt.passthrough.certs_names import Kind
from lucid2mqtt.passthrough.options import ListenerOptions, ServerTls, parse_listen
from lucid2mqtt.passthrough.rights import Access, Grant, Rights, Rule
from tests.scenario.attach_rig import attached, exchange
from tests.scenario.passthrough_rig import rig

LISTEN = parse_listen("tls://127.0.0.1:0")
READ_0 = get_io(0, ValueType.DI1).encode()
ON_0 = set_io(0, ValueType.DI1, b"\x01").encode()


@pytest.mark.parametrize(("who", "answer"), [("anna", b"\x00\x00"), ("bert", b"\xa0\x00")])
async def test_a_client_switches_as_far_as_its_name_has_the_right(tmp_path: Path, who: str, answer: bytes) -> None:
    authority = Authority(tmp_path / "certs")
    authority.found("Ours")
    server = authority.issue(Kind.SERVER, "127.0.0.1")
    client = authority.issue(Kind.CLIENT, who)
    listener = ListenerOptions(
        listen=LISTEN,
        module="do4-600000",
        rights=Rights(Grant(Access.READ), (Rule(grant=Grant(Access.OUTPUTS), names=("anna",)),)),
        tls=ServerTls(cert=server.both, key=server.both, ca=authority.cert_and_crl),
    )
    link = tmp_path / "lio0"
    async with rig(tmp_path, listener) as house:
        tls = ClientTls(cert=client.both, ca=authority.cert)
        async with attached(f"tls://127.0.0.1:{await house.port(LISTEN)}", link, tls) as port:
            await port.until_connected()
            with serial.Serial(str(link), 9600, timeout=10) as device:
                assert await asyncio.to_thread(exchange, device, READ_0, 3) == b"\x00\x01\x00"
                assert await asyncio.to_thread(exchange, device, ON_0, 2) == answer
        assert house.module.output(0, asyncio.get_running_loop().time()) is (who == "anna")
