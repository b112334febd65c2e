"""What a running agent says of itself, as JSON; exit code 1 where none answers.

{"uptime_s": 12.3, "broker": true, "online": [serial numbers], "listeners": 2, "closed": {"tcp://0.0.0.0:4001": "cannot be opened"}}

With such a document as argument it is judged by it: `uptime_s` is the least, `listeners` the exact number, broker and modules that
were there have to be there, listeners that were open have to be open. What it lacks is said as an error, with exit code 1.
"""

import json
import socket
import sys
from collections.abc import Iterator
from typing import Any

CONSOLE = "/run/lucid2mqtt/console.sock"


def ask(verb: str) -> Any:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        line.connect(CONSOLE)
        line.sendall(json.dumps({"verb": verb}).encode() + b"\n")
        with line.makefile() as answers:
            return json.loads(answers.readline())["result"]


def report() -> dict[str, Any]:
    status, modules, listeners = ask("status"), ask("modules"), ask("clients")["listeners"]
    return {
        "uptime_s": status["uptime_s"],
        "broker": status["mqtt"]["protocol"] is not None,
        "online": sorted(module["serial"] for module in modules if module.get("online") and "serial" in module),
        "listeners": len(listeners),
        "closed": {each["listen"]: each["detail"] for each in listeners if each["place"] is None},
    }


def lacks(now: dict[str, Any], wanted: dict[str, Any]) -> Iterator[str]:
    if now["uptime_s"] < wanted["uptime_s"]:
        yield f"it has run for {now['uptime_s']} s only"
    if wanted["broker"] and not now["broker"]:
        yield "it has no broker"
    if gone := set(wanted["online"]) - set(now["online"]):
        yield f"modules are gone: {', '.join(map(str, sorted(gone)))}"
    if now["listeners"] != wanted["listeners"]:
        yield f"it has {now['listeners']} listeners of {wanted['listeners']}"
    for listen in now["closed"].keys() - wanted["closed"].keys():
        yield f"{listen}: {now['closed'][listen]}"


try:
    said = report()
except (OSError, ValueError, KeyError) as fault:
    sys.exit(f"the agent does not answer: {fault}")
print(json.dumps(said))
if sys.argv[1:] and (missing := list(lacks(said, json.loads(sys.argv[1])))):
    sys.exit("the agent is not well: " + "; ".join(missing))
