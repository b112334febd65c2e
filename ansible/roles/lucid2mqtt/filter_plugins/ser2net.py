"""Reads what a ser2net serves from its YAML file, which is not quite YAML: keys repeat."""

import re
from collections.abc import Callable

CONNECTION = re.compile(r"^connection:", re.MULTILINE)
ACCEPTER = re.compile(r"^\s+accepter:\s*(?:telnet\([^)]*\),|telnet,)?tcp,(?:([^,\s]+),\s*)?(\d+)", re.MULTILINE)
DEVICE = re.compile(r"^\s+connector:\s*serialdev,\s*(/[^,\s]+)", re.MULTILINE)
OFF = re.compile(r"^\s+enable:\s*(?:off|false|no)\b", re.MULTILINE)


def connections(text: str) -> list[dict[str, str]]:
    """The enabled TCP connections as [{"listen": "tcp://host:port", "device": "/dev/..."}]; without a host all addresses."""
    plain = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    found = []
    for part in CONNECTION.split(plain)[1:]:
        accepter, device = ACCEPTER.search(part), DEVICE.search(part)
        if accepter and device and not OFF.search(part):
            found.append({"listen": f"tcp://{accepter[1] or '0.0.0.0'}:{accepter[2]}", "device": device[1]})
    return found


class FilterModule:
    def filters(self) -> dict[str, Callable[[str], list[dict[str, str]]]]:
        return {"lucid2mqtt_ser2net_connections": connections}
