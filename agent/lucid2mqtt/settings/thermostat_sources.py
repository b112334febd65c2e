"""How a thermostat's keys name channels: module/channel, or for a temperature a topic that others publish on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.functional_validators import AfterValidator, BeforeValidator
from pydantic.json_schema import JsonSchemaValue, WithJsonSchema

from lucid2mqtt.domain.names import REMOTE, ChannelRef, slug
from lucid2mqtt.settings.fields import Objection, Section

_AS_CHANNEL = 'write module/channel, as in "boiler/flow"'


def channel_ref(text: str) -> ChannelRef:
    """A channel as the user writes it, by names or slugs. Raises Objection."""
    module, slash, channel = text.partition("/")
    if not slash or "/" in channel:
        raise Objection(f"{text!r} names no channel", f"{_AS_CHANNEL}; of a name that holds a / write the slug")
    try:
        return ChannelRef(slug(module), slug(channel))
    except ValueError as fault:
        raise Objection(str(fault), _AS_CHANNEL) from None


def _channel(text: str) -> str:
    channel_ref(text)
    return text


def _one_or_more(given: object) -> object:
    return [given] if isinstance(given, str) else given


ChannelName = Annotated[str, AfterValidator(_channel)]
ChannelNames = Annotated[
    tuple[ChannelName, ...],
    BeforeValidator(_one_or_more),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


def _foreign_topic(text: str) -> str:
    """MQTT 5, section 4.7: a topic others publish on, without wildcards."""
    if not text or any(letter in "+#" or letter < " " for letter in text):
        raise Objection(f"{text!r} is no topic", "write the whole topic, without + and #")
    return text


class SourceSettings(Section):
    channel: ChannelName | None = Field(None, description="A channel of a module, as module/channel; `boiler/flow` alone means this.")
    topic: Annotated[str, AfterValidator(_foreign_topic)] | None = Field(
        None, description="Instead of a channel: a topic on which others publish a temperature in °C. It needs the broker."
    )
    key: str = Field(
        "", description="Where the number is in a JSON payload, as in `temperature` or `sensor.value`; default: it is the payload."
    )
    max_age_s: float = Field(
        900.0,
        ge=10,
        le=86400,
        allow_inf_nan=False,
        description="A value that came by topic counts as lost when no newer one came for this time, s.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: object) -> object:
        return {"channel": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _channel_or_topic(self) -> SourceSettings:
        if (self.channel is None) is (self.topic is None):
            raise Objection("a temperature comes from a channel or by a topic", f"{_AS_CHANNEL}, or {{topic: ...}}")
        if self.topic is None and self.model_fields_set & {"key", "max_age_s"}:
            raise Objection("key and max_age_s belong to a topic", "leave them out")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:  # Any: pydantic's own
        return {"anyOf": [{"type": "string"}, handler(core_schema)]}


def source_channels(sources: Iterable[SourceSettings]) -> dict[SourceSettings, ChannelRef]:
    """The channel of every temperature that comes by topic, each once; named after topic and key."""
    channels: dict[SourceSettings, ChannelRef] = {}
    taken: set[str] = set()
    for source in sources:
        if source.topic is not None and source not in channels:
            name = next(name for name in _names(f"{source.topic} {source.key}") if name not in taken)
            taken.add(name)
            channels[source] = ChannelRef(REMOTE, name)
    return channels


def _names(text: str) -> Iterator[str]:
    try:
        name = slug(text)
    except ValueError:  # a topic in letters that have no ASCII form
        name = "value"
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1
