"""Joins the house with the broker: board to topics, topics to desk, modules and thermostats to Home Assistant."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from lucid2mqtt.climate.view import ClimateView
from lucid2mqtt.domain.channel import Module
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.orders import Incident
from lucid2mqtt.engine.remote import RemoteValues
from lucid2mqtt.mqtt.announcer import Announcer, Store
from lucid2mqtt.mqtt.commands import Commands, Doors
from lucid2mqtt.mqtt.discovery import Origin
from lucid2mqtt.mqtt.messages import Message, Outgoing, Retain, Subscription
from lucid2mqtt.mqtt.neighbours import BrokerLink, Rooms, Switchboard
from lucid2mqtt.mqtt.options import HomeAssistantOptions
from lucid2mqtt.mqtt.outlet import Outlet
from lucid2mqtt.mqtt.payloads import OFFLINE, ONLINE, incident, render, timestamp, to_json
from lucid2mqtt.mqtt.thermostats import Thermostats
from lucid2mqtt.mqtt.topics import Birth, Rescan, Topics

DIAGNOSTICS_EVERY_S = 30.0
DIAGNOSTICS_PAUSE_S = 1.0
"""Shortest time between two diagnostics documents."""

BIRTH_WITHIN_S = 3.0
"""After Home Assistant's start all agents speak within this time, not all at once."""


