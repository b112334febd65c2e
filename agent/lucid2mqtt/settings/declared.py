"""What the settings declare about modules and channels, looked up by the names that others use for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.domain.names import ChannelRef, slug
from lucid2mqtt.lucid.families import FAMILIES, Family
from lucid2mqtt.settings.findings import Finding
from lucid2mqtt.settings.modules import ChannelSettings, ModuleSettings, ParameterSettings
from lucid2mqtt.settings.suggestions import suggestion
from lucid2mqtt.settings.tree import Path

FAMILY_BY_NAME = {family.name: family for family in FAMILIES.values()}

_DEFAULT_NAME = re.compile(r"([a-z0-9]+)-(0|[1-9]\d*)")
_MOST_CHANNELS = 16
_POLL_S: float = ModuleSettings.model_fields["poll_s"].default


@dataclass(frozen=True, slots=True)
class Doubt:
    """What speaks against a name."""

    message: str
    remedy: str = ""
    is_warning: bool = False

    def at(self, path: Path) -> Finding:
        return Finding(path, self.message, self.remedy, self.is_warning)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the settings say about a channel; `kind` None: not known. `path` is where its module is declared, () when it is not."""

    path: Path = ()
    number: int = 0
    channel: ChannelSettings = field(default_factory=ChannelSettings)
    parameters: Mapping[str, ParameterSettings] = field(default_factory=dict)
    kind: ChannelKind | None = None
    poll_s: float = _POLL_S
    doubt: Doubt | None = None


class Declared:
    def __init__(self, modules: Sequence[ModuleSettings]) -> None:
        self._modules = modules
        self._by_name: dict[str, ModuleSettings] = {}
        for module in modules:
            if (name := _own_name(module)) is not None:
                self._by_name.setdefault(name, module)

    def module(self, name: str) -> tuple[ModuleSettings | None, Doubt | None]:
        """The entry of the module that is called `name`, and what speaks against the name."""
        entry = self._by_name.get(name)
        if entry is not None:
            return entry, None
        default = _DEFAULT_NAME.fullmatch(name)
        if default is None or default[1].upper() not in FAMILY_BY_NAME:
            return None, Doubt(f"no module is called {name!r}", suggestion(name, self._by_name) or "name it under modules")
        serial = int(default[2])
        entry = next((module for module in self._modules if module.match.serial == serial), None)
        if entry is None:
            return None, Doubt(
                f"no module is declared as {name!r}; if none arrives under that name, this waits for ever",
                f"declare it: modules: [{{match: {{serial: {serial}}}, name: ...}}]",
                is_warning=True,
            )
        own_name = _own_name(entry)
        if own_name is None:
            return entry, None
        return None, Doubt(f"the module with serial number {serial} is called {own_name!r}", f"write {own_name!r}")

    def channel(self, ref: ChannelRef) -> Known:
        """What is known of the channel that is called `ref`, and what speaks against the name."""
        module, doubt = self.module(ref.module)
        if module is None and (doubt is None or not doubt.is_warning):
            return Known(doubt=doubt)
        family = _family(module, ref.module)
        channels = {} if module is None else module.channels
        number = _number_of(ref.channel, channels)
        if number is None:
            named = [slug(channel.name) for channel in channels.values() if channel.name is not None]
            remedy = suggestion(ref.channel, named) or "write its number, or name it under channels"
            return Known(doubt=Doubt(f"no channel of {ref.module} is called {ref.channel!r}", remedy))
        has = range(_MOST_CHANNELS) if family is None else family.channels
        if number not in has:
            whose = "no module has" if family is None else f"a {family.name} has no"
            return Known(doubt=Doubt(f"{whose} channel {number}", f"its channels are 0 to {has[-1]}"))
        channel = channels.get(number, ChannelSettings())
        own_slug = str(number) if channel.name is None else slug(channel.name)
        if own_slug != ref.channel:
            doubt = Doubt(f"channel {number} of {ref.module} is called {own_slug!r}", f"write {ref.module}/{own_slug}")
        elif not channel.enabled:
            doubt = Doubt(f"{ref} is switched off in the settings", "take out `enabled: false`")
        return Known(
            path=() if module is None else ("modules", next(i for i, each in enumerate(self._modules) if each is module)),
            number=number,
            channel=channel,
            parameters={} if module is None else module.parameters.get(number, {}),
            kind=None if family is None else family.block_of(number).kind,
            poll_s=channel.poll_s or (_POLL_S if module is None else module.poll_s),
            doubt=doubt,
        )


def _own_name(module: ModuleSettings) -> str | None:
    """The slug it will be called; None where the module itself has to say what it is."""
    if module.name is not None:
        return slug(module.name)
    if module.match.serial is None or module.family is None:
        return None
    return f"{module.family}-{module.match.serial}".lower()


def _family(module: ModuleSettings | None, name: str) -> Family | None:
    if module is not None and (module.family is not None or module.name is not None):
        return None if module.family is None else FAMILY_BY_NAME.get(module.family.upper())
    return FAMILY_BY_NAME.get(name.partition("-")[0].upper())


def _number_of(word: str, channels: dict[int, ChannelSettings]) -> int | None:
    for number, channel in channels.items():
        if channel.name is not None and slug(channel.name) == word:
            return number
    return int(word) if word.isdecimal() and word.isascii() and len(word) < 3 else None
