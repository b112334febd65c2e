"""The link against a real mosquitto, and against servers that behave badly."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from lucid2mqtt.mqtt.link import MqttLink
from lucid2mqtt.mqtt.messages import Message, Outgoing, Retain, Subscription
from lucid2mqtt.mqtt.options import MqttOptions, Protocol, TlsFiles
from tests.broker import Broker, Certificates, Peer, free_port, running_broker, until

STATUS = "house/status"
WILL = Outgoing(topic=STATUS, payload="offline", retain=Retain.ALWAYS)
ONLINE = Outgoing(topic=STATUS, payload="online", retain=Retain.ALWAYS)


class Listener:
    """Says `online` when connected and keeps what it hears."""

    def __init__(self) -> None:
        self.link: MqttLink | None = None
        self.ups = 0
        self.downs = 0
        self.heard: list[Message] = []
        self.on_message: Callable[[Message], None] = self.heard.append

    def connected(self) -> None:
        self.ups += 1
        assert self.link is not None
        self.link.publish(ONLINE)

    def disconnected(self) -> None:
        self.downs += 1

    def received(self, message: Message) -> None:
        self.on_message(message)


@contextlib.asynccontextmanager
async def linked(options: MqttOptions, listener: Listener, *, wait: bool = True) -> AsyncIterator[MqttLink]:
    link = listener.link = MqttLink(options, spread=lambda: 1.0)
    async with asyncio.TaskGroup() as group:
        run = group.create_task(link.run(will=WILL, subscriptions=(Subscription("house/+/set"),), listener=listener))
        if wait:
            await until(lambda: listener.ups)
        try:
            yield link
        finally:
            run.cancel()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@contextlib.contextmanager
def tls_in_front_of(port: int, certificates: Certificates) -> Iterator[int]:
    """A port where socat takes off TLS: Debian's mosquitto opens no websocket listener with certificates of its own."""
    front = free_port()
    server = f"cert={certificates.server_cert},key={certificates.server_key},cafile={certificates.ca},verify=1"
    socat = subprocess.Popen(
        ["socat", f"OPENSSL-LISTEN:{front},bind=127.0.0.1,reuseaddr,fork,{server}", f"TCP:127.0.0.1:{port}"], stderr=subprocess.DEVNULL
    )
    try:
        yield front
    finally:
        socat.terminate()
        socat.wait()


async def test_messages_go_both_ways_over_every_transport(tmp_path: Path, certificates: Certificates) -> None:
    with (
        running_broker(tmp_path, certificates=certificates, websocket=True, unix=True) as broker,
        tls_in_front_of(broker.websocket_port, certificates) as secure_websocket_port,
        Peer(broker.port, "house/#") as peer,
    ):
        files = TlsFiles(certificates.ca, certificates.client_cert, certificates.client_key)
        for options in (
            MqttOptions(url=broker.url),
            MqttOptions(url=f"mqtts://localhost:{broker.tls_port}", tls=files),
            MqttOptions(url=f"ws://127.0.0.1:{broker.websocket_port}"),
            MqttOptions(url=f"wss://localhost:{secure_websocket_port}", tls=files),
            MqttOptions(url=f"unix://{broker.unix_path}"),
        ):
            listener = Listener()
            async with linked(options, listener) as link:
                assert link.protocol is Protocol.V5
                for number in range(50):  # more than the window, more than one TLS record
                    link.publish(Outgoing(topic=f"house/{number}", payload=options.url))
                await until(lambda: sum(heard.payload == options.url for heard in peer.heard) == 50)  # noqa: B023
                for _ in range(30):
                    peer.say("house/relay/set", "x" * 2000)
                await until(lambda: len(listener.heard) == 30)  # noqa: B023
                await link.stop(Outgoing(topic=STATUS, payload="stopped"))
            await until(lambda: peer.last(STATUS) == "stopped")


async def test_the_socket_sends_small_messages_at_once(broker: Broker) -> None:
    listener = Listener()
    async with linked(MqttOptions(url=broker.url), listener) as link:
        assert link._session is not None
        opened = link._session._client.socket()
        assert isinstance(opened, socket.socket)
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_retained_command_is_recognisable_even_when_it_arrives_live(broker: Broker) -> None:
    with Peer(broker.port) as peer:
        peer.say("house/old/set", "ON", retain=True)
        listener = Listener()
        async with linked(MqttOptions(url=broker.url), listener):
            await until(lambda: listener.heard)
            peer.say("house/live/set", "ON", retain=True, answer_on="me", correlation=b"7", expires_s=60)
            await until(lambda: len(listener.heard) == 2)
    old, live = listener.heard
    assert (old.topic, old.retained, live.topic, live.retained) == ("house/old/set", True, "house/live/set", True)
    assert (live.response_topic, live.correlation, live.expires_s, live.qos) == ("me", b"7", 60, 1)


