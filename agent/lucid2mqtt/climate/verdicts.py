"""What was found out about modules and is kept on disk: verdicts on their on-off mode, and whose power-on value is known to be 0."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lucid2mqtt.control.deadman import Semantics, Verdict
from lucid2mqtt.control.saved import Saved
from lucid2mqtt.engine.store import StateStore

VERDICTS = "verdicts"
"""Name of the document in the state store: by serial/firmware/channel, what a trial found. The agent only reads it."""

_INCONCLUSIVE = (Semantics.INCONCLUSIVE, Semantics.UNVERIFIED)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutputKey:
    """One output of one module with one firmware: what was tried there says nothing about others."""

    serial: int
    firmware: int
    channel: int

    def __str__(self) -> str:
        return f"{self.serial}/{self.firmware}/{self.channel}"


class Verdicts:
    """All verdicts, read anew at every look: whoever tries a module does it while no agent has it."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._spoilt: set[str] = set()

    def find(self, key: OutputKey) -> Verdict:
        """What is known; UNVERIFIED where nothing is. A spoilt entry counts as nothing, with one line in the log."""
        document = self._store.load(VERDICTS) or {}
        try:
            found = Saved(document).optional_document(str(key))
            return _never_tried(key, document) if found is None else Verdict.from_saved(found)
        except ValueError as fault:
            if str(key) not in self._spoilt:
                self._spoilt.add(str(key))
                _log.warning("the kept verdict on %s cannot be used (%s): it counts as never tried", key, fault)
            return Verdict()

    def keep(self, key: OutputKey, verdict: Verdict) -> bool:
        """Has the verdict written with the next flush of the store; False where it says nothing and an earlier one says more."""
        if verdict.semantics in _INCONCLUSIVE and self.find(key).semantics not in _INCONCLUSIVE:
            return False
        self._store.save_soon(VERDICTS, {**(self._store.load(VERDICTS) or {}), str(key): verdict.saved()}, within_s=0.0)
        return True

    def keep_what_is_there(self) -> None:
        """Has the document written as it is: whether that can be done shows before a trial, not after it."""
        self._store.save_soon(VERDICTS, self._store.load(VERDICTS) or {}, within_s=0.0)


class StoredZeros:
    """Outputs whose power-on value was made 0. The memory of a module wears, so it is written once and remembered here."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._known: set[str] = set()

    def has(self, key: OutputKey) -> bool:
        name = _zero_name(key)
        if name not in self._known and (self._store.load(name) or {}).get("power_on_value") == 0:
            self._known.add(name)
        return name in self._known

    def remember(self, key: OutputKey) -> None:
        """The module acknowledged the write."""
        name = _zero_name(key)
        self._known.add(name)
        self._store.save_soon(name, {"power_on_value": 0}, within_s=0.0)


def _zero_name(key: OutputKey) -> str:
    """A document of its own per output: several thermostats keep them."""
    return f"heater-{key.serial}-{key.channel}"


def _never_tried(key: OutputKey, document: Mapping[str, object]) -> Verdict:
    mine = str(key).split("/")
    others = sorted(other[1] for known in document if (other := known.split("/"))[0::2] == mine[0::2] and len(other) == len(mine))
    if not others:
        return Verdict()
    tried = ", ".join(others)
    return replace(Verdict(), sentence=f"the on-off mode was tried with firmware {tried}, but never with the present one, {key.firmware}")
