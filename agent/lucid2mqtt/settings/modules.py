"""The keys of one module and its channels, and their way into the engine's options."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.functional_validators import AfterValidator
from pydantic.json_schema import JsonSchemaValue

from lucid2mqtt.engine.options import HOLD, ChannelOptions, ModuleOptions, ParameterSetting
from lucid2mqtt.settings.fields import (
    ChannelNumber,
    Name,
    Number,
    Objection,
    PositiveSeconds,
    Scalar,
    Seconds,
    Section,
    State,
    checked_port,
)


def _not_zero(scale: float) -> float:
    if scale == 0:
        raise Objection("must not be 0", "every value would be the same; leave scale out")
    return scale


class PulseSettings(Section):
    for_s: PositiveSeconds = Field(
        le=86400, description="The output goes off by itself this long after every ON that comes through the agent, s."
    )


class ChannelSettings(Section):
    name: Name | None = Field(None, description="Your word for the channel; topics carry its slug. Default: its number.")
    enabled: bool = Field(True, description="false: the channel is neither read, announced nor switched.")
    poll_s: PositiveSeconds | None = Field(None, le=86400, description="Time between two reads, s; default: poll_s of the module.")
    deadband: Number = Field(
        0.0, ge=0, description="A value is news when it moved by this much, in the channel's unit; 0: at every change."
    )
    min_interval_s: Seconds = Field(0.0, description="Shortest time between two published values, s; switch states are never held back.")
    max_interval_s: PositiveSeconds = Field(60.0, description="An unchanged value is published again after this time, s.")
    scale: Annotated[Number, AfterValidator(_not_zero)] = Field(
        1.0, description="The value is multiplied by this first; 0.5 turns 0..10 V into 0..5 bar. Not 0."
    )
    offset: Number = Field(0.0, description="Added after scaling, in the channel's unit.")
    decimals: Annotated[int, Field(ge=0, le=9)] | None = Field(None, description="Digits after the point; default: as fine as the module.")
    unit: str | None = Field(None, max_length=20, description="Unit after scaling, as Home Assistant spells it: °C, bar, m³/h.")
    device_class: str | None = Field(None, description="Home Assistant's device class: pressure, energy, door, ...")
    valid_min: Number | None = Field(None, description="Inputs: a value below this is a fault, in the channel's unit.")
    valid_max: Number | None = Field(None, description="Inputs: a value above this is a fault, in the channel's unit.")
    start: State = Field(HOLD, description="Outputs, when the module arrives: hold, on, off, or a value in the channel's unit.")
    exit: State = Field(HOLD, description="Outputs, when the agent stops, and for the verb safe-state: hold, on, off or a value.")
    on_broker_loss: State = Field(HOLD, description="Outputs, when the broker is away for broker_loss_after_s: hold, on, off or a value.")
    broker_loss_after_s: Seconds = Field(60.0, description="How long the broker may be away before on_broker_loss, s.")
    max_on_s: PositiveSeconds | None = Field(None, description="Digital outputs: switched off after this time, whoever switched on, s.")
    pulse: PulseSettings | None = Field(None, description="Digital outputs: every ON that comes through the agent is a pulse.")
    minimum: Number | None = Field(None, description="Analog outputs: least value accepted, in the channel's unit.")
    maximum: Number | None = Field(None, description="Analog outputs: greatest value accepted, in the channel's unit.")

    def options(self) -> ChannelOptions:
        shared = {key: getattr(self, key) for key in type(self).model_fields if key != "pulse"}
        return ChannelOptions(**shared, pulse_s=self.pulse.for_s if self.pulse else None)


class ParameterSettings(Section):
    value: Scalar = Field(description="The value in the parameter's unit, or its name.")
    persistent: bool = Field(False, description="Write it to the module's memory, once, when it differs. That memory wears.")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: object) -> object:
        return given if isinstance(given, dict) else {"value": given}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:  # Any: pydantic's own
        return {"anyOf": [{"type": ["string", "number", "boolean"]}, handler(core_schema)]}


class MatchSettings(Section):
    serial: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] | None = Field(None, description="Serial number of the module, decimal (see list).")
    port: Annotated[str, AfterValidator(checked_port)] | None = Field(
        None,
        description="Device path (best from /dev/serial/by-path), tcp:// or tls:// address, where the module changes but its place does not.",
    )

    @model_validator(mode="after")
    def _serial_or_port(self) -> MatchSettings:
        if (self.serial is None) is (self.port is None):
            raise Objection("match needs either serial or port", "lucid2mqtt list shows both")
        return self


class ModuleSettings(Section):
    match: MatchSettings = Field(description="Which module is meant.")
    name: Name | None = Field(None, description="Your word for the module; topics carry its slug. Default: family and serial number.")
    family: str | None = Field(None, description="DI4, DO8, RI4, ...: lets check judge channels and parameters without the module.")
    poll_s: PositiveSeconds = Field(1.0, le=86400, description="Time between two reads of a channel, s.")
    activate: bool = Field(True, description="Wake enabled channels that the module reports as inactive.")
    channels: dict[ChannelNumber, ChannelSettings] = Field({}, description="Channels by number; those not named run with the defaults.")
    parameters: dict[ChannelNumber, dict[str, ParameterSettings]] = Field(
        {}, description="Module parameters by channel and documented name, checked and set at every arrival; volatile unless said."
    )

    def options(self) -> ModuleOptions:
        return ModuleOptions(
            serial=self.match.serial,
            port=self.match.port,
            name=self.name,
            poll_s=self.poll_s,
            channels={number: channel.options() for number, channel in self.channels.items()},
            parameters={
                number: {name: ParameterSetting(setting.value, setting.persistent) for name, setting in named.items()}
                for number, named in self.parameters.items()
            },
            activate=self.activate,
        )