class Bridge:
    """The house on MQTT. While the broker is away nothing is published or kept; at every return everything is said anew.

    `diagnostics` gives the document for the diagnostics topic; `started_at`, `modules_online` and `mqtt_reconnects` are added to it,
    `port_errors` (a number) is what Home Assistant shows of the rest. `spread` gives numbers from 0 to 1.
    `remote` is fed with what others publish, and kept up to date while the bridge runs.
    """

    def __init__(
        self,
        *,
        link: BrokerLink,
        topics: Topics,
        house: Rooms,
        board: Board,
        desk: Switchboard,
        store: Store,
        origin: Origin,
        home_assistant: HomeAssistantOptions,
        diagnostics: Callable[[], Mapping[str, object]],
        rescan: Callable[[], None],
        now: Callable[[], datetime],
        thermostats: Sequence[ClimateView] = (),
        remote: RemoteValues | None = None,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._link = link
        self._topics = topics
        self._house = house
        self._board = board
        self._desk = desk
        self._home_assistant = home_assistant
        self._diagnostics = diagnostics
        self._rescan = rescan
        self._now = now
        self._remote = remote
        self._spread = spread
        self._started_at = now()
        self._announcer = Announcer(topics, origin, store, publish=link.publish, enabled=home_assistant.enabled)
        self._thermostats = Thermostats(thermostats, topics, origin, announcer=self._announcer, publish=link.publish)
        doors = Doors(
            find_output=lambda ref: house.output(ref)[1].channel,
            carry_out=desk.carry_out,
            read_channel=self._read_channel,
            read_module=self._read_module,
            confirm=self._confirm,
            expect_news=self._expect_news,
            ask_thermostat=self._thermostats.ask,
            tell_thermostat=self._thermostats.tell,
            publish=link.publish,
        )
        self._commands = Commands(topics, doors, now=now)
        self._outlets: dict[ChannelRef, Outlet] = {}
        self._tasks = asyncio.TaskGroup()
        self._birth: asyncio.Task[None] | None = None
        self._diagnostics_due = asyncio.Event()
        self._is_stopping = False
        desk.on_incident(self._tell_incident)

    async def run(self) -> None:
        """Serves, once, until `stop()` or cancelled; a bug in anything it does comes out here."""
        will = Outgoing(topic=self._topics.status, payload=OFFLINE, retain=Retain.ALWAYS)
        async with self._tasks as tasks:
            leave = (self._board.subscribe(self._readings_came), self._house.subscribe(self))
            attendants = [
                tasks.create_task(self._report(), name="mqtt diagnostics"),
                tasks.create_task(self._thermostats.run(), name="mqtt thermostats"),
            ]
            if self._remote is not None:
                attendants.append(tasks.create_task(self._remote.run(), name="values by topic"))
            try:
                await self._link.run(will=will, subscriptions=self._subscriptions(), listener=self)
            finally:
                for unsubscribe in leave:
                    unsubscribe()
                for attendant in attendants:
                    attendant.cancel()
                if self._birth is not None:
                    self._birth.cancel()
                self._announcer.close()

    async def stop(self, within_s: float = 2.0) -> None:
        """Says `offline` so that the broker has it, and disconnects, within `within_s`. Discovery stays: entities outlive a restart."""
        self._is_stopping = True
        self._thermostats.farewell()
        await self._link.stop(Outgoing(topic=self._topics.status, payload=OFFLINE, retain=Retain.ALWAYS), within_s=within_s)

    def forget(self, module: str) -> bool:
        """Takes a module that will not come back off the broker and out of Home Assistant; False when nobody knows it."""
        return self._announcer.forget(module)

    def statistics(self) -> dict[str, object]:
        """For the diagnostics document."""
        counters = self._link.counters
        version = self._link.protocol
        return {
            "broker": self._link.address,
            "protocol": None if version is None else version.value,
            "published": counters.published,
            "received": counters.received,
            "dropped": counters.dropped,
            "reconnects": counters.reconnects,
            "queue_high_water": counters.queue_high_water,
            "refused": {reason.value: count for reason, count in sorted(self._commands.refused.items())},
        }

    # -- the link's listener -------------------------------------------------------------------------------------------

    def connected(self) -> None:
        """Says everything: agent, modules, channels, and at the end that it is all true now."""
        if self._is_stopping:
            return  # `offline` stays the last word
        self._announcer.home_assistant_is_there = False
        self._desk.broker_back()
        self._tell_all()
        self._diagnostics_due.set()

    def disconnected(self) -> None:
        if not self._is_stopping:
            self._desk.broker_lost(asyncio.get_running_loop().time())

    def received(self, message: Message) -> None:
        if self._remote is not None:
            self._remote.heard(message.topic, message.payload, retained=message.retained)
        match self._topics.parse(message.topic):
            case Birth():
                self._home_assistant_says(message.payload)
            case Rescan():
                if not message.retained:
                    self._rescan()
            case None:
                pass  # a value of somebody else; and some brokers replay what others subscribed
            case errand:
                self._commands.take(errand, message, self._tasks)

    # -- the house's listener ------------------------------------------------------------------------------------------

    def module_online(self, module: Module) -> None:
        if self._link.is_connected:
            self._tell_module(module, online=True)
        self._diagnostics_due.set()

    def module_offline(self, module: Module, reason: str) -> None:  # noqa: ARG002 - the channels' attributes say it
        self._tell_module_status(module.name, online=False)
        self._diagnostics_due.set()

    # -- out -----------------------------------------------------------------------------------------------------------

    def _readings_came(self, readings: Sequence[Reading]) -> None:
        if not self._link.is_connected:
            return
        now = asyncio.get_running_loop().time()
        for reading in readings:
            outlet = self._outlets.get(reading.channel)
            if outlet is not None:
                outlet.tell(reading, now)

    def _tell_all(self) -> None:
        self._outlets.clear()
        self._announcer.announce_node()
        for view in self._house.modules:
            if view.module is None:
                self._tell_module_status(view.name, online=False)
            else:
                self._tell_module(view.module, online=view.online)
        self._thermostats.tell_all(self._tasks)
        self._link.publish(Outgoing(topic=self._topics.status, payload=ONLINE, retain=Retain.ALWAYS))

    def _tell_module(self, module: Module, *, online: bool) -> None:
        self._announcer.announce(module, self._tasks)
        for ref in [known for known in self._outlets if known.module == module.name]:
            del self._outlets[ref]
        now = asyncio.get_running_loop().time()
        for channel in module.channels:
            outlet = self._outlets[channel.ref] = Outlet(channel, self._topics, self._link.publish)
            outlet.tell_anew(self._board.latest(channel.ref), now)
        self._tell_module_status(module.name, online=online)

    def _tell_module_status(self, module: str, *, online: bool) -> None:
        payload = ONLINE if online else OFFLINE
        self._link.publish(Outgoing(topic=self._topics.module_status(module), payload=payload, retain=Retain.ALWAYS))

    def _tell_incident(self, event: Incident) -> None:
        self._link.publish(Outgoing(topic=self._topics.error(event.channel), payload=incident(event, self._now())))

    def _home_assistant_says(self, payload: bytes) -> None:
        if not self._home_assistant.enabled:
            return
        is_there = payload.decode(errors="replace") == self._home_assistant.birth_payload
        self._announcer.home_assistant_is_there = is_there
        if is_there and (self._birth is None or self._birth.done()):
            self._birth = self._tasks.create_task(self._welcome(), name="birth of Home Assistant")

    async def _welcome(self) -> None:
        await asyncio.sleep(BIRTH_WITHIN_S * self._spread())
        if self._link.is_connected and not self._is_stopping:
            self._tell_all()

    async def _report(self) -> None:
        while True:
            try:
                async with asyncio.timeout(DIAGNOSTICS_EVERY_S):
                    await self._diagnostics_due.wait()
            except TimeoutError:
                pass
            self._diagnostics_due.clear()
            if self._link.is_connected:
                self._tell_diagnostics()
            await asyncio.sleep(DIAGNOSTICS_PAUSE_S)

    def _tell_diagnostics(self) -> None:
        document: dict[str, Any] = {  # Any: JSON
            "started_at": timestamp(self._started_at),
            "modules_online": sum(view.online for view in self._house.modules),
            "mqtt_reconnects": self._link.counters.reconnects,
            **self._diagnostics(),
        }
        expires_s = int(4 * DIAGNOSTICS_EVERY_S)
        self._link.publish(
            Outgoing(topic=self._topics.diagnostics, payload=to_json(document), qos=0, retain=Retain.ALWAYS, expires_s=expires_s),
        )

    # -- in ------------------------------------------------------------------------------------------------------------

    def _subscriptions(self) -> tuple[Subscription, ...]:
        """Of a value that others publish only what the broker kept counts as retained: many publish each one so."""
        commands = tuple(Subscription(each) for each in self._topics.subscriptions())
        return commands if self._remote is None else (*commands, *(Subscription(each, as_published=False) for each in self._remote.topics))

    def _expect_news(self, ref: ChannelRef) -> None:
        outlet = self._outlets.get(ref)
        if outlet is not None:
            outlet.expect_news()

    def _confirm(self, reading: Reading) -> None:
        outlet = self._outlets.get(reading.channel)
        if outlet is not None:
            outlet.confirm(reading, asyncio.get_running_loop().time())

    async def _read_channel(self, ref: ChannelRef) -> str | None:
        (reading,) = await self._house.read_now(ref.module, ref.channel)
        self._confirm(reading)
        outlet = self._outlets.get(ref)
        return None if reading.value is None or outlet is None else render(reading.value, outlet.channel.decimals)

    async def _read_module(self, module: str) -> None:
        for reading in await self._house.read_now(module):
            self._confirm(reading)
