"""What is behind the devices named on the command line, as JSON:

{"ipv6": true, "devices": {"/dev/ttyACM0": {"real": "/dev/ttyACM0", "module": {"family": "RI4", "serial": 4711}, "detail": ""}}}

`real` is null for a device that is not there. `module` is null for one that is no module, or does not say so; then `detail` says why.
Usage: ports.py PROGRAM PATTERN... -- DEVICE...  Only what fits a pattern is asked, with PROGRAM: to anything else a question is noise.
PROGRAM need not be there, then nobody is asked.
"""

import json
import os
import subprocess
import sys

program, patterns = sys.argv[1], sys.argv[2 : sys.argv.index("--")]
devices = sys.argv[sys.argv.index("--") + 1 :]
wanted = [word for pattern in patterns for word in ("--port", pattern)]
listed, unasked = "[]", "nobody asked yet, the agent is not installed"
if os.path.exists(program):
    listed, unasked = (
        subprocess.run([program, "list", "--json", *wanted], check=True, capture_output=True, text=True, timeout=60).stdout,
        "",
    )
by_device = {os.path.realpath(port["port"]): port for port in json.loads(listed) if port["port"].startswith("/")}


def described(path: str) -> dict[str, object]:
    real = os.path.realpath(path)
    port = by_device.get(real, {})
    identity = port.get("module") or {}
    is_known = identity.get("family") is not None
    return {
        "real": real if os.path.exists(real) else None,
        "module": {key: identity[key] for key in ("family", "serial")} if is_known else None,
        "detail": "" if is_known else port.get("detail") or ("a module of a family unknown here" if identity else unasked),
    }


try:
    with open("/proc/net/if_inet6", encoding="ascii") as addresses:
        has_ipv6 = bool(addresses.read())
except OSError:
    has_ipv6 = False
print(json.dumps({"ipv6": has_ipv6, "devices": {path: described(path) for path in devices}}))
