"""From the patterns of the settings to the ports that are there now."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Self

from lucid2mqtt.port.address import Address, SerialAddress, parse_address

AUTO = "auto"
EXCLUDE = "!"
DEVICES = Path("/dev")
BY_ID = Path("/dev/serial/by-id")

DeviceKey = tuple[str, int]
"""A device that is there: its real path and inode, or the text of a network address and 0."""


class Trust(IntEnum):
    """Why we think that a LucidControl module is behind a port; the strongest reason counts."""

    GUESSED = 0  # a glob matched; whatever it is, it is asked once and left alone
    NAMED = 1  # the user wrote this very port down
    USB_ID = 2  # the vendor's own USB id
    PROVEN = 3  # a module answered there


@dataclass(frozen=True, slots=True)
class Candidate:
    """A port that is there. `address` is the name the user knows it by: a path of the settings, or the link by id."""

    address: Address
    key: DeviceKey
    trust: Trust


@dataclass(frozen=True, slots=True)
class Patterns:
    """The patterns of the settings, sorted out."""

    auto: bool
    paths: tuple[str, ...]
    globs: tuple[str, ...]
    network: tuple[Address, ...]
    excluded: tuple[str, ...]

    @classmethod
    def parse(cls, texts: tuple[str, ...]) -> Self:
        """Raises ValueError, with the remedy, for a text that is no pattern."""
        wanted = [text for text in texts if text != AUTO and not text.startswith(EXCLUDE)]
        addresses = {text: parse_address(text) for text in wanted}
        local = [text for text, address in addresses.items() if isinstance(address, SerialAddress)]
        return cls(
            auto=AUTO in texts,
            paths=tuple(text for text in local if not glob.has_magic(text)),
            globs=tuple(text for text in local if glob.has_magic(text)),
            network=tuple(dict.fromkeys(address for address in addresses.values() if not isinstance(address, SerialAddress))),
            excluded=tuple(str(parse_address(text.removeprefix(EXCLUDE))) for text in texts if text.startswith(EXCLUDE)),
        )

    @property
    def needs_usb(self) -> bool:
        """False when only network ports are wanted."""
        return self.auto or bool(self.paths) or bool(self.globs)

    def candidates(self, usb: Mapping[str, str], usb_ids: tuple[str, ...]) -> tuple[Candidate, ...]:
        """The ports that are there, each device once. `usb` maps device paths to USB ids."""
        wanted_ids = {usb_id.upper() for usb_id in usb_ids}
        genuine = {os.path.realpath(device) for device, usb_id in usb.items() if usb_id.upper() in wanted_ids}
        found: dict[DeviceKey, Candidate] = {}
        for path, trust in self._local(genuine):
            key = _device_key(path)
            if key is None or self._excludes(path, key[0]):
                continue
            trust = Trust.USB_ID if key[0] in genuine else trust  # noqa: PLW2901
            found.setdefault(key, Candidate(SerialAddress(path), key, trust))
        for address in self.network:
            if str(address) not in self.excluded:
                found[str(address), 0] = Candidate(address, (str(address), 0), Trust.NAMED)
        return tuple(found.values())

    def missing(self) -> tuple[str, ...]:
        """The paths the user wrote down where no device is."""
        return tuple(path for path in self.paths if not Path(path).exists() and path not in self.excluded)

    def folders(self) -> tuple[str, ...]:
        """Folders in which a device that matches would appear, or a link to one."""
        starts = (*self.paths, *(pattern[: _first_magic(pattern)] + "*" for pattern in self.globs))
        folders = {Path(start).parent for start in starts} | ({DEVICES, BY_ID} if self.auto else set())
        return tuple(sorted(map(str, folders)))

    def _local(self, genuine: set[str]) -> Iterator[tuple[str, Trust]]:
        """Named before matched before found, so that the name the user gave is the one shown."""
        yield from ((path, Trust.NAMED) for path in self.paths)
        yield from ((path, Trust.GUESSED) for pattern in self.globs for path in sorted(glob.glob(pattern)))  # noqa: PTH207  the pattern is the user's, with its folders
        if self.auto:
            names = _names_by_id()
            yield from ((names.get(device, device), Trust.USB_ID) for device in sorted(genuine))

    def _excludes(self, path: str, real: str) -> bool:
        return any(
            fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(real, pattern) or os.path.realpath(pattern) == real
            for pattern in self.excluded
        )


def _device_key(path: str) -> DeviceKey | None:
    real = os.path.realpath(path)
    try:
        return real, Path(real).stat().st_ino
    except OSError:
        return None


def _names_by_id() -> dict[str, str]:
    return {os.path.realpath(link): str(link) for link in sorted(BY_ID.glob("*"), reverse=True)}


def _first_magic(pattern: str) -> int:
    return min(pattern.find(mark) for mark in "*?[" if mark in pattern)
