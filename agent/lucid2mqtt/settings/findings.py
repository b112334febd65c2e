"""What a look at the settings as a whole brings up: faults, and warnings, which keep nobody from running."""

from __future__ import annotations

from dataclasses import dataclass

from lucid2mqtt.errors import SettingsFault
from lucid2mqtt.settings.tree import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """Something at a key, before its place is known."""

    path: Path
    message: str
    remedy: str = ""
    is_warning: bool = False


class SettingsWarning(SettingsFault):
    """Something that can be meant, but mostly is not."""

    def __str__(self) -> str:
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.place}: warning: {self.key}: {self.message}{remedy}"
