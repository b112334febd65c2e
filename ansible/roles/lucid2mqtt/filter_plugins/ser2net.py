"""Reads what a ser2net serves, from either kind of its settings files.

ser2net 4 reads almost YAML: keys repeat at the top, and `*(name)` within a text stands for what was defined under that name
(ser2net.yaml(5); the words of accepter and connector: gensio(5)). ser2net 2 and 3 read lines
`port:state:timeout:device:options` (their ser2net(8)).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

Found = dict[str, list[dict[str, Any]]]  # Any: JSON

_FAMILIES = frozenset({"ipv4", "ipv6", "ipv6n4"})
_KINDS = frozenset({"tcp", "telnet", "udp", "sctp", "ssl", "mux", "certauth"})
_LOGINS = ("authdir", "pamauth", "allowed-users")
_ONE_WAY = ("no-con-to-acc", "no-acc-to-con")
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")
_SPEED = re.compile(r"(?:speed=)?(\d+)([neoms]?)([5-8]?)([12]?)", re.IGNORECASE | re.ASCII)
_FLOW = re.compile(r"(-?)(xonxoff|rtscts)(?:=(\w+))?", re.IGNORECASE)
_BITS = re.compile(r"([5-8])DATABITS|([12])STOPBITS?", re.IGNORECASE)
_PARITIES = {"none": "N", "even": "E", "odd": "O", "mark": "M", "space": "S"}
_USUAL_LINE = {"baud_rate": 9600, "parity": "N", "data_bits": 8, "stop_bits": 1, "rtscts": False, "xonxoff": False}
_SLOWEST, _FASTEST = 50, 4_000_000
_LAST_PORT = 65535
_OLD_LINE = re.compile(r"((?:[^:]*,)?[^:,]+):(\w+):(\d+):(.+)")
_OLD_WORDS = ("TRACEFILE", "OPENSTR", "CLOSESTR", "CLOSEON", "SIGNATURE", "LED", "RS485CONF")
_OFF = frozenset({"off", "false", "no", "0"})


class NotForUs(ValueError):
    """The agent has no counterpart; the text ends a sentence that begins with the connection."""


def connections(text: str) -> Found:
    """What is served: {"connections": [...], "left": [...]}; connections that are switched off are in neither.

    A connection has `name`, `scheme` (tcp or rfc2217), `host` ("" is everywhere), `port`, `device`, `line` (what is not 9600 8N1),
    `only` (addresses that may come, all when empty) and `idle_s` (0 is never). What is left has `name`, `ports` and `why`.
    """
    found: Found = {"connections": [], "left": []}
    for name, ports, read in _new_style(text) if text.lstrip().startswith("%YAML") else _old_style(text):
        try:
            found["connections"] += read()
        except NotForUs as fault:
            found["left"].append({"name": name, "ports": sorted(ports), "why": str(fault)})
    return found


Reading = tuple[str, set[int], Callable[[], list[dict[str, Any]]]]


# -- ser2net 4


def _new_style(text: str) -> Iterator[Reading]:
    texts: dict[str, str] = {}
    defaults: dict[tuple[str, str], str] = {}
    for key, label, lines in _blocks(text):
        entries = _entries(lines)
        if key == "define":
            texts[label.partition(" ")[0]] = _scalar([label.partition(" ")[2], *lines], texts)
        elif key in ("default", "delete_default"):
            name, owner = (_scalar(entries.get(word, []), texts).rstrip(",") for word in ("name", "class"))
            defaults.pop((owner, name), None)
            if key == "default":
                defaults[owner, name] = _scalar(entries.get("value", []), texts)
        elif key == "connection":
            yield _new_connection(label or "a connection without a name", entries, dict(texts), dict(defaults))
        elif key in ("rotator", "include"):
            what = (
                "it spreads clients over several devices"
                if key == "rotator"
                else "name that file in lucid2mqtt_ser2net_files, and this line in lucid2mqtt_ser2net_leave"
            )
            accepter = _scalar(entries.get("accepter", []), texts)
            yield f"{key} {label}".strip(), _numbers(accepter), _refuse(what)


def _new_connection(
    name: str, entries: Mapping[str, list[str]], texts: Mapping[str, str], defaults: Mapping[tuple[str, str], str]
) -> Reading:
    accepter = _scalar(entries.get("accepter", []), texts)
    options = {option: _scalar(lines, texts) for option, lines in _entries(entries.get("options", [])).items()}

    def default(option: str, owner: str) -> str:
        return defaults.get((owner, option), defaults.get(("", option), ""))

    def option(word: str) -> str:
        return options.get(word, default(word, "ser2net"))

    def read() -> list[dict[str, Any]]:
        if _scalar(entries.get("enable", []), texts).lower() in _OFF:
            return []
        if any(option(word) for word in _LOGINS):
            raise NotForUs("it asks for a login, which no listener does: let clients show certificates")
        if any(option(word) and option(word).lower() not in _OFF for word in _ONE_WAY):
            raise NotForUs("it lets bytes through in one direction only")
        if option("connback"):
            raise NotForUs("it connects to others by itself")
        scheme, addresses = _accepter(accepter)
        usual = [f"{word}={default(word, 'serialdev')}" for word in ("speed", "rtscts", "xonxoff") if default(word, "serialdev")]
        device, line = _connector(_scalar(entries.get("connector", []), texts), usual)
        timeout = _scalar(entries.get("timeout", []), texts)
        return [_connection(name, scheme, address, device, line, _only(option("remaddr")), timeout) for address in addresses]

    return name, _numbers(accepter), read


def _blocks(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Key, its label without the "&", and the indented lines below it."""
    block: tuple[str, str, list[str]] | None = None
    for raw in text.splitlines():
        line = _without_comment(raw)
        if not line.strip():
            continue
        if line[0].isspace():
            if block is not None:
                block[2].append(line)
            continue
        if block is not None:
            yield block
        key, colon, rest = line.partition(":")
        block = (key.strip(), rest.strip().removeprefix("&"), []) if colon else None
    if block is not None:
        yield block


