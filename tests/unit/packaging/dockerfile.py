"""Enough of a Dockerfile to judge it: stages of instructions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    """From one FROM to the next."""

    base: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """What follows each instruction of this kind."""
        return [rest for kind, rest in self.instructions if kind == word]


def stages(file: Path) -> list[Stage]:
    """AssertionError for what stands before the first FROM."""
    lines = [line for line in file.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found: list[Stage] = []
    for line in re.sub(r"\s*\\\n\s*", " ", "\n".join(lines)).splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        else:
            assert found, f"{line} stands before FROM"
            found[-1].instructions.append((word, rest))
    return found


def exec_form(rest: str) -> list[str]:
    """The words of a CMD or ENTRYPOINT; ValueError for the form that runs a shell, which keeps signals to itself."""
    words: list[str] = json.loads(rest)
    return words
