"""The values with what is at fault taken out, so that the rest can be judged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from lucid2mqtt.settings.tree import Path

_GONE: Final = object()


class Remains:
    """Remembers where the entries of lists stood before others were taken out."""

    def __init__(self, values: dict[str, Any]) -> None:  # Any: whatever the user wrote
        self.values = values
        self._numbers: dict[Path, list[int]] = {}

    def take_out(self, paths: Iterable[Path]) -> None:
        """Removes what stands at each of `paths`, or what stands in its way; paths are those of the values as they are."""
        for path in paths:
            self._mark(path)
        self._sweep(self.values, ())

    def written(self, path: Path) -> Path:
        """Where what is at `path` now was written."""
        found: Path = ()
        for key in path:
            found = (*found, self._numbers[found][key] if isinstance(key, int) and found in self._numbers else key)
        return found

    def _mark(self, path: Path) -> None:
        holder: Any = None
        spot: Any = None
        here: Any = self.values
        for key in path:
            inner = key if isinstance(here, list) else str(key)
            if not _has(here, inner):
                break  # the key is one that a short form stands for, or lies in what goes anyway
            holder, spot, here = here, inner, here[inner]
        if holder is not None:
            holder[spot] = _GONE

    def _sweep(self, here: Any, path: Path) -> None:
        """Takes the marked away below `here`, whose entries stood at `path`."""
        if isinstance(here, dict):
            for key in [key for key, value in here.items() if value is _GONE]:
                del here[key]
            for key, value in here.items():
                self._sweep(value, (*path, key))
        elif isinstance(here, list):
            numbers = self._numbers.get(path, list(range(len(here))))
            kept = [place for place, value in enumerate(here) if value is not _GONE]
            if len(kept) < len(here):
                self._numbers[path] = numbers = [numbers[place] for place in kept]
                here[:] = [here[place] for place in kept]
            for place, value in enumerate(here):
                self._sweep(value, (*path, numbers[place]))


def _has(here: Any, key: Any) -> bool:
    return key in here if isinstance(here, dict) else isinstance(here, list) and isinstance(key, int) and key < len(here)
