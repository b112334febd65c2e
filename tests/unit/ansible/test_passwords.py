from __future__ import annotations

import re

from tests.unit.ansible.filters import role_filter

hashed = role_filter("lucid2mqtt_broker", "passwords.py", "lucid2mqtt_broker_hash")


def test_a_password_gives_the_same_line_at_every_run_and_another_for_every_user() -> None:
    assert hashed("geheim", "broker az-2") == hashed("geheim", "broker az-2")
    assert hashed("geheim", "broker az-2") != hashed("geheim", "broker az-3")
    assert hashed("geheim", "broker az-2") != hashed("anders", "broker az-2")


def test_a_password_has_the_form_that_mosquitto_reads() -> None:
    assert re.fullmatch(r"\$7\$\d+\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==", hashed("geheim", "broker az-2"))
