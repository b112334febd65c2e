"""Field types that several sections share: each checks one spelling and says how to mend it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field
from pydantic.functional_validators import AfterValidator, PlainValidator
from pydantic.json_schema import WithJsonSchema

from lucid2mqtt.domain.names import slug
from lucid2mqtt.engine.options import HOLD, DeclaredState


class Section(BaseModel):
    """A mapping in the file. Unknown keys are faults: a misspelt safety setting must not pass in silence."""

    # deferred: most sections are only ever a part of the whole, and a validator of their own costs every start some milliseconds
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class Objection(ValueError):
    """A value that cannot stand, with what to write instead."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]


def _sluggable(text: str) -> str:
    slug(text)
    return text


Slug = Annotated[str, AfterValidator(slug)]
Name = Annotated[str, AfterValidator(_sluggable)]
"""The user's words, kept as written; topics carry their slug."""

_STATE_WORDS = {"hold": HOLD, "on": True, "off": False, "true": True, "false": False}


def _declared_state(given: object) -> object:
    """YAML 1.2 leaves a bare on or off as text; older habits and JSON write true and false."""
    if isinstance(given, str):
        word = _STATE_WORDS.get(given.strip().lower())
        if word is not None:
            return word
        try:
            given = float(given)
        except ValueError:
            given = None
    if isinstance(given, bool) or (isinstance(given, int | float) and abs(given) < float("inf")):
        return given
    raise Objection("must be hold, on, off or a number", 'for an analog output write the value in its unit, as in "exit: 0"')


ChannelNumber = Annotated[int, Field(ge=0, le=15)]
"""0 to 15: the largest modules have 16 channels (protocol reference 4.1)."""

State = Annotated[
    DeclaredState,
    PlainValidator(_declared_state),
    WithJsonSchema({"anyOf": [{"enum": ["hold", "on", "off"]}, {"type": "boolean"}, {"type": "number"}]}),
]


def _scalar(given: object) -> object:
    if isinstance(given, str | bool | int | float):
        return given
    raise Objection("must be a number, a word, on or off", "write {value: 50, persistent: true} to set more than the value")


Scalar = Annotated[str | float | bool, PlainValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]


def checked_topic(text: str) -> str:
    """`text` when it can start a topic (MQTT 5, section 4.7): no wildcards, no empty level, not one of the broker's own."""
    if re.search(r"[+#\x00-\x1f]", text):
        raise Objection(f"{text!r} has a character that may not stand in a topic", "leave out + and #")
    if text.startswith("$") or not all(text.split("/")):
        raise Objection(f"{text!r} cannot start our topics", 'write it like "home/lucid", with no / at either end and no $ in front')
    return text


def checked_usb_id(text: str) -> str:
    """`VVVV:PPPP` in capitals."""
    if re.fullmatch(r"[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}", text) is None:
        raise Objection(f"{text!r} is no USB id", 'write vendor and product in hexadecimal, as in "16D0:0821"')
    return text.upper()


def checked_port(text: str) -> str:
    """`text` when it is a place to look for modules. Which devices match is seen at run time."""
    pattern = text.removeprefix("!")
    if pattern.startswith(("tcp://", "tls://")):
        if (
            text is pattern
            and re.fullmatch(r"t(?:cp|ls)://(?:\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]]+):(\d{1,5})", text)
            and _is_port(text.rpartition(":")[2])
        ):
            return text
    elif pattern.startswith("/") or text == "auto":
        return text
    raise Objection(f"{text!r} names no port", "write auto, /dev/..., tcp://host:port or tls://host:port, or !/dev/... to leave one alone")


def _is_port(text: str) -> bool:
    return 1 <= int(text) <= 65535


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """The parts of `mqtt.url`. `path` is the web socket path, or the socket file for unix (then `host` is empty and `port` 0)."""

    scheme: str
    host: str
    port: int
    path: str = ""


_DEFAULT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}


def parse_broker_url(text: str) -> BrokerUrl:
    """Takes `mqtt.url` apart; raises Objection when it is none."""
    scheme, colon, rest = text.partition("://")
    if not colon or scheme not in (*_DEFAULT_PORTS, "unix"):
        raise Objection(f"{text!r} is no broker address", "write mqtt://, mqtts://, ws://, wss:// or unix:// and the host")
    if scheme == "unix":
        if not rest.startswith("/"):
            raise Objection("a unix address needs the full path of the socket", "write unix:///run/mosquitto/mosquitto.sock")
        return BrokerUrl(scheme, "", 0, rest)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as fault:
        raise Objection(f"{scheme}:// address cannot be read: {fault}", "write it like mqtts://broker.lan:8883") from None
    if parts.username is not None:
        raise Objection("a user name or password in the address", "use the keys username and password_file: an address ends up in logs")
    if not parts.hostname or port == 0 or re.search(r"\s", parts.hostname):
        raise Objection(f"{text!r} names no host and port", "write it like mqtts://broker.lan:8883")
    web = scheme in ("ws", "wss")
    if parts.query or parts.fragment or (parts.path.strip("/") and not web):
        raise Objection(f"{text!r} has something after the port", "end it after the port; topics are set with base_topic")
    return BrokerUrl(scheme, parts.hostname, port or _DEFAULT_PORTS[scheme], (parts.path or "/mqtt") if web else "")


def checked_url(text: str) -> str:
    parse_broker_url(text)
    return text
