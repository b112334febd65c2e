"""Turns what a ser2net served into listeners of the agent's passthrough, and puts them beside those of the inventory.

ser2net lets everybody do everything. A taken-over listener gives the least it works with: everybody may read a module, nobody may
switch it until the inventory names who; a serial device that is no module is for this machine and for addresses that are named.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Entry = dict[str, Any]  # Any: JSON
Plan = dict[str, Any]

_LOCAL = re.compile(r"localhost|127\.[\d.]+|::1")
_ALWAYS_OPEN = frozenset({"ACM"})
"""Kinds of ttys that the service may open without being told."""


def plan(
    found: Mapping[str, Any], node: Mapping[str, Any], settings: Mapping[str, Any], clients: Sequence[Entry], leave: Sequence[Any]
) -> Plan:
    """What to do with the connections `found` by the reader: {"passthrough", "devices", "said", "undecided"}.

    `node` is what ports.py says of the devices. `settings` are the inventory's, whose own listeners and names win. `clients` are
    put into every listener. `leave` names connections, by port number or name, that nobody needs any more. `devices` are what the
    service has to be allowed to open. Nothing should go live while something is `undecided`.
    """
    done: Plan = {"passthrough": [], "devices": [], "said": [], "undecided": []}
    devices, dismissed = node["devices"], {str(each) for each in leave}
    own = {port for port in map(_port, settings.get("passthrough") or ()) if port is not None}
    lines: dict[str, Any] = {}
    for each in found["left"]:
        is_replaced = each["ports"] and set(each["ports"]) <= own
        if not is_replaced and dismissed.isdisjoint((each["name"], *map(str, each["ports"]))):
            done["undecided"].append(f"{_title(each['name'], each['ports'])}: {each['why']}")
    for connection in found["connections"]:
        title, path = _title(connection["name"], [connection["port"]]), connection["device"]
        device = devices.get(path, {})
        module = _module(path, devices, settings)
        if not dismissed.isdisjoint((connection["name"], str(connection["port"]))):
            done["said"].append(f"{title}: left behind")
        elif connection["port"] in own:
            done["said"].append(f"{title}: the inventory has a listener of its own")
        elif fault := "" if module else _fault(connection, device, clients, lines):
            done["undecided"].append(f"{title}: {path} {fault}")
        else:
            entry = _of_module(connection, module, clients) if module else _of_device(connection, clients)
            done["passthrough"] += _at_every_address(entry, connection, with_ipv6=node["ipv6"])
            done["said"].append(f"{title}: {_words(entry, connection)}")
            if not module:
                lines[device["real"]] = connection["line"]
                done["devices"] += [word for word in _allowances(device["real"]) if word not in done["devices"]]
    return done


def merged(own: Sequence[Entry] | None, taken: Sequence[Entry] | None) -> list[Entry]:
    """The inventory's own listeners, and those taken over for whose port it has none."""
    ports = {_port(entry) for entry in own or ()}
    return [*(own or ()), *(entry for entry in taken or () if _port(entry) not in ports)]


def _fault(connection: Mapping[str, Any], device: Mapping[str, Any], clients: Sequence[Entry], lines: Mapping[str, Any]) -> str:
    """Why nobody can tell what to do with it, as the end of a sentence; empty when that is clear."""
    if not device.get("real"):
        return "is not there: plug it in, or leave it behind with lucid2mqtt_ser2net_leave"
    if device.get("detail"):
        return f"does not say which module it is: {device['detail']}"
    if lines.get(device["real"], connection["line"]) != connection["line"]:
        return "is served a second time with another line: leave one of the two behind with lucid2mqtt_ser2net_leave"
    if not _LOCAL.fullmatch(connection["host"]) and not connection["only"] and not _all(clients):
        return "is no module, so whoever comes in can do everything: name who may, with access all, in lucid2mqtt_ser2net_clients"
    return ""


def _module(path: str, devices: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """The name of the module behind a device as the agent will call it; empty where none is known."""
    device = devices.get(path, {})
    identity, real = device.get("module"), device.get("real")
    for entry in settings.get("modules") or ():
        match = entry.get("match") or {}
        by_serial = identity is not None and match.get("serial") == identity["serial"]
        by_port = match.get("port") == path or (real is not None and devices.get(match.get("port"), {}).get("real") == real)
        if entry.get("name") and (by_serial or by_port):
            return str(entry["name"])
    return f"{identity['family']}-{identity['serial']}".lower() if identity else ""


def _of_module(connection: Mapping[str, Any], module: str, clients: Sequence[Entry]) -> Entry:
    named = [*clients, *({"address": address, "access": "read"} for address in connection["only"])]
    entry: Entry = {"module": module}
    if connection["only"]:
        entry["access"] = "none"
    return {**entry, **({"clients": named} if named else {})}


def _of_device(connection: Mapping[str, Any], clients: Sequence[Entry]) -> Entry:
    entry: Entry = {"port": connection["device"], "mode": "exclusive"}
    named = [*_all(clients), *({"address": address, "access": "all"} for address in connection["only"])]
    entry |= {"access": "none", "clients": named} if named else {"access": "all"}
    if connection["line"]:
        entry["line"] = connection["line"]
    if connection["idle_s"]:
        entry["idle_s"] = connection["idle_s"]
    return entry


def _at_every_address(entry: Entry, connection: Mapping[str, Any], *, with_ipv6: bool) -> list[Entry]:
    hosts = [connection["host"]] if connection["host"] else ["0.0.0.0", "::"][: 1 + with_ipv6]
    bracketed = (f"[{host}]" if ":" in host else host for host in hosts)
    return [{"listen": f"{connection['scheme']}://{host}:{connection['port']}", **entry} for host in bracketed]


def _all(clients: Iterable[Entry]) -> list[Entry]:
    return [client for client in clients if client.get("access") == "all"]


def _allowances(real: str) -> list[str]:
    kind = re.fullmatch(r"/dev/tty([A-Za-z]+)\d+", real)
    return [f"char-tty{kind[1]} rw"] if kind and kind[1] not in _ALWAYS_OPEN else []


def _words(entry: Entry, connection: Mapping[str, Any]) -> str:
    target = entry.get("module") or f"{entry['port']}, one client at a time"
    others = {"none": "nobody", "read": "everybody may read, nobody", "all": "everybody on this machine"}[entry.get("access", "read")]
    named = "".join(
        f", {client.get('address') or client.get('name')} has {client.get('access', 'read')}" for client in entry.get("clients", ())
    )
    more = "may do more" if "module" in entry else "may use it"
    return f"{connection['device']}, that is {target}; {others} {more}{named}"


def _title(name: str, ports: Sequence[int]) -> str:
    return f"TCP {', '.join(map(str, ports))} ({name})" if ports else name


def _port(entry: Entry) -> int | None:
    """The TCP port of a listener; None where it has none, or is no listener at all, which `check` will say."""
    number = re.search(r":(\d{1,5})$", str(entry.get("listen")) if isinstance(entry, Mapping) else "", re.ASCII)
    return int(number[1]) if number else None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"lucid2mqtt_ser2net_plan": plan, "lucid2mqtt_passthrough": merged}
