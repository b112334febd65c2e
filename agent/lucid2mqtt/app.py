"""Builds the agent from its rooms, lets it run, and takes it down in order.

One task group holds everything. Whatever ends by itself is a bug and ends the agent, so that the supervisor starts it again.
The way down: no more commands from the console, heaters off, exit states, `offline` on the broker, ports closed, state
written; each step has its own limit, so a dead broker or module cannot keep the process.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lucid2mqtt import __version__
from lucid2mqtt.console.server import ConsoleServer
from lucid2mqtt.console.thermostats import ThermostatVerbs
from lucid2mqtt.console.verbs import ConsoleVerbs
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.remote import RemoteValues
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.errors import LinkError, SettingsError
from lucid2mqtt.mqtt.bridge import Bridge
from lucid2mqtt.mqtt.discovery import Origin
from lucid2mqtt.mqtt.link import MqttLink
from lucid2mqtt.mqtt.options import HomeAssistantOptions, MqttOptions, Protocol, TlsFiles
from lucid2mqtt.mqtt.topics import Topics
from lucid2mqtt.observe.notify import Heartbeats, Notifier, keep_alive, watchdog_s
from lucid2mqtt.observe.progress import PollProgress, StepProgress
from lucid2mqtt.port.watch import PortOptions, PortWatch, TlsOptions
from lucid2mqtt.settings import Settings

if TYPE_CHECKING:
    from lucid2mqtt.climate.climates import Climates
    from lucid2mqtt.passthrough.options import ListenerOptions
    from lucid2mqtt.passthrough.service import Passthrough

THERMOSTATS_WITHIN_S = 3.0
"""How long the thermostats may take to switch off; a module that does not answer must not keep the others on."""
EXIT_STATES_WITHIN_S = 3.0
"""How long the exit states may take altogether; a module that does not answer must not keep the others on."""
GOODBYE_WITHIN_S = 2.0
"""How long the broker may take to accept `offline`."""

_log = logging.getLogger(__name__)


class Agent:
    """All rooms, joined; to be made on the running loop. `run` may be called once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = asyncio.Event()
        self._new_settings: asyncio.Queue[Settings] = asyncio.Queue()
        self._started = time.monotonic()
        self.board = Board()
        self._store = StateStore(settings.state_dir)
        self.house = House(settings.module_options(), self.board, self._store, now=_now)
        self.desk = Desk(self.house, self.board, self._store, now=_now)
        self._heartbeats = Heartbeats(time.monotonic)
        self._climates = self._make_climates() if settings.thermostats else None
        remote = settings.remote_options()
        self._watch = PortWatch(port_options(settings), self.house)
        self._topics = Topics(settings.mqtt.base_topic, settings.node, settings.home_assistant.prefix, settings.birth_topic)
        self._bridge = Bridge(
            link=MqttLink(mqtt_options(settings)),
            topics=self._topics,
            house=self.house,
            board=self.board,
            desk=self.desk,
            store=self._store,
            origin=Origin(version=__version__),
            home_assistant=HomeAssistantOptions(
                enabled=settings.home_assistant.enabled, prefix=settings.home_assistant.prefix, birth_topic=settings.birth_topic
            ),
            diagnostics=self._diagnostics,
            rescan=self._watch.rescan,
            now=_now,
            thermostats=() if self._climates is None else self._climates.all,
            remote=RemoteValues(remote, self.board, now=_now) if remote else None,
        )
        self._passthrough: Passthrough | None = None  # made with the first listener: loading it takes a part of every start
        verbs = ConsoleVerbs(self.house, self.desk, self._watch, lambda: self._passthrough, about=self._about, forget=self._bridge.forget)
        thermostat_verbs = ThermostatVerbs(self._climates)
        self._console = ConsoleServer(settings.console.path, {**verbs.verbs(), **thermostat_verbs.verbs()})
        self._notifier = Notifier()

    def stop(self) -> None:
        """Asks the agent to leave in order; at once and from anywhere on the loop."""
        self._stop.set()

    def reload(self, settings: Settings) -> None:
        """Puts the passthrough listeners and rights of `settings` in force; everything else needs a restart."""
        self._notifier.reloading()
        self._new_settings.put_nowait(settings)

    async def run(self, *, ready: Callable[[], None] = lambda: None) -> None:
        """Runs until `stop()`. `ready` is called when everything is started.

        Raises LinkError when the console's place is taken, which mostly means that another agent runs already.
        """
        try:
            async with asyncio.TaskGroup() as rooms:
                await self._serve(rooms, ready)
        except* LinkError as faults:
            raise faults.exceptions[0] from None
        finally:
            await self._store.close()

    async def _serve(self, rooms: asyncio.TaskGroup, ready: Callable[[], None]) -> None:
        listening = asyncio.Event()

        def begin(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:  # Any: what a coroutine yields is asyncio's own
            return rooms.create_task(work, name=name)

        console = begin("console", self._console.run(ready=listening.set))
        await listening.wait()  # the console is the agent's door plate: while another one hangs there, no port is touched
        inner = [
            begin("store", self._store.run()),
            begin("desk", self.desk.run()),
            begin("house", self.house.run()),
            begin("watchdog", self._keep_alive()),
        ]
        if self._climates is not None:
            inner.append(begin("thermostats", self._climates.run()))
        bridge = begin("mqtt", self._bridge.run())
        ports = begin("ports", self._watch.run())
        guests = begin("passthrough", self._serve_guests())
        self._notifier.ready()
        _log.info("lucid2mqtt %s runs as %s, broker %s", __version__, self._settings.node, self._settings.mqtt.url)
        ready()
        await self._stop.wait()

        _log.info("leaving: thermostats stop, exit states, then good-bye to the broker")
        self._notifier.stopping()
        for task in (console, guests):
            task.cancel()
        if self._climates is not None:
            await self._climates.stop(THERMOSTATS_WITHIN_S)
        await self.desk.apply_exit_states(EXIT_STATES_WITHIN_S)
        await self._bridge.stop(GOODBYE_WITHIN_S)
        for task in (bridge, ports, *inner):
            task.cancel()

    async def _serve_guests(self) -> None:
        """The passthrough, from its first listener on, and its new options whenever some are told."""
        options = self._settings.listener_options()
        async with asyncio.TaskGroup() as guests:
            while True:
                if self._passthrough is not None:
                    await self._passthrough.reload(options)
                    _log.info("passthrough listeners and rights are read again; everything else needs a restart")
                elif options:
                    self._passthrough = self._make_passthrough(options)
                    guests.create_task(self._passthrough.run(), name="listeners")
                self._notifier.ready()  # ends a reload; said twice at the start, which means nothing more
                options = (await self._new_settings.get()).listener_options()

    def _make_passthrough(self, options: tuple[ListenerOptions, ...]) -> Passthrough:
        from lucid2mqtt.passthrough.service import Passthrough  # noqa: PLC0415  see where it is declared
        from lucid2mqtt.port.plain_serial import open_plain  # noqa: PLC0415

        return Passthrough(options, house=self.house, desk=self.desk, board=self.board, open_device=open_plain, now=_now)

    def _make_climates(self) -> Climates:
        from lucid2mqtt.climate.climates import Climates  # noqa: PLC0415  loading control takes a part of every start

        options = self._settings.climate_options()
        progress = StepProgress(self._heartbeats, (one.name for one in options))
        return Climates(options, self.house, self.board, self.desk, self._store, now=_now, stepped=progress.stepped)

    async def _keep_alive(self) -> None:
        """Watches over pollers and thermostats, and feeds systemd's watchdog where there is one."""
        progress = PollProgress(self._heartbeats)
        self.board.subscribe(progress.readings_came)
        self.house.subscribe(progress)
        within_s = watchdog_s()
        if within_s is not None:
            await keep_alive(self._notifier, self._heartbeats, within_s)

    def _about(self) -> dict[str, object]:
        return {
            "version": __version__,
            "node": self._settings.node,
            "uptime_s": round(time.monotonic() - self._started, 1),
            "mqtt": self._bridge.statistics(),
            "store_fault": self._store.fault,
        }

    def _diagnostics(self) -> dict[str, object]:
        ports = self._watch.status()
        counted = [port.counters for port in ports if port.counters is not None]
        return {
            **self._about(),
            "port_errors": sum(each.timeouts + each.garbled + each.lost for each in counted),
            "modules": {
                view.name: {"online": view.online, "serial": None if view.module is None else view.module.serial, "detail": view.detail}
                for view in self.house.modules
            },
            "ports": {
                port.port: {
                    "state": port.state.value,
                    "detail": port.detail,
                    **({} if port.counters is None else asdict(port.counters)),
                }
                for port in ports
            },
        }


async def run(settings: Settings, *, read_again: Callable[[], Settings] | None = None) -> int:
    """Runs the agent until a signal ends it; the exit code. TERM and INT let it leave in order.

    HUP reloads what `read_again` gives; without it, it means that the terminal is closed. A bug in a callback of the loop ends the
    agent too, where asyncio alone would only log it; it is raised at the end.
    """
    agent = Agent(settings)
    loop = asyncio.get_running_loop()
    bugs: list[Exception] = []

    def fall_over(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # Any: asyncio's own
        loop.default_exception_handler(context)
        if isinstance(bug := context.get("exception"), Exception):
            bugs.append(bug)
            agent.stop()

    loop.set_exception_handler(fall_over)

    def reload(read_again: Callable[[], Settings]) -> None:
        try:
            agent.reload(read_again())
        except SettingsError as error:
            for fault in error.faults:
                _log.error("%s", fault)
            _log.error("the settings are not read again; the earlier ones stay in force")

    loop.add_signal_handler(signal.SIGTERM, agent.stop)
    loop.add_signal_handler(signal.SIGINT, agent.stop)
    if read_again is None:
        loop.add_signal_handler(signal.SIGHUP, agent.stop)
    else:
        loop.add_signal_handler(signal.SIGHUP, reload, read_again)
    await agent.run()
    if bugs:
        raise bugs[0]
    return 0


def port_options(settings: Settings) -> PortOptions:
    """The ports' part of the settings."""
    tls = settings.port_tls
    return PortOptions(
        patterns=settings.ports,
        usb_ids=settings.usb_ids,
        scan_s=settings.scan_s,
        tls=TlsOptions(ca=tls.ca, cert=tls.cert, key=tls.key),
    )


def mqtt_options(settings: Settings) -> MqttOptions:
    """The broker's part of the settings."""
    mqtt = settings.mqtt
    files = TlsFiles(ca=mqtt.tls.ca, cert=mqtt.tls.cert, key=mqtt.tls.key)
    return MqttOptions(
        url=mqtt.url,
        client_id=settings.client_id,
        username=mqtt.username,
        password=None if mqtt.password is None else mqtt.password.get_secret_value(),
        tls=None if files == TlsFiles() else files,
        protocol=Protocol(mqtt.protocol),
        keepalive_s=mqtt.keepalive_s,
    )


def _now() -> datetime:
    return datetime.now(UTC)
