"""The keys of a passthrough listener in the words of the passthrough."""

from __future__ import annotations

from ipaddress import ip_network

from lucid2mqtt.domain.names import slug
from lucid2mqtt.lucid.frames import Status
from lucid2mqtt.passthrough.options import (
    MODULE_IDLE_S,
    FileRights,
    LineSettings,
    ListenerOptions,
    Mode,
    OnTimeout,
    ServerTls,
    parse_listen,
)
from lucid2mqtt.passthrough.rights import Access, Grant, Rights, Rule
from lucid2mqtt.settings.passthrough import AccessWord, ClientSettings, PassthroughSettings


def listener_options(keys: PassthroughSettings) -> ListenerOptions:
    """Raises ValueError with the remedy for what does not fit together."""
    return ListenerOptions(
        listen=parse_listen(keys.listen),
        module=None if keys.module is None else slug(keys.module),
        port=None if keys.port is None else str(keys.port),
        mode=Mode(keys.mode),
        rights=Rights(_grant(keys.access, keys.channels, keys.bus_share), tuple(_rule(client, keys.bus_share) for client in keys.clients)),
        tls=None if keys.tls is None else ServerTls(cert=keys.tls.cert, key=keys.tls.key, ca=keys.tls.ca),
        file_rights=FileRights(user=keys.user, group=keys.group, mode=int(keys.file_mode, 8)),
        line=LineSettings(**keys.line.model_dump()),
        max_clients=keys.max_clients,
        hold_s=None if keys.hold_s < 0 else keys.hold_s,
        idle_s=keys.idle_s if keys.idle_s is not None or keys.module is None else MODULE_IDLE_S,
        forward_unknown=keys.unknown == "forward",
        refuse_with=None if keys.refuse_with == "close" else Status(int(keys.refuse_with, 16)),
        on_timeout=OnTimeout(keys.on_timeout),
        frames_per_s=keys.frames_per_s,
    )


def _rule(client: ClientSettings, bus_share: float | None) -> Rule:
    """`bus_share` is that of everybody."""
    return Rule(
        grant=_grant(client.access, client.channels, client.bus_share or bus_share),
        networks=() if client.address is None else (ip_network(client.address),),
        names=() if client.name is None else (client.name,),
    )


def _grant(access: AccessWord, channels: dict[int, AccessWord], bus_share: float | None) -> Grant:
    return Grant(Access[access.upper()], {number: Access[word.upper()] for number, word in channels.items()}, bus_share)
