"""One connection to the broker: paho's codec and handshakes, driven by our event loop, without a thread of paho's.

Every connection gets a new paho client, so nothing that waited in an old one can be delivered late as news.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final
from typing import Protocol as Interface

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTMessageInfo
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from lucid2mqtt.mqtt.dialing import acknowledge_at_once, dial, in_daemon_thread, new_client, new_properties, sentence_of
from lucid2mqtt.mqtt.messages import Message, Outgoing, Retain, Subscription
from lucid2mqtt.mqtt.options import MqttOptions, Protocol
from lucid2mqtt.mqtt.outbox import Outbox
from lucid2mqtt.mqtt.redial import BrokerUnavailable, Trouble

WINDOW: Final = 20
"""QoS 1 messages under way; fewer when the broker says so (MQTT 5 Receive Maximum)."""

_HOUSEKEEPING_S = 1.0
_READS_PER_TURN = 64
_UNSUPPORTED_VERSION = 0x84  # MQTT 5.0, 3.2.2.2; paho translates the codes of 3.1.1 into these
_CREDENTIAL_CODES = frozenset({0x86, 0x87, 0x8C})
_ENDINGS = {
    0x80: "the connection broke off",  # paho's word for a closed socket
    0x8D: "no sign of life any more",
    0x8E: "another client uses our name there: give each agent its own node",
}
"""By reason code (MQTT 5.0, 3.14.2.1); all others are told in the words of the standard."""

_log = logging.getLogger(__name__)


class _Descriptor(Interface):
    def fileno(self) -> int: ...


class Session:
    """From dialling to the end of the connection; used once.

    `open()`, then `subscribe`, `publish` and `serve()`, at the end `finish()` or `close()`. Called on the loop only.
    What `on_message` raises is a bug and comes out of `serve()`.
    """

    def __init__(
        self, options: MqttOptions, protocol: Protocol, *, will: Outgoing, outbox: Outbox, on_message: Callable[[Message], None]
    ) -> None:
        self._options = options
        self._is_v5 = protocol is Protocol.V5
        self._outbox = outbox
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self._drained: asyncio.Future[None] | None = None
        self._window = WINDOW
        self._unacknowledged: deque[tuple[MQTTMessageInfo, float]] = deque()  # with the loop time they were sent at
        self._is_stuck = False  # the socket did not take everything: the loop watches for room
        self._is_write_due = False
        self._is_refusal_told = False
        self._expiries: dict[int, Properties] = {}
        self._client = new_client(options, is_v5=self._is_v5, will=will, window=WINDOW)

    # ---------------------------------------------------------------- beginning

    async def open(self) -> None:
        """Connects and waits for the broker's consent. Raises BrokerUnavailable; what happens then to the socket is no longer our affair."""
        try:
            await in_daemon_thread(lambda: dial(self._client, self._options, is_v5=self._is_v5), self._hang_up)
        except (OSError, UnicodeError) as error:
            raise BrokerUnavailable(Trouble.UNREACHABLE, sentence_of(error)) from error
        try:
            self._attach()
            async with asyncio.timeout(self._options.connack_timeout_s):
                await self._answered
        except TimeoutError:
            self.close()
            raise BrokerUnavailable(Trouble.SILENT, f"no answer within {self._options.connack_timeout_s:g} s") from None
        except BaseException:
            self.close()
            raise

    def _hang_up(self) -> None:
        open_socket = self._client.socket()
        if open_socket is not None:
            open_socket.close()

    def _attach(self) -> None:
        client = self._client
        client.on_connect = self._guarded(self._connack_came)
        client.on_disconnect = self._guarded(self._connection_ended)
        client.on_message = self._guarded(self._message_came)
        client.on_subscribe = self._guarded(self._suback_came)
        client.on_publish = self._guarded(self._puback_came)
        client.on_socket_close = self._guarded(self._socket_closes)
        client.on_socket_register_write = self._guarded(self._write_soon)
        client.on_socket_unregister_write = self._guarded(self._all_written)
        self._loop.add_reader(self._descriptor(), self._readable)
        if client.want_write():
            self._write_soon()

    def _descriptor(self) -> int:
        open_socket = self._client.socket()
        return -1 if open_socket is None else open_socket.fileno()

    # ---------------------------------------------------------------- use

    @property
    def is_v5(self) -> bool:
        return self._is_v5

    def subscribe(self, subscriptions: Sequence[Subscription]) -> None:
        """Subscribes at QoS 1."""
        if self._is_v5:
            self._client.subscribe([(each.filter, SubscribeOptions(qos=1, retainAsPublished=each.as_published)) for each in subscriptions])
        else:
            self._client.subscribe([(each.filter, 1) for each in subscriptions])

    def publish(self, message: Outgoing) -> None:
        """Sends now, or as soon as the broker takes more; never blocks. A message that waits is overtaken by a newer one on its topic."""
        if self._outbox or not self._has_room(message):
            self._outbox.put(message)
        else:
            self._send(message)

    async def serve(self) -> str:
        """Keeps the connection alive until it ends; returns why it did."""
        while not self._ended.done():
            await asyncio.wait((self._ended,), timeout=_HOUSEKEEPING_S)
            self._client.loop_misc()
            if not self._ended.done() and self._is_unanswered():
                self._ended.set_result(f"it acknowledged nothing for {self._options.keepalive_s} s")
        return self._ended.result()

    def _is_unanswered(self) -> bool:
        """Whether a message waits for its acknowledgement as long as a ping may: the broker hangs, or paho lost bytes of a stalled websocket."""
        return bool(self._unacknowledged) and self._loop.time() - self._unacknowledged[0][1] > self._options.keepalive_s

    async def finish(self, last: Outgoing, within_s: float) -> None:
        """Says `last`, waits until the broker has it, and disconnects, all within `within_s`; a broker that is too slow is left as by `close`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                self.publish(last)
                self._drained = self._loop.create_future()
                self._tell_if_drained()
                await asyncio.wait((self._drained, self._ended), return_when=asyncio.FIRST_COMPLETED)
                self._client.disconnect()
                await asyncio.wait((self._ended,))
        self.close()

    def close(self) -> None:
        """Ends the connection without a word; the broker then publishes our last will."""
        descriptor = self._descriptor()
        if descriptor >= 0:
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)
        self._hang_up()
        if not self._answered.done():
            self._answered.cancel()
        if not self._ended.done():
            self._ended.set_result("closed by us")

    def _has_room(self, message: Outgoing) -> bool:
        return not self._is_stuck and (message.qos == 0 or len(self._unacknowledged) < self._window)

    def _send(self, message: Outgoing) -> None:
        retain = message.retain is Retain.ALWAYS or (message.retain is Retain.WHILE_FRESH and self._is_v5)
        info = self._client.publish(message.topic, message.payload, message.qos, retain, self._properties_of(message))
        if message.qos:
            self._unacknowledged.append((info, self._loop.time()))

    def _properties_of(self, message: Outgoing) -> Properties | None:
        if not self._is_v5:
            return None
        if message.correlation is not None:
            answer = new_properties(PacketTypes.PUBLISH)
            answer.CorrelationData = message.correlation
            return answer
        return None if message.expires_s is None else self._expiry(message.expires_s)

    def _expiry(self, expires_s: int) -> Properties:
        known = self._expiries.get(expires_s)
        if known is None:
            known = self._expiries[expires_s] = _Expiry(expires_s)
        return known

    def _go_on(self) -> None:
        """After the broker took or acknowledged something: the next ones."""
        while self._unacknowledged and self._unacknowledged[0][0].is_published():
            self._unacknowledged.popleft()
            if not self._unacknowledged and not self._outbox:
                self._client.on_publish = None  # with it every message costs a quarter more; the first ones have told
        while (message := self._outbox.peek()) is not None and self._has_room(message):
            self._outbox.take()
            self._send(message)
        self._tell_if_drained()

    def _tell_if_drained(self) -> None:
        waits = self._outbox or self._unacknowledged or self._client.want_write()
        if self._drained is not None and not self._drained.done() and not waits:
            self._drained.set_result(None)

    # ---------------------------------------------------------------- the loop calls

    def _readable(self) -> None:
        try:
            for _ in range(_READS_PER_TURN):
                self._client.loop_read()
                opened: Any = self._client.socket()  # Any: plain, TLS or paho's websocket; not every one can hold something back
                if opened is None or not hasattr(opened, "pending") or not opened.pending():
                    break
            else:
                self._loop.call_soon(self._readable)
            acknowledge_at_once(self._client.socket())
            self._go_on()
        except Exception as bug:  # noqa: BLE001 - the loop would only log it; serve() raises it
            self._fail(bug)

    def _write(self) -> None:
        self._is_write_due = False
        if self._client.socket() is None:
            return
        try:
            self._client.loop_write()
            if not self._client.want_write():
                self._go_on()
            elif not self._is_stuck:
                self._is_stuck = True
                self._loop.add_writer(self._descriptor(), self._write)
        except Exception as bug:  # noqa: BLE001 - the loop would only log it; serve() raises it
            self._fail(bug)

    # ---------------------------------------------------------------- paho calls

    def _guarded(self, callback: Callable[..., None]) -> Callable[..., None]:  # ...: each of paho's callbacks has its own shape
        """`callback` without paho's first two arguments; what it raises comes out of `serve()` instead of ending inside paho."""

        def call(_client: Client, _userdata: object, *arguments: object) -> None:
            try:
                callback(*arguments)
            except Exception as bug:  # noqa: BLE001 - raised again by serve()
                self._fail(bug)

        return call

    def _fail(self, error: Exception) -> None:
        for future in (self._answered, self._ended):
            if not future.done():
                future.set_exception(error)
                return

    def _connack_came(self, _flags: ConnectFlags, code: ReasonCode, properties: Properties) -> None:
        if code.is_failure:
            self._fail(_refusal(code))
            return
        self._window = min(WINDOW, getattr(properties, "ReceiveMaximum", WINDOW))
        if not self._answered.done():
            self._answered.set_result(None)

    def _connection_ended(self, _flags: DisconnectFlags, code: ReasonCode, _properties: Properties) -> None:
        if not self._answered.done():
            self._fail(BrokerUnavailable(Trouble.SILENT, "it closed the connection without an answer; does it want a certificate?"))
        elif not self._ended.done():
            self._ended.set_result(_ENDINGS.get(code.value, str(code)))

    def _message_came(self, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # no topic of ours
        properties = message.properties
        self._on_message(
            Message(
                topic=topic,
                payload=bytes(message.payload),
                qos=message.qos,
                retained=message.retain,
                response_topic=getattr(properties, "ResponseTopic", None),
                correlation=getattr(properties, "CorrelationData", None),
                expires_s=getattr(properties, "MessageExpiryInterval", None),
            ),
        )

    def _suback_came(self, _mid: int, codes: Sequence[ReasonCode], _properties: Properties) -> None:
        refused = [code for code in codes if code.is_failure]
        if refused:
            _log.warning(
                "the broker refuses a subscription (%s): commands will not arrive; give %s the right to read its topics",
                refused[0],
                self._options.username or "anonymous",
            )

    def _puback_came(self, _mid: int, code: ReasonCode, _properties: Properties) -> None:
        if code.is_failure and not self._is_refusal_told:
            self._is_refusal_told = True
            user = self._options.username or "anonymous clients"
            _log.warning("the broker refuses what we publish (%s): give %s the right to write our topics and Home Assistant's", code, user)

    def _socket_closes(self, closing: _Descriptor) -> None:
        self._loop.remove_reader(closing.fileno())
        self._loop.remove_writer(closing.fileno())

    def _write_soon(self, _socket: _Descriptor | None = None) -> None:
        """One turn of the loop collects what is published, then writes without asking the selector first."""
        if not self._is_write_due:
            self._is_write_due = True
            self._loop.call_soon(self._write)

    def _all_written(self, written: _Descriptor) -> None:
        if self._is_stuck:
            self._is_stuck = False
            self._loop.remove_writer(written.fileno())


class _Expiry(Properties):
    """A message expiry in its wire form: making that anew for each reading costs as much as the rest of publishing it."""

    def __init__(self, expires_s: int) -> None:
        super().__init__(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        self.MessageExpiryInterval = expires_s
        object.__setattr__(self, "_wire", super().pack())  # type: ignore[no-untyped-call]  # paho lets nobody else have names here

    def pack(self) -> bytes:
        wire: bytes = object.__getattribute__(self, "_wire")
        return wire


def _refusal(code: ReasonCode) -> BrokerUnavailable:
    if code.value == _UNSUPPORTED_VERSION:
        return BrokerUnavailable(Trouble.WRONG_VERSION, f"it refuses this version of MQTT ({code})")
    if code.value in _CREDENTIAL_CODES:
        return BrokerUnavailable(
            Trouble.BAD_CREDENTIALS, f"it refuses us ({code}): check mqtt.username and mqtt.password, and the user's rights there"
        )
    return BrokerUnavailable(Trouble.REFUSED, f"it refuses the connection ({code})")
