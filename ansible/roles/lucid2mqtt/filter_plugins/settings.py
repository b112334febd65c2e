"""Tells what a change of the settings takes: a reload is enough when only the passthrough changed."""

from collections.abc import Callable


def without_passthrough(text: str) -> str:
    """A settings file as this role writes it, without its section `passthrough`."""
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if line[0] not in " \t\r\n-#":  # a key of the top level; the items of its list may begin as far left
            inside = line.startswith("passthrough:")
        if not inside:
            kept.append(line)
    return "".join(kept)


class FilterModule:
    def filters(self) -> dict[str, Callable[[str], str]]:
        return {"lucid2mqtt_without_passthrough": without_passthrough}