async def test_values_expire_on_mqtt_5_and_are_not_kept_on_3_1_1(broker: Broker) -> None:
    fresh = Outgoing(topic="house/fresh", payload="21.0", qos=0, retain=Retain.WHILE_FRESH, expires_s=180)
    kept = Outgoing(topic="house/kept", payload="ON", retain=Retain.ALWAYS, expires_s=180)
    for protocol, expected in ((Protocol.V5, {"house/fresh": True, "house/kept": True}), (Protocol.V311, {"house/kept": True})):
        async with linked(MqttOptions(url=broker.url, protocol=protocol), Listener()) as link:
            link.publish(fresh)
            link.publish(kept)
            await link.stop(WILL)
        with Peer(broker.port, "house/fresh", "house/kept") as later:
            await until(lambda: later.last("house/kept"))
            assert {heard.topic: heard.retained for heard in later.heard} == expected
            assert all((heard.expires_s is not None) is (protocol is Protocol.V5) for heard in later.heard)
            for topic in expected:
                later.say(topic, "", retain=True)
            await until(lambda: all(later.last(topic) == "" for topic in expected))  # noqa: B023


async def test_a_clean_stop_says_offline_and_the_will_stays_unsaid(broker: Broker) -> None:
    with Peer(broker.port, STATUS) as peer:
        listener = Listener()
        async with linked(MqttOptions(url=broker.url), listener) as link:
            await until(lambda: peer.last(STATUS) == "online")
            await link.stop(Outgoing(topic=STATUS, payload="offline for good", retain=Retain.ALWAYS))
        await until(lambda: peer.last(STATUS) == "offline for good")
        peer.say(STATUS, "end")
        await until(lambda: peer.last(STATUS) == "end")
        assert peer.all(STATUS) == ["online", "offline for good", "end"]


async def test_an_abrupt_end_makes_the_broker_say_the_will(broker: Broker) -> None:
    with Peer(broker.port, STATUS) as peer:
        async with linked(MqttOptions(url=broker.url), Listener()):
            await until(lambda: peer.last(STATUS) == "online")
        await until(lambda: peer.last(STATUS) == "offline")
        assert peer.all(STATUS) == ["online", "offline"]