def _entries(lines: Iterable[str]) -> dict[str, list[str]]:
    """The keys of the least indentation, each with its text: the rest of its line and what is indented further."""
    found: dict[str, list[str]] = {}
    depth, text = None, None
    for line in lines:
        indented = len(line) - len(line.lstrip())
        depth = indented if depth is None else depth
        if indented <= depth and (start := re.match(r"\s*([\w-]+)\s*:(?:\s|$)(.*)", line)):
            text = found[start[1]] = [start[2]] if start[2].strip() else []
        elif text is not None:
            text.append(line)
    return found


def _scalar(lines: Iterable[str], texts: Mapping[str, str]) -> str:
    """A folded text without its quotes, with what was defined put in."""
    text = " ".join(line.strip() for line in lines).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    if text.startswith("*") and text[1:] in texts:
        return texts[text[1:]]
    return re.sub(r"\*\(([^()*]+)\)", lambda found: texts.get(found[1], found[0]), text)


def _without_comment(line: str) -> str:
    quote = ""
    for place, letter in enumerate(line):
        before = line[place - 1] if place else " "
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'" and before in " \t:,=([":
            quote = letter
        elif letter == "#" and before.isspace():
            return line[:place]
    return line


# -- ser2net 2 and 3


def _old_style(text: str) -> Iterator[Reading]:
    in_banner = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if in_banner or line.startswith("BANNER:"):
            in_banner = raw.endswith("\\")
            continue
        if not line or line.startswith("#") or line.partition(":")[0] in _OLD_WORDS:
            continue
        name = f"line {number}"
        if found := _OLD_LINE.fullmatch(line):
            yield name, _numbers(found[1]), _old_connection(name, *found.groups())
        else:
            yield name, _numbers(line.partition(":")[0]), _refuse(f"not understood: {line}")


def _old_connection(name: str, where: str, state: str, timeout: str, rest: str) -> Callable[[], list[dict[str, Any]]]:
    def read() -> list[dict[str, Any]]:
        if state == "off":
            return []
        if state not in ("raw", "telnet"):
            raise NotForUs(f"its state {state} has no counterpart")
        scheme, addresses = _accepter(f"telnet,{where}" if state == "telnet" else where)
        device, options = (rest, "") if ":" not in rest else rest.rsplit(":", 1)  # a device's name may have colons, options have none
        words = re.split(r"[,\s]+", options)
        only = ";".join(word.partition("=")[2] for word in words if word.startswith("remaddr="))
        return [_connection(name, scheme, address, _device(device), _line(words), _only(only), timeout) for address in addresses]

    return read


# -- both


def _connection(
    name: str, scheme: str, address: tuple[str, int], device: str, line: dict[str, Any], only: list[str], timeout: str
) -> dict[str, Any]:
    host, port = address
    idle_s = int(timeout) if timeout.isascii() and timeout.isdigit() else 0
    return {
        "name": name,
        "scheme": scheme,
        "host": host,
        "port": port,
        "device": device,
        "line": line,
        "only": only,
        "idle_s": idle_s,
    }


