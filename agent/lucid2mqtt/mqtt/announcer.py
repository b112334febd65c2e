"""Tells Home Assistant which devices there are, and takes back what is no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from lucid2mqtt.domain.channel import Module
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.mqtt.announced import Announcement, from_document, steps, to_document
from lucid2mqtt.mqtt.discovery import Document, Origin, module_device, module_device_id, node_device, node_device_id
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
        device_id = module_device_id(module)
        device = module_device(module, self._topics, self._origin)
        components = device["components"] if self._enabled else {}
        new = Announcement(module.name, tuple(channel.ref.channel for channel in module.channels), components)
        before = self._known.get(device_id)
        if before is not None:
            self._clear(before, but=new)
            new = before.followed_by(new)
        if new != before:
            self._known[device_id] = new
            self._save()
        running = self._removals.pop(device_id, None)
        if running is not None:
            running.cancel()
        if not self._enabled:
            return
        if new.leftovers:
            self._removals[device_id] = tasks.create_task(self._remove(device_id, device, new), name=f"remove:{module.name}")
        else:
            self._send(device_id, device)

    def forget(self, module: str) -> bool:
        """Takes a module off the broker and out of Home Assistant, with its history there. False when none of that name was announced."""
        found = [device_id for device_id, known in self._known.items() if known.module == module]
        for device_id in found:
            self._publish(Outgoing(topic=self._topics.discovery(device_id), payload="", retain=Retain.ALWAYS))
            self._clear(self._known.pop(device_id), but=None)
        if found:
            self._save()
        return bool(found)

    def close(self) -> None:
        """Gives removals up; they are begun again at the next start."""
        for removal in self._removals.values():
            removal.cancel()

    async def _remove(self, device_id: str, device: Document, announcement: Announcement) -> None:
        is_certain = self.home_assistant_is_there
        for step in steps(device, announcement.leftovers):
            if not self._send(device_id, step):
                return  # everything is announced again when the broker is back
            await asyncio.sleep(STEP_S)
        if is_certain and self._known.get(device_id) == announcement:
            self._known[device_id] = announcement.cleaned()
            self._save()

    def _send(self, device_id: str, document: Document) -> bool:
        return self._publish(Outgoing(topic=self._topics.discovery(device_id), payload=to_json(document), retain=Retain.ALWAYS))

    def _clear(self, before: Announcement, *, but: Announcement | None) -> None:
        """Empties the retained topics of names that `but` has no more."""
        is_renamed = but is None or but.module != before.module
        gone = [name for name in before.channels if is_renamed or but is None or name not in but.channels]
        for topic in self._topics_of(before.module, gone, with_status=is_renamed):
            self._publish(Outgoing(topic=topic, payload="", retain=Retain.ALWAYS))

    def _topics_of(self, module: str, channels: Iterable[str], *, with_status: bool) -> Iterable[str]:
        for name in channels:
            ref = ChannelRef(module, name)
            yield from (self._topics.state(ref), self._topics.channel_status(ref), self._topics.attributes(ref))
        if with_status:
            yield self._topics.module_status(module)

    def _save(self) -> None:
        self._store.save_soon(_STORED, to_document(self._known))
