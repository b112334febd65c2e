"""Every topic of the program is made and read here, nowhere else (product contract, topics)."""

from __future__ import annotations

from dataclasses import dataclass

from lucid2mqtt.domain.names import RESERVED_MODULE_NAMES, THERMOSTATS, ChannelRef, is_slug


@dataclass(frozen=True, slots=True)
class SetChannel:
    """Somebody commands a channel. The names are as they came: perhaps unknown, perhaps no slugs."""

    ref: ChannelRef


@dataclass(frozen=True, slots=True)
class ReadChannel:
    """Somebody wants a channel read now."""

    ref: ChannelRef


@dataclass(frozen=True, slots=True)
class ReadModule:
    """Somebody wants a whole module read now."""

    module: str


@dataclass(frozen=True, slots=True)
class SetThermostat:
    """Somebody commands a thermostat. Both words are as they came; `what` is "" where the topic names nothing to set."""

    name: str
    what: str

    @property
    def ref(self) -> ChannelRef:
        """Where the thermostat stands among the topics."""
        return thermostat_ref(self.name)


@dataclass(frozen=True, slots=True)
class ReadThermostat:
    """Somebody wants the state of a thermostat told now."""

    name: str

    @property
    def ref(self) -> ChannelRef:
        """Where the thermostat stands among the topics."""
        return thermostat_ref(self.name)


@dataclass(frozen=True, slots=True)
class Rescan:
    """Somebody wants the ports looked through now."""


@dataclass(frozen=True, slots=True)
class Birth:
    """Home Assistant says that it has come or gone; the payload tells which."""


Errand = SetChannel | ReadChannel | ReadModule | SetThermostat | ReadThermostat
"""What gets an answer."""

Incoming = Errand | Rescan | Birth


def thermostat_ref(name: str) -> ChannelRef:
    """A thermostat has the topics of a channel: `state`, `status`, `error`."""
    return ChannelRef(THERMOSTATS, name)


class Topics:
    """The topics of one node. `base` may have several levels; `node` is a slug.

    Raises ValueError when one of them cannot stand in a topic.
    """

    def __init__(self, base: str, node: str, ha_prefix: str = "homeassistant", birth: str = "homeassistant/status") -> None:
        for name, topic in (("base topic", base), ("discovery prefix", ha_prefix), ("birth topic", birth)):
            fault = topic_fault(topic)
            if fault:
                raise ValueError(f"{name} {topic!r}: {fault}")
        if not is_slug(node):
            raise ValueError(f"node {node!r}: only a-z, 0-9, and single _ or - in between")
        self.node = node
        self.root = f"{base}/{node}"
        self.status = f"{self.root}/status"
        self.diagnostics = f"{self.root}/diagnostics"
        self.rescan = f"{self.diagnostics}/rescan/set"
        self.birth = birth
        self._ha_prefix = ha_prefix
        self._below_root = f"{self.root}/"
        self._below_ha = f"{ha_prefix}/"

    def module_status(self, module: str) -> str:
        return f"{self.root}/{module}/status"

    def state(self, ref: ChannelRef) -> str:
        return f"{self.root}/{ref}/state"

    def channel_status(self, ref: ChannelRef) -> str:
        return f"{self.root}/{ref}/status"

    def attributes(self, ref: ChannelRef) -> str:
        return f"{self.root}/{ref}/attributes"

    def command(self, ref: ChannelRef) -> str:
        return f"{self.root}/{ref}/set"

    def error(self, ref: ChannelRef) -> str:
        return f"{self.root}/{ref}/error"

    def event(self, ref: ChannelRef) -> str:
        return f"{self.root}/{ref}/event"

    def thermostat_command(self, name: str, what: str) -> str:
        return f"{self.root}/{thermostat_ref(name)}/{what}/set"

    def discovery(self, device_id: str) -> str:
        return f"{self._ha_prefix}/device/{device_id}/config"

    def subscriptions(self) -> tuple[str, ...]:
        """Filters that together match everything `parse` understands, each topic once."""
        below = ("+/+/set", "+/+/get", "+/get", f"{THERMOSTATS}/+/+/set")
        return (*(f"{self.root}/{each}" for each in below), self.birth)

    def parse(self, topic: str) -> Incoming | None:
        """What a message on `topic` asks for; None when it is nothing of ours."""
        if topic == self.birth:
            return Birth()
        if topic == self.rescan:
            return Rescan()
        return _errand(topic.removeprefix(self._below_root).split("/")) if topic.startswith(self._below_root) else None

    def may_answer_on(self, topic: str) -> bool:
        """Whether an outcome may be sent to the response topic a stranger chose.

        Not into our own tree or Home Assistant's discovery: with the rights of this program a sender could forge
        states and commands there. Not where a name is no topic, and not into the broker's `$` trees.
        """
        return not (topic_fault(topic) or topic.startswith((self._below_root, self._below_ha)) or topic in (self.root, self.birth))


def _errand(levels: list[str]) -> Errand | None:
    """What the levels below the root ask for."""
    match levels:
        case [module, "get"] if module not in RESERVED_MODULE_NAMES:
            return ReadModule(module)
        case [place, name, what, "set"] if place == THERMOSTATS:
            return SetThermostat(name, what)
        case [place, name, ("set" | "get") as verb] if place == THERMOSTATS:
            return SetThermostat(name, "") if verb == "set" else ReadThermostat(name)
        case [module, channel, ("set" | "get") as verb]:
            ref = ChannelRef(module, channel)
            return SetChannel(ref) if verb == "set" else ReadChannel(ref)
    return None


def topic_fault(topic: str) -> str | None:
    """Why `topic` cannot be published on, or None (MQTT 5.0, 4.7)."""
    if not topic:
        return "a topic has at least one character"
    if any(sign in topic for sign in "+#\0"):
        return "wildcards and NUL cannot stand in a topic"
    if topic.startswith("$"):
        return "topics that begin with $ belong to the broker"
    if topic.startswith("/") or topic.endswith("/"):
        return "take the slash at the end away"
    if len(topic.encode(errors="surrogatepass")) > 65535:
        return "a topic has at most 65535 bytes"
    return None