def _accepter(text: str) -> tuple[str, list[tuple[str, int]]]:
    """Scheme and addresses of "telnet(rfc2217),tcp,localhost,4001" and its like."""
    scheme, parts = "tcp", _parts(text)
    while parts and not _is_address(parts):
        kind = parts.pop(0).partition("(")[0].strip()
        if kind == "tcp":
            break
        if kind == "ssl":
            raise NotForUs("it is encrypted: make certificates, and write a tls:// listener into lucid2mqtt_settings")
        if kind != "telnet":
            raise NotForUs(f"clients come in by {kind}")
        scheme = "rfc2217"
    return scheme, _addresses(parts)


def _addresses(parts: Iterable[str]) -> list[tuple[str, int]]:
    found, host = [], ""
    for part in parts:
        if part.isascii() and part.isdigit():
            if not 0 < int(part[:6]) <= _LAST_PORT:
                raise NotForUs(f"{part[:6]} is no port")
            found.append((host, int(part)))
            host = ""
        elif part not in _FAMILIES:
            if not _HOST.fullmatch(part) or host:
                raise NotForUs(f"{part!r} is no host")
            host = part
    if not found or host:
        raise NotForUs("it has no port number")
    return found


def _is_address(parts: list[str]) -> bool:
    """True when no kind is named, which means TCP."""
    return parts[0] in _FAMILIES or parts[0].isdigit() or (len(parts) == 2 and parts[1].isdigit() and parts[0] not in _KINDS)


def _connector(text: str, usual: list[str]) -> tuple[str, dict[str, Any]]:
    kind, *parts = _parts(text) or [""]
    if kind.partition("(")[0].strip() != "serialdev" or not parts:
        raise NotForUs(f"it leads to {kind.partition('(')[0].strip() or 'nowhere'}, not to a serial device")
    device, *more = re.split(r"[,\s]+", ",".join(parts))
    return _device(device), _line([*usual, *more])


def _device(text: str) -> str:
    device = text.strip().strip("\"'")
    if not device.startswith("/") or not device.isprintable() or re.search(r"[\s*]", device):
        raise NotForUs(f"{device!r} is no device")
    return device


def _line(words: Iterable[str]) -> dict[str, Any]:
    """What `words` change of 9600 8N1 without flow control; later ones win, and those that say nothing about the line are passed over."""
    line: dict[str, Any] = dict(_USUAL_LINE)
    for word in words:
        if found := _SPEED.fullmatch(word):
            rate, parity, data_bits, stop_bits = found.groups()
            if not _SLOWEST <= int(rate[:8]) <= _FASTEST:
                raise NotForUs(f"{rate[:8]} is no speed of a serial line")
            line["baud_rate"] = int(rate)
            line["parity"] = parity.upper() or line["parity"]
            line["data_bits"] = int(data_bits or line["data_bits"])
            line["stop_bits"] = int(stop_bits or line["stop_bits"])
        elif found := _FLOW.fullmatch(word):
            line[found[2].lower()] = not found[1] and (found[3] or "true").lower() not in _OFF
        elif found := _BITS.fullmatch(word):
            line["data_bits" if found[1] else "stop_bits"] = int(found[1] or found[2])
        elif word.lower() in _PARITIES:
            line["parity"] = _PARITIES[word.lower()]
        elif word.startswith("rs485=") and word != "rs485=off":
            raise NotForUs("it switches RTS for an RS-485 line")
    return {key: value for key, value in line.items() if value != _USUAL_LINE[key]}


def _only(text: str) -> list[str]:
    """The addresses of a remaddr: "192.0.2.17,0;ipv4,192.0.2.18,0"."""
    found = []
    for each in filter(None, (part.strip() for part in text.split(";"))):
        if each.startswith("!"):
            raise NotForUs("it connects to others by itself")
        address = next((part.strip() for part in each.split(",") if part.strip() not in _FAMILIES), "")
        try:
            found.append(str(ip_address(address)))
        except ValueError:
            raise NotForUs(f"its remaddr {each!r} names no address") from None
    return found


def _parts(text: str) -> list[str]:
    """Splits at commas, but not inside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth = max(0, depth + (letter == "(") - (letter == ")"))
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in (part.strip() for part in parts) if part]


def _numbers(text: str) -> set[int]:
    """The port numbers in an accepter, as far as they can be told."""
    return {int(part) for part in _parts(text) if part.isascii() and part.isdigit() and len(part) < 6}


def _refuse(why: str) -> Callable[[], list[dict[str, Any]]]:
    def read() -> list[dict[str, Any]]:
        raise NotForUs(why)

    return read


class FilterModule:
    def filters(self) -> dict[str, Callable[[str], Found]]:
        return {"lucid2mqtt_ser2net": connections}
