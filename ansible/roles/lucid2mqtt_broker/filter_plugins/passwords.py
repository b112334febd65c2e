"""Passwords as mosquitto 2 keeps them: $7$, PBKDF2 with SHA-512, rounds, salt and key.

mosquitto_passwd draws a new salt each time, so its file would differ at every run. Here the salt comes from what the
password is for: different for every user and broker, the same at every run.
"""

import base64
import hashlib
from collections.abc import Callable

ROUNDS = 1000
SALT_BYTES = 12


def hashed(password: str, purpose: str) -> str:
    salt = hashlib.sha512(purpose.encode()).digest()[:SALT_BYTES]
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS)
    return f"$7${ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


class FilterModule:
    def filters(self) -> dict[str, Callable[[str, str], str]]:
        return {"lucid2mqtt_broker_hash": hashed}
