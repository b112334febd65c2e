"""Start of the add-on: its options and the broker of Home Assistant become environment variables, then the agent takes over.

Home Assistant puts the options into /data/options.json. Who asks the Supervisor for the service "mqtt" is told the broker
and an account of its own there, as soon as a broker add-on runs.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

OPTIONS = Path("/data/options.json")
SETTINGS = Path("/config/settings.yaml")
SUPERVISOR = "http://supervisor"
ASK_EVERY_S = 10.0
_ANSWER_WITHIN_S = 10.0

Document = Mapping[str, Any]  # Any: JSON


def environment(options: Document, broker: Document) -> dict[str, str]:
    """The settings that stand in neither the settings file nor the agent's defaults."""
    told = {
        "LUCID2MQTT_STATE_DIR": "/data",
        "LUCID2MQTT_NODE": options.get("node"),
        "LUCID2MQTT_MQTT__URL": broker["url"],
        "LUCID2MQTT_MQTT__USERNAME": broker.get("username"),
        "LUCID2MQTT_MQTT__PASSWORD": broker.get("password"),
    }
    return {name: value for name, value in told.items() if value}


def find_broker(options: Document, ask: Callable[[], Document | None], sleep: Callable[[float], None]) -> Document:
    """The broker of the options, else that of Home Assistant; waits until there is one."""
    if options.get("mqtt_url"):
        return {"url": options["mqtt_url"], "username": options.get("mqtt_username"), "password": options.get("mqtt_password")}
    told = False
    while (service := ask()) is None:
        if not told:
            print("waiting for a broker: install the add-on Mosquitto broker, or name another one in mqtt_url", file=sys.stderr, flush=True)
            told = True
        sleep(ASK_EVERY_S)
    scheme = "mqtts" if service.get("ssl") else "mqtt"
    return {**service, "url": f"{scheme}://{service['host']}:{service['port']}"}


def ask_supervisor(url: str = SUPERVISOR, token: str = "") -> Document | None:
    """What the Supervisor says of the service "mqtt"; None while it has none, or does not answer."""
    request = urllib.request.Request(f"{url}/services/mqtt", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_WITHIN_S) as answer:
            service = json.load(answer)["data"]
    except (OSError, ValueError, KeyError, TypeError):  # urllib's errors are OSErrors; without a broker it answers with an error
        return None
    return service if isinstance(service, dict) and {"host", "port"} <= set(service) else None


def command(options: Document, settings: Path) -> list[str]:
    """The agent, with the settings file where the user made one."""
    words = ["lucid2mqtt", "run"]
    if settings.exists():
        words += ["-c", str(settings)]
    if options.get("verbose"):
        words.append("-v")
    return words


def main() -> None:
    options: Document = json.loads(OPTIONS.read_text())
    token = os.environ.get("SUPERVISOR_TOKEN", "")
    broker = find_broker(options, lambda: ask_supervisor(token=token), time.sleep)
    words = command(options, SETTINGS)
    os.execvpe(words[0], words, {**os.environ, **environment(options, broker)})


if __name__ == "__main__":
    main()