async def test_after_a_killed_broker_the_link_is_back_soon_and_nothing_old_is_told(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener()
    caplog.set_level(logging.INFO)
    async with linked(MqttOptions(url=broker.url), listener) as link:
        broker.kill()
        await until(lambda: listener.downs)
        for number in range(100):
            assert not link.publish(Outgoing(topic="house/old", payload=str(number)))
        await asyncio.sleep(0.5)
        broker.start()
        with Peer(broker.port, "house/#") as peer:
            began = asyncio.get_running_loop().time()
            await until(lambda: listener.ups == 2)
            assert asyncio.get_running_loop().time() - began < 2
            peer.say("house/relay/set", "ON")
            await until(lambda: listener.heard)
            link.publish(Outgoing(topic="house/new", payload="1"))
            await until(lambda: peer.last("house/new"))
            assert peer.last("house/old") is None
        assert link.counters.reconnects == 1
    lines = [record.message for record in caplog.records if record.name.endswith("mqtt.link")]
    assert [record.levelname for record in caplog.records if record.name.endswith("mqtt.link")] == ["INFO", "WARNING", "INFO"]
    assert "is back after" in lines[2]


async def test_a_broker_that_comes_later_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broker = Broker(tmp_path)
    listener = Listener()
    try:
        async with linked(MqttOptions(url=broker.url), listener, wait=False):
            await until(lambda: listener.downs)
            await asyncio.sleep(0.5)
            broker.start()
            await until(lambda: listener.ups, 2)
    finally:
        broker.kill()
    assert [record.levelname for record in caplog.records if "no connection" in record.message] == ["WARNING"]


async def test_a_frozen_broker_gets_only_the_latest_values_afterwards(broker: Broker) -> None:
    with Peer(broker.port, "house/#") as peer:
        async with linked(MqttOptions(url=broker.url, keepalive_s=60), Listener()) as link:
            await until(lambda: peer.last(STATUS) == "online")
            broker.freeze()
            for number in range(30_000):
                link.publish(Outgoing(topic=f"house/value{number % 30}", payload=f"{number:0100}"))
                if number % 500 == 0:
                    await asyncio.sleep(0)
            assert link.counters.queue_high_water == 30
            broker.thaw()
            await until(lambda: peer.last("house/value29") == f"{29_999:0100}")
            assert len(peer.heard) < 100
            assert link.counters.dropped > 29_000


async def test_a_full_socket_holds_back_messages_without_acknowledgement_too(broker: Broker) -> None:
    with Peer(broker.port, "house/#") as peer:
        async with linked(MqttOptions(url=broker.url, keepalive_s=60), Listener()) as link:
            await until(lambda: peer.last(STATUS) == "online")
            broker.freeze()
            for number in range(20_000):
                link.publish(Outgoing(topic=f"house/value{number % 10}", payload=f"{number:01000}", qos=0))
                if number % 100 == 0:
                    await asyncio.sleep(0)
            assert link.counters.dropped > 1000
            broker.thaw()
            await until(lambda: peer.last("house/value9") == f"{19_999:01000}")


async def test_a_broker_that_stays_frozen_is_given_up_and_found_again(broker: Broker) -> None:
    listener = Listener()
    async with linked(MqttOptions(url=broker.url, keepalive_s=1, connack_timeout_s=0.5), listener) as link:
        broker.freeze()
        await until(lambda: listener.downs)
        broker.thaw()
        await until(lambda: listener.ups == 2)
        assert link.protocol is Protocol.V5


async def test_a_websocket_that_stalls_under_load_is_given_up_and_not_mute_for_ever(tmp_path: Path) -> None:
    with running_broker(tmp_path, websocket=True) as broker, Peer(broker.port, "house/#") as peer:
        options = MqttOptions(url=f"ws://127.0.0.1:{broker.websocket_port}", keepalive_s=1, protocol=Protocol.V5)
        async with linked(options, Listener()) as link:
            broker.freeze()
            for number in range(3000):
                link.publish(Outgoing(topic=f"house/value{number}", payload="x" * (number % 4000), qos=number % 2))
                if number % 50 == 0:
                    await asyncio.sleep(0)
            broker.thaw()
            told = asyncio.get_running_loop().time()
            while peer.last("house/end") is None:
                link.publish(Outgoing(topic="house/end", payload="1"))
                await asyncio.sleep(0.05)
                assert asyncio.get_running_loop().time() - told < 6


async def test_a_broker_that_acknowledges_nothing_is_given_up() -> None:
    listener = Listener()
    async with (
        Doorkeeper(lambda _level: b"\x20\x03\x00\x00\x00") as deaf,
        linked(MqttOptions(url=deaf.url, keepalive_s=1), listener) as link,
    ):
        await until(lambda: listener.downs)
        assert link.counters.received == 0


async def test_wrong_credentials_are_told_with_a_remedy_and_right_ones_work(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running_broker(tmp_path, users={"lucid": "right"}) as broker:
        refused = Listener()
        async with linked(MqttOptions(url=broker.url, username="lucid", password="wrong"), refused, wait=False):
            await until(lambda: "mqtt.password" in caplog.text)
        assert refused.ups == 0
        async with linked(MqttOptions(url=broker.url, username="lucid", password="right"), Listener()) as link:
            assert link.is_connected


async def test_an_untrusted_server_is_refused_with_a_remedy(
    tmp_path: Path, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    with running_broker(tmp_path, certificates=certificates) as broker:
        for files, said in ((None, "mqtt.tls.ca"), (TlsFiles(ca=tmp_path / "missing.pem"), "missing.pem: No such file")):
            caplog.clear()
            listener = Listener()
            async with linked(MqttOptions(url=f"mqtts://localhost:{broker.tls_port}", tls=files), listener, wait=False):
                await until(lambda: said in caplog.text)  # noqa: B023
            assert listener.ups == 0


async def test_a_missing_client_certificate_does_not_look_like_success(
    tmp_path: Path, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    with running_broker(tmp_path, certificates=certificates) as broker:
        listener = Listener()
        async with linked(MqttOptions(url=f"mqtts://localhost:{broker.tls_port}", tls=TlsFiles(ca=certificates.ca)), listener, wait=False):
            await until(lambda: "no connection" in caplog.text)
        assert listener.ups == 0


async def test_a_refusal_of_what_is_published_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rights = tmp_path / "rights"
    rights.write_text("topic read #\n")
    with running_broker(tmp_path, extra=f"acl_file {rights}") as broker:
        async with linked(MqttOptions(url=broker.url), Listener()) as link:
            for number in range(30):
                link.publish(Outgoing(topic=f"house/{number}", payload="x"))
            await link.stop(WILL)
    assert caplog.text.count("refuses what we publish") == 1


class Doorkeeper:
    """A TCP server that treats each CONNECT by its protocol level and passes the accepted to nobody."""

    def __init__(self, answer: Callable[[int], bytes | None]) -> None:
        self._answer = answer
        self.levels: list[int] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            start = await reader.readexactly(9)
            self.levels.append(start[8])
            answer = self._answer(start[8])
            if answer is not None:
                writer.write(answer)
                await writer.drain()
            while await reader.read(4096):
                pass
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize(
    "to_version_5",
    [None, b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00"],
    ids=["silence", "refusal in the words of 3.1.1", "refusal in the words of 5"],
)
async def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(to_version_5: bytes | None) -> None:
    listener = Listener()
    async with Doorkeeper(lambda level: to_version_5 if level == 5 else b"\x20\x02\x00\x00") as doorkeeper:
        options = MqttOptions(url=doorkeeper.url, connack_timeout_s=0.3)
        async with linked(options, listener) as link:
            assert link.protocol is Protocol.V311
        assert doorkeeper.levels == [5, 4]


async def test_a_broker_without_3_1_1_is_spoken_to_in_5_when_told_so() -> None:
    async with Doorkeeper(lambda level: b"\x20\x03\x00\x00\x00" if level == 5 else b"\x20\x02\x00\x01") as doorkeeper:
        listener = Listener()
        async with linked(MqttOptions(url=doorkeeper.url, protocol=Protocol.V5), listener) as link:
            assert link.protocol is Protocol.V5


async def test_a_refused_subscription_is_told_with_its_consequence(caplog: pytest.LogCaptureFixture) -> None:
    accepted_but_deaf = b"\x20\x03\x00\x00\x00" + b"\x90\x04\x00\x01\x00\x87"
    async with Doorkeeper(lambda _level: accepted_but_deaf) as doorkeeper, linked(MqttOptions(url=doorkeeper.url), Listener()) as link:
        await until(lambda: "commands will not arrive" in caplog.text)
        assert link.is_connected, "what is measured still goes out"


async def test_a_small_receive_maximum_of_the_broker_is_kept() -> None:
    accepted = b"\x20\x06\x00\x00\x03\x21\x00\x02"  # Receive Maximum 2
    async with Doorkeeper(lambda _level: accepted) as doorkeeper, linked(MqttOptions(url=doorkeeper.url), Listener()) as link:
        for number in range(10):
            link.publish(Outgoing(topic=f"house/{number}", payload="1"))
        assert link.counters.queue_high_water == 9  # one of the two places holds `online`


@pytest.mark.parametrize("seed", range(12))
async def test_a_server_that_talks_rubbish_is_weather_and_not_the_end(seed: int) -> None:
    noise = random.Random(seed)
    rubbish = (
        noise.randbytes(300)
        if seed % 2
        else b"\x20\x03\x00\x00\x00"
        + bytes([noise.choice((0x30, 0x32, 0x34, 0x40, 0x62, 0x90, 0xB0, 0xD0, 0xE0)), 20])
        + noise.randbytes(20)
    )
    listener = Listener()
    async with Doorkeeper(lambda _level: rubbish) as doorkeeper:
        options = MqttOptions(url=doorkeeper.url, connack_timeout_s=0.05)
        async with linked(options, listener, wait=False):
            await until(lambda: len(doorkeeper.levels) >= 1)
            await asyncio.sleep(0.1)
    assert not listener.heard or seed % 2 == 0


async def test_a_bug_of_the_listener_ends_the_run(broker: Broker) -> None:
    listener = Listener()

    def stumble(_message: Message) -> None:
        raise ZeroDivisionError

    listener.on_message = stumble
    link = listener.link = MqttLink(MqttOptions(url=broker.url))
    run = asyncio.create_task(link.run(will=WILL, subscriptions=(Subscription("house/+/set"),), listener=listener))
    with Peer(broker.port) as peer:
        await until(lambda: listener.ups)
        peer.say("house/relay/set", "ON")
        with pytest.raises(ZeroDivisionError):
            await run


async def test_a_stop_does_not_wait_for_a_broker_that_never_answers() -> None:
    async with Doorkeeper(lambda _level: None) as doorkeeper:
        began = asyncio.get_running_loop().time()
        async with linked(MqttOptions(url=doorkeeper.url), Listener(), wait=False) as link:
            await until(lambda: doorkeeper.levels)
            await link.stop(WILL)
        assert asyncio.get_running_loop().time() - began < 2


async def test_a_stop_with_a_frozen_broker_is_bounded(broker: Broker) -> None:
    async with linked(MqttOptions(url=broker.url), Listener()) as link:
        broker.freeze()
        began = asyncio.get_running_loop().time()
        await link.stop(WILL, within_s=0.3)
        assert asyncio.get_running_loop().time() - began < 1
