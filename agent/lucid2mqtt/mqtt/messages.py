"""What goes to the broker and what comes from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Retain(Enum):
    """Whether the broker keeps a message for later subscribers."""

    NEVER = "never"
    ALWAYS = "always"
    WHILE_FRESH = "while fresh"
    """Only where it also forgets it in time (MQTT 5): kept for ever, an old value would be taken for a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to publish. `expires_s` counts on MQTT 5 only, as does `correlation` (the answer to a request)."""

    topic: str
    payload: str
    qos: int = 1
    retain: Retain = Retain.NEVER
    expires_s: int | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What to listen to. `as_published` (MQTT 5): a message that somebody publishes retained says so; else only one that the broker kept."""

    filter: str
    as_published: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that came in. The last three are set on MQTT 5 only; `expires_s` is what is left of its life."""

    topic: str
    payload: bytes
    qos: int = 0
    retained: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None
    expires_s: int | None = None
