"""Opens a link, whatever stands behind the address."""

from __future__ import annotations

from typing import Protocol, assert_never

from lucid2mqtt.port.address import Address, SerialAddress, TcpAddress, TlsAddress
from lucid2mqtt.port.link import Link, LinkUser
from lucid2mqtt.port.options import TlsOptions
from lucid2mqtt.port.serial_link import open_serial
from lucid2mqtt.port.stream_link import open_stream


class Dial(Protocol):
    """Opens links; `open_link` is the one for real ports."""

    async def __call__(self, address: Address, user: LinkUser, *, tls: TlsOptions | None = None) -> Link: ...


async def open_link(address: Address, user: LinkUser, *, tls: TlsOptions | None = None) -> Link:
    """Opens the way to `address`. Raises LinkBusy when another program holds it, LinkLost when it cannot be opened."""
    match address:
        case SerialAddress():
            return await open_serial(address.path, user)
        case TcpAddress():
            return await open_stream(address, user)
        case TlsAddress():
            return await open_stream(address, user, tls=tls or TlsOptions())
        case _:
            assert_never(address)
