"""A YAML file with the place of each of its values, so that a mistake is told with its line and column."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.given import shown

Path_ = tuple[str | int, ...]
"""Keys and indices from the file's top to a value."""

_MOST_BYTES = 1 << 20
"""Of a file: written by hand, and read whole."""

_MOST_VALUES = 50_000
"""Aliases of aliases can make a short file stand for more values than a memory has."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read.

    Attributes:
        name: The file's, as messages begin.
        values: What is in it, as plain mappings, lists, texts, numbers, booleans and None.
        places: Where the key or the item stands that leads to a value, by its path; the top's by the empty one.
    """

    name: str
    values: Mapping[str, Any]
    places: Mapping[Path_, Place]

    def at(self, path: Path_) -> str:
        """`file:line:column` of a value, or of the nearest one around it that has a place."""
        while path and path not in self.places:
            path = path[:-1]
        place = self.places.get(path, Place(1, 1))
        return f"{self.name}:{place.line}:{place.column}"

    def wrong(self, path: Path_, words: str) -> ConfigurationError:
        """The error for a value: where it is, and what is wrong."""
        return ConfigurationError(f"{self.at(path)}: {words}")


def read_document(path: str | Path) -> Document:
    """Read a file.

    Raises:
        ConfigurationError: It cannot be read, is no YAML, has a key twice, or is no mapping.
    """
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name} is not UTF-8 text") from None
    if len(data) > _MOST_BYTES:
        raise ConfigurationError(f"{name} is larger than {_MOST_BYTES >> 20} MB")
    return parsed(text, name)


def parsed(text: str, name: str) -> Document:
    """A file's text, read. Raises as `read_document`."""
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigurationError(f"{name}{where}: {error.problem or 'this is not YAML'}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name}: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ConfigurationError(f"{name} is nested too deeply") from None
    if node is None:
        raise ConfigurationError(f"{name} is empty")
    reader = _Reader(name)
    try:
        values = reader.value(node, ())
    except RecursionError:
        raise ConfigurationError(f"{name} is nested too deeply, or contains itself") from None
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"{name}:1:1: a configuration is a mapping, such as `router_settings:` with lines below it"
        )
    return Document(name, values, reader.places)


class _Reader:
    """Makes values of YAML's nodes, and notes where each stands."""

    def __init__(self, name: str) -> None:
        import yaml

        self.places: dict[Path_, Place] = {}
        self._name = name
        self._left = _MOST_VALUES
        # A scalar's meaning (true, 1e3, a date) is YAML's to say.
        self._scalars = yaml.SafeLoader("")
        self._yaml = yaml

    def value(self, node: Any, path: Path_) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ConfigurationError(f"{self._name} stands for too many values")
        self.places.setdefault(path, _place(node))
        if not node.tag.startswith(_PLAIN) or node.tag.startswith(f"{_PLAIN}python"):
            raise ConfigurationError(f"{self._at(node)}: a configuration has no {shown(node.tag)}")
        if isinstance(node, self._yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, self._yaml.SequenceNode):
            return [self.value(item, (*path, at)) for at, item in enumerate(node.value)]
        try:
            return self._scalars.construct_object(node)
        except (self._yaml.YAMLError, ValueError):
            raise ConfigurationError(
                f"{self._at(node)}: {shown(node.value)} is not a value that a configuration can have"
            ) from None

    def _mapping(self, node: Any, path: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged |= self._merged(value_node, path)
                continue
            key = self._key(key_node)
            if key in found:
                raise ConfigurationError(f"{self._at(key_node)}: {shown(key)} appears twice")
            self.places[(*path, key)] = _place(key_node)
            found[key] = self.value(value_node, (*path, key))
        # What a mapping says itself wins over what it takes from others.
        return {**merged, **found}

    def _merged(self, node: Any, path: Path_) -> dict[str, Any]:
        """What `<<` takes over: one mapping, or a list of them of which the first wins."""
        rows = node.value if isinstance(node, self._yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for row in rows:
            if not isinstance(row, self._yaml.MappingNode):
                raise ConfigurationError(f"{self._at(row)}: `<<` takes mappings")
            merged = {**self._mapping(row, path), **merged}
        return merged

    def _key(self, node: Any) -> str:
        key = node.value if isinstance(node, self._yaml.ScalarNode) else None
        if not isinstance(key, Hashable) or not isinstance(key, str):
            raise ConfigurationError(f"{self._at(node)}: a key must be a word")
        # As it is written: `on:` and `1:` are names here, and not a truth and a number.
        return key

    def _at(self, node: Any) -> str:
        place = _place(node)
        return f"{self._name}:{place.line}:{place.column}"


_PLAIN = "tag:yaml.org,2002:"
"""How the tags of YAML's own kinds begin; those of a program's own objects go on with its language."""


def _place(node: Any) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


_STEP = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")


def path_of(written: str) -> Path_:
    """The path that an error of an argument writes as `model_list[2].weight`."""
    return tuple(int(number) if number else name for number, name in _STEP.findall(written))
