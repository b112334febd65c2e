"""Tells Home Assistant which devices there are, and takes back what is no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol

from lucid2mqtt.domain.channel import Module
from lucid2mqtt.domain.names import THERMOSTATS, ChannelRef
from lucid2mqtt.mqtt.announced import Announcement, from_document, steps, to_document
from lucid2mqtt.mqtt.discovery import (
    Document,
    Origin,
    module_device,
    module_device_id,
    node_device,
    node_device_id,
    thermostat_device_id,
    thermostat_shell,
)
from lucid2mqtt.mqtt.messages import Outgoing, Retain
from lucid2mqtt.mqtt.payloads import to_json
from lucid2mqtt.mqtt.topics import Topics

STEP_S = 1.0
"""Pause between the steps of a removal: Home Assistant sets one document up before it looks at the next."""

_STORED = "announced"


class Store(Protocol):
    def load(self, name: str) -> dict[str, Any] | None: ...  # Any: JSON

    def save_soon(self, name: str, document: dict[str, Any]) -> None: ...


class Announcer:
    """Publishes discovery documents when `enabled`; clears topics of channels that are called otherwise now, in any case.

    `publish` returns False without a connection. Called on the loop only.
    """

    def __init__(self, topics: Topics, origin: Origin, store: Store, *, publish: Callable[[Outgoing], bool], enabled: bool) -> None:
        self._topics = topics
        self._origin = origin
        self._store = store
        self._publish = publish
        self._enabled = enabled
        self._known = from_document(store.load(_STORED))
        self._removals: dict[str, asyncio.Task[None]] = {}
        self.home_assistant_is_there = False
        """Whether a birth message came: what is taken back then is really gone."""

    def announce_node(self) -> None:
        """The agent itself; before the modules, which hang on it."""
        if self._enabled:
            self._send(node_device_id(self._topics.node), node_device(self._topics, self._origin))

    def announce(self, module: Module, tasks: asyncio.TaskGroup) -> None:
        """A module with its channels. What an earlier announcement had more is taken back, by a task when that takes steps."""
        channels = tuple(channel.ref.channel for channel in module.channels)
        self._announce(module_device_id(module), module_device(module, self._topics, self._origin), module.name, channels, tasks)

    def announce_thermostat(self, name: str, device: Document, tasks: asyncio.TaskGroup) -> None:
        """A thermostat, in the same way."""
        self._announce(thermostat_device_id(self._topics.node, name), device, THERMOSTATS, (name,), tasks)

    def retire_thermostats(self, *, but: Collection[str], tasks: asyncio.TaskGroup) -> None:
        """Takes back all thermostats that are not among the names `but`: the settings have them no more."""
        for device_id, known in list(self._known.items()):
            if known.module != THERMOSTATS or any(name in but for name in known.channels):
                continue
            components = {**known.leftovers, **known.components}
            if components and self._enabled:
                device = thermostat_shell(known.channels[0], "", self._topics, self._origin) | {"components": components}
                self._take_steps(device_id, (device, None), known, None, tasks)
                continue
            self._clear(known, but=None)
            if not components:
                del self._known[device_id]
                self._save()

    def _announce(self, device_id: str, device: Document, module: str, channels: tuple[str, ...], tasks: asyncio.TaskGroup) -> None:
        components = device["components"] if self._enabled else {}
        new = Announcement(module, channels, components)
        before = self._known.get(device_id)
        if before is not None:
            self._clear(before, but=new)
            new = before.followed_by(new)
        if new != before:
            self._known[device_id] = new
            self._save()
        self._stop_removal(device_id)
        if not self._enabled:
            return
        if new.leftovers:
            self._take_steps(device_id, steps(device, new.leftovers), new, new.cleaned(), tasks)
        else:
            self._send(device_id, device)

    def forget(self, module: str) -> bool:
        """Takes a module off the broker and out of Home Assistant, with its history there. False when none of that name was announced."""
        found = [device_id for device_id, known in self._known.items() if known.module == module != THERMOSTATS]
        for device_id in found:
            self._stop_removal(device_id)
            self._send(device_id, None)
            self._clear(self._known.pop(device_id), but=None)
        if found:
            self._save()
        return bool(found)

    def close(self) -> None:
        """Gives removals up; they are begun again at the next start."""
        for removal in self._removals.values():
            removal.cancel()

    def _stop_removal(self, device_id: str) -> None:
        running = self._removals.pop(device_id, None)
        if running is not None:
            running.cancel()

    def _take_steps(
        self,
        device_id: str,
        documents: Sequence[Document | None],
        announcement: Announcement,
        then: Announcement | None,
        tasks: asyncio.TaskGroup,
    ) -> None:
        """Publishes `documents` one after the other by a task; `then` is what is announced at their end, None: nothing any more."""
        self._stop_removal(device_id)
        work = self._walk(device_id, documents, announcement, then)
        self._removals[device_id] = tasks.create_task(work, name=f"remove:{device_id}")

    async def _walk(
        self, device_id: str, documents: Sequence[Document | None], announcement: Announcement, then: Announcement | None
    ) -> None:
        is_certain = self.home_assistant_is_there
        for document in documents:
            if not self._send(device_id, document):
                return  # everything is announced again when the broker is back
            await asyncio.sleep(STEP_S)
        if then is None:
            self._clear(announcement, but=None)  # not before: Home Assistant would still listen, and complain
        if is_certain and self._known.get(device_id) == announcement:
            if then is None:
                del self._known[device_id]
            else:
                self._known[device_id] = then
            self._save()

    def _send(self, device_id: str, document: Document | None) -> bool:
        """None takes the device back."""
        payload = "" if document is None else to_json(document)
        return self._publish(Outgoing(topic=self._topics.discovery(device_id), payload=payload, retain=Retain.ALWAYS))

    def _clear(self, before: Announcement, *, but: Announcement | None) -> None:
        """Empties the retained topics of names that `but` has no more."""
        is_renamed = but is None or but.module != before.module
        gone = [name for name in before.channels if is_renamed or but is None or name not in but.channels]
        for topic in self._topics_of(before.module, gone, with_status=is_renamed and before.module != THERMOSTATS):
            self._publish(Outgoing(topic=topic, payload="", retain=Retain.ALWAYS))

    def _topics_of(self, module: str, channels: Iterable[str], *, with_status: bool) -> Iterable[str]:
        for name in channels:
            ref = ChannelRef(module, name)
            yield from (self._topics.state(ref), self._topics.channel_status(ref), self._topics.attributes(ref))
        if with_status:
            yield self._topics.module_status(module)

    def _save(self) -> None:
        self._store.save_soon(_STORED, to_document(self._known))
