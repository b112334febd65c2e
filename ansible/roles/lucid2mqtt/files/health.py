"""What a running agent says of itself, as JSON: {"uptime_s": 12.3, "broker": true, "online": [serial numbers]}; exit code 1 where none answers."""

import json
import socket
import sys
from typing import Any

CONSOLE = "/run/lucid2mqtt/console.sock"


def ask(verb: str) -> Any:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        line.connect(CONSOLE)
        line.sendall(json.dumps({"verb": verb}).encode() + b"\n")
        with line.makefile() as answers:
            return json.loads(answers.readline())["result"]


try:
    status, modules = ask("status"), ask("modules")
except (OSError, ValueError, KeyError) as fault:
    print(f"the agent does not answer: {fault}", file=sys.stderr)
    sys.exit(1)
online = sorted(module["serial"] for module in modules if module.get("online") and "serial" in module)
print(json.dumps({"uptime_s": status["uptime_s"], "broker": status["mqtt"]["protocol"] is not None, "online": online}))
