"""The keys of one passthrough listener.

Nothing of the passthrough is loaded here: an agent without a listener starts without it.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.functional_validators import AfterValidator, BeforeValidator

from lucid2mqtt.settings.fields import ChannelNumber, Name, Objection, PositiveSeconds, Section
from lucid2mqtt.settings.files import FilePath

if TYPE_CHECKING:
    from lucid2mqtt.passthrough.options import ListenerOptions

AccessWord = Literal["none", "read", "outputs", "all"]


def _listen(text: str) -> str:
    try:
        from lucid2mqtt.passthrough.options import parse_listen  # noqa: PLC0415  see above

        parse_listen(text)
    except ValueError as fault:
        raise Objection(str(fault)) from None
    return text


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise Objection(f"{text!r} is no address range", "write 192.0.2.17 or 192.0.2.0/24") from None
    return text


def _as_octal(given: object) -> object:
    """A bare 660 is a number to YAML and an octal mode to everybody else."""
    return str(given) if isinstance(given, int) else given


def _file_mode(text: str) -> str:
    if re.fullmatch(r"0?[0-7]{3}", text) is None:
        raise Objection(f"{text!r} is no file mode", 'write it like "660"')
    return text


def _stop_bits(number: float) -> float:
    if number not in (1, 1.5, 2):
        raise Objection(f"{number:g} stop bits", "write 1, 1.5 or 2")
    return number


_CHANNELS = "Other rights for single channels, by number."
BusShare = Annotated[float, Field(ge=0.01, le=1)]


class ClientSettings(Section):
    name: str | None = Field(None, min_length=1, description="Name in the client's certificate (SAN or CN), or its login on a unix socket.")
    address: Annotated[str, AfterValidator(_network)] | None = Field(None, description="Address or range the client comes from.")
    access: AccessWord = Field("read", description="What this client may do: none, read, outputs (and read), all (parameters too).")
    channels: dict[ChannelNumber, AccessWord] = Field({}, description=_CHANNELS)
    bus_share: BusShare | None = Field(None, description="As for everybody, for this client. Default: as for everybody.")

    @model_validator(mode="after")
    def _name_or_address(self) -> Self:
        if (self.name is None) is (self.address is None):
            raise Objection("a client is told by name or by address", "write one of them")
        return self


class ServerTlsSettings(Section):
    cert: FilePath = Field(description="Certificate of this listener, PEM.")
    key: FilePath = Field(description="Private key of `cert`, PEM.")
    ca: FilePath | None = Field(None, description="Certificates (and revocations) that clients must be signed by, PEM.")


class LineOfDevice(Section):
    baud_rate: int = Field(9600, ge=50, le=4_000_000, description="Speed of the line, baud.")
    data_bits: int = Field(8, ge=5, le=8, description="Bits of a character.")
    parity: Literal["N", "E", "O", "M", "S"] = Field("N", description="None, even, odd, mark or space.")
    stop_bits: Annotated[float, AfterValidator(_stop_bits)] = Field(1, description="Stop bits: 1, 1.5 or 2.")
    rtscts: bool = Field(False, description="Hardware flow control.")
    xonxoff: bool = Field(False, description="Software flow control.")


class PassthroughSettings(Section):
    listen: Annotated[str, AfterValidator(_listen)] = Field(
        description="Where clients come in: tcp://host:port, tls://host:port, rfc2217://host:port, unix:///path or pty:///path."
    )
    module: Name | None = Field(None, description="The module, by its name.")
    port: Path | None = Field(None, description="A serial device that is no LucidControl module, instead of `module`.")
    mode: Literal["shared", "exclusive"] = Field(
        "shared", description="shared: whole requests, beside MQTT and others; exclusive: raw bytes, one client at a time."
    )
    access: AccessWord = Field("read", description="What everybody may do: none, read, outputs (and read), all (parameters too).")
    channels: dict[ChannelNumber, AccessWord] = Field({}, description=_CHANNELS)
    clients: tuple[ClientSettings, ...] = Field((), description="Other rights for single clients; the first that fits counts.")
    tls: ServerTlsSettings | None = Field(None, description="Certificates of a tls:// listener.")
    user: str | None = Field(None, description="Owner of a unix socket or pseudo terminal.")
    group: str | None = Field(None, description="Group of a unix socket or pseudo terminal.")
    file_mode: Annotated[str, BeforeValidator(_as_octal), AfterValidator(_file_mode)] = Field(
        "660", description="Mode of a unix socket or pseudo terminal, octal."
    )
    line: LineOfDevice = Field(LineOfDevice.model_construct(), description="How the device of `port` is set up.")
    max_clients: int = Field(8, ge=1, le=64, description="Clients at a time.")
    hold_s: Annotated[float, Field(ge=-1, allow_inf_nan=False)] = Field(
        60.0, description="How long clients stay connected while the module is away, s; 0 closes at once, -1 never."
    )
    idle_s: PositiveSeconds | None = Field(
        None, description="Silence after which an exclusive client must go, s. Default: 60 on a module, never on a device."
    )
    unknown: Literal["refuse", "forward"] = Field("refuse", description="Commands nobody published: refuse, or forward with access all.")
    refuse_with: Literal["A0", "D0", "B8", "close"] = Field(
        "A0", description="Status a client gets for what it may not do (not supported, failed, no such channel), or its connection closed."
    )
    on_timeout: Literal["status", "silent", "close"] = Field(
        "status", description="What a client gets when the module does not answer: status D0, nothing, or its connection closed."
    )
    bus_share: BusShare | None = Field(
        None, description="Most of the module's time that one client may take, 0.01 to 1; then it waits. Default: whatever is free."
    )
    frames_per_s: Annotated[float, Field(gt=0, le=10_000)] | None = Field(
        None, description="Most requests one connection may make, 1/s. Default: as fast as the module answers."
    )

    @model_validator(mode="after")
    def _usable(self) -> Self:
        try:
            self.options()
        except ValueError as fault:
            raise Objection(str(fault)) from None
        return self

    def options(self) -> ListenerOptions:
        """In the words of the passthrough. Raises ValueError with the remedy."""
        from lucid2mqtt.settings.passthrough_options import listener_options  # noqa: PLC0415  see above

        return listener_options(self)

    @property
    def is_file(self) -> bool:
        return self.listen.startswith(("unix:", "pty:"))
