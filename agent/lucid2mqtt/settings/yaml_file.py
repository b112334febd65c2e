"""Reads a YAML 1.2 file into a tree in which every key knows its line and column.

The nodes are taken as composed, before any Python value is made of them: so all duplicate keys are found at once, and a
place is known for each. Keys are kept as the text that stands there; which of them are numbers is the schema's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lucid2mqtt.errors import SettingsFault
from lucid2mqtt.settings.tree import Path, Tree, dotted

_MERGE = "tag:yaml.org,2002:merge"
_NOTHING = "tag:yaml.org,2002:null"
_KINDS = {"tag:yaml.org,2002:timestamp": "date", "tag:yaml.org,2002:int": "whole number", "tag:yaml.org,2002:float": "number"}


def read_file(path: FilePath, *, if_missing: str = "name an existing file with -c, or leave -c out") -> Tree:
    """The tree of `path`; what cannot be read is in its `faults`, with the remedy `if_missing` where there is no such file."""
    try:
        text = path.read_bytes().decode()
    except OSError as fault:
        remedy = if_missing if isinstance(fault, FileNotFoundError) else ""
        return Tree(faults=[SettingsFault(str(path), "file", f"cannot be read: {fault.strerror}", remedy)])
    except UnicodeDecodeError as fault:
        return Tree(faults=[SettingsFault(str(path), "file", f"byte {fault.start} is not UTF-8 text", "save the file as UTF-8")])
    return parse(text, str(path))


def parse(text: str, source: str) -> Tree:
    """The tree of a YAML document; `source` stands in front of every line and column."""
    reader = _Reader(source)
    try:
        reader.read(text)
    except MarkedYAMLError as fault:
        reader.tree.faults.append(SettingsFault(_at(source, fault.problem_mark), "syntax", fault.problem or "not YAML", _hint(fault)))
    except (YAMLError, RecursionError, ValueError) as fault:
        lines = str(fault).splitlines() or ["not YAML"]
        reader.tree.faults.append(SettingsFault(source, "syntax", lines[0]))
    return reader.tree


def _hint(fault: MarkedYAMLError) -> str:
    problem = fault.problem or ""
    if "'\\t'" in problem:
        return "indent with spaces"
    if "mapping values" in problem:
        return "put quotes around text that holds a colon and a space, or check the indent"
    if "another document" in problem:
        return "keep one document in the file"
    return ""


def _at(source: str, mark: Any) -> str:  # Any: ruamel's mark, absent for some faults
    return source if mark is None else f"{source}:{mark.line + 1}:{mark.column + 1}"


class _Reader:
    def __init__(self, source: str) -> None:
        self.tree = Tree()
        self._source = source
        self._yaml = YAML(typ="safe", pure=True)
        self._yaml.composer.warn_double_anchors = False  # an anchor may be set anew (YAML 1.2, section 3.2.2.2)
        self._open: list[Node] = []

    def read(self, text: str) -> None:
        root = self._yaml.compose(text)
        if root is None or root.tag == _NOTHING:
            return
        if not isinstance(root, MappingNode):
            self._object(root, (), "the file must hold keys with values", 'write it like "ports: [auto]"')
            return
        self.tree.values = self._value(root, ())

    def _object(self, node: Node, path: Path, message: str, remedy: str = "") -> None:
        self.tree.faults.append(SettingsFault(_at(self._source, node.start_mark), dotted(path) or "file", message, remedy))

    def _value(self, node: Node, path: Path) -> Any:
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if any(node is outer for outer in self._open):
            self._object(node, path, "this value contains itself", "write it out instead of using an alias")
            return None
        self._open.append(node)
        try:
            return self._mapping(node, path) if isinstance(node, MappingNode) else self._sequence(node, path)
        finally:
            self._open.pop()

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        try:
            return self._yaml.constructor.construct_object(node)
        except (YAMLError, ValueError):
            kind = _KINDS.get(str(node.tag), str(node.tag))
            self._object(node, path, f"{node.value!r} cannot be read as a {kind}", "put it in quotes")
            return None

    def _sequence(self, node: Node, path: Path) -> list[Any]:
        for number, entry in enumerate(node.value):
            self.tree.places[(*path, number)] = _at(self._source, entry.start_mark)
        return [self._value(entry, (*path, number)) for number, entry in enumerate(node.value)]

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, entry in self._entries(node, path):
            name = str(key.value)
            if name in values:
                first = self.tree.places[(*path, name)].removeprefix(f"{self._source}:")
                self._object(key, (*path, name), f"this key is already given at {first}", "keep one of the two")
                continue
            self.tree.places[(*path, name)] = _at(self._source, key.start_mark)
            values[name] = self._value(entry, (*path, name))
        for name, inherited in self._merged(node, path).items():
            values.setdefault(name, inherited)
        return values

    def _entries(self, node: MappingNode, path: Path) -> Iterator[tuple[ScalarNode, Node]]:
        for key, entry in node.value:
            if not isinstance(key, ScalarNode):
                self._object(key, path, "a key must be a word or a number")
            elif key.tag != _MERGE:
                yield key, entry

    def _merged(self, node: MappingNode, path: Path) -> dict[str, Any]:
        """What `<<` brings in: the mapping of an alias, or several, the first of which wins."""
        values: dict[str, Any] = {}
        for key, entry in node.value:
            if isinstance(key, ScalarNode) and key.tag == _MERGE:
                for source in entry.value if isinstance(entry, SequenceNode) else [entry]:
                    if not isinstance(source, MappingNode):
                        self._object(source, path, "<< takes the keys of another mapping", "write <<: *name")
                        continue
                    for name, value in self._value(source, path).items():
                        values.setdefault(name, value)
        return values
