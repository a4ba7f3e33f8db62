"""A configuration file as the arguments of a client, with what it says that has no effect here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genai_integrations.calls.args import ROUTER_ARGS, router_args
from genai_integrations.config import litellm_cache, litellm_words
from genai_integrations.config.connections import NOT_IN_A_FILE, connections_of, filled_in
from genai_integrations.config.document import Document, Path_, path_of, read_document
from genai_integrations.config.providers import register_all
from genai_integrations.config.rows import rows_of
from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.given import shown
from genai_integrations.settings import ENVIRON

LANGFUSE_KEYS = ("host", "public_key", "secret_key", "tracing", "sample_rate", "trace_attempts")
"""Of the section `langfuse`: arguments of the client that are about it."""

CLIENT_KEYS = (
    "allowed_hosts", "budgets", "cache", "ledger", "limits", "limits_away", "on_limit", "record", "replay", "semantic_cache",
)  # fmt: skip
"""Arguments of the client that stand at the top of a file under their own names."""

DEFAULT_MODEL = "default_model"
"""The model that `genai` asks where none is named; no argument of the client."""

SECTIONS = (
    DEFAULT_MODEL,
    "langfuse",
    "providers",
    "connections",
    "model_list",
    "router_settings",
    *CLIENT_KEYS,
)
"""What may stand at the top of `genai.yaml`."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a reader of the file should know: it has no effect here, or one that is not written there.

    Attributes:
        where: `file:line:column`.
        words: What it is.
    """

    where: str
    words: str

    def __str__(self) -> str:
        return f"{self.where}: {self.words}"


@dataclass(frozen=True, slots=True)
class Configuration:
    """A file that was read and checked.

    Attributes:
        document: The file.
        arguments: For `GenAIClient`, by name.
        notes: What a reader of the file should know, in its order.
        is_litellms: Whether it has sections of LiteLLM's proxy.
        default_model: What `genai` asks where no model is named.
    """

    document: Document
    arguments: Mapping[str, Any]
    notes: tuple[Note, ...]
    is_litellms: bool
    default_model: str | None = None

    def located(self, error: ConfigurationError) -> ConfigurationError:
        """An error of one of the arguments, with its place in the file; the same for any other."""
        return _located(self.document, error) or error


def read_config(path: str | Path) -> Configuration:
    """Read `genai.yaml`, or the file of LiteLLM's proxy.

    Raises:
        ConfigurationError: `file:line:column` and what is wrong there.
    """
    return configuration_of(read_document(path))


def configuration_of(document: Document, *, fill_in: bool = True) -> Configuration:
    """As `read_config`, of a file that is open already.

    Args:
        document: The file.
        fill_in: Whether values take the place of the variables that the file names.
    """
    return _Reader(document, fill_in=fill_in).read()


class _Reader:
    """Reads one file, section by section."""

    def __init__(self, document: Document, *, fill_in: bool) -> None:
        self._document = document
        self._fills_in = fill_in
        self._notes: list[tuple[Path_, str]] = []
        self._router: dict[str, Any] = {}
        self._arguments: dict[str, Any] = {}
        self._is_litellms = any(name in document.values for name in litellm_words.SECTIONS)

    def read(self) -> Configuration:
        values = self._document.values
        for name in values:
            if name not in SECTIONS and name not in litellm_words.SECTIONS:
                raise self._unknown((name,), name, SECTIONS)
        for name, read in self._sections().items():
            if values.get(name) is not None:
                read(values[name])
        if self._router:
            self._arguments["router_args"] = self._router
        for name in litellm_words.SECTIONS:
            if name in values and name not in ("litellm_settings", "environment_variables"):
                self._without_meaning((name,), values[name])
        model = values.get(DEFAULT_MODEL)
        if model is not None and not isinstance(model, str):
            raise self._document.wrong((DEFAULT_MODEL,), "a model's name is expected here")
        rows = sorted(self._notes, key=lambda row: self._order(row[0]))
        notes = tuple(Note(self._document.at(path), words) for path, words in rows)
        return Configuration(self._document, self._arguments, notes, self._is_litellms, model)

    def _sections(self) -> Mapping[str, Callable[[Any], None]]:
        return {
            # What follows may name them.
            "providers": self._providers,
            "litellm_settings": self._litellm_settings,
            "router_settings": self._router_settings,
            "model_list": self._model_list,
            "connections": self._connections,
            "langfuse": self._langfuse,
            **{name: self._as_it_is(name) for name in CLIENT_KEYS},
        }

    def _as_it_is(self, name: str) -> Callable[[Any], None]:
        def keep(value: Any) -> None:
            self._arguments[name] = self._filled_in((name,), value)

        return keep

    def _router_settings(self, section: Any) -> None:
        for name, value in self._mapping("router_settings", section).items():
            path = ("router_settings", name)
            if name == "model_list":
                raise self._document.wrong(path, "model_list belongs at the top of the file")
            if name not in ROUTER_ARGS:
                if name not in litellm_words.ROUTER_SETTINGS:
                    raise self._unknown(path, name, ROUTER_ARGS)
                self._note(path, f"{name} has no effect here")
            else:
                self._set(path, name, value)

    def _litellm_settings(self, section: Any) -> None:
        for name, value in self._mapping("litellm_settings", section).items():
            path = ("litellm_settings", name)
            if name in litellm_words.FROM_LITELLM_SETTINGS:
                self._set(path, litellm_words.FROM_LITELLM_SETTINGS[name], value)
            elif name == "cache":
                self._litellms_cache(section)
            elif name in ("success_callback", "failure_callback", "callbacks"):
                self._callbacks(path, value)
            elif name != "cache_params":
                self._without_meaning(path, value)

    def _litellms_cache(self, section: Mapping[str, Any]) -> None:
        if not section.get("cache") or "cache" in self._arguments:
            return
        path = ("litellm_settings", "cache_params")
        params = self._filled_in(path, section.get("cache_params") or {})
        if not self._fills_in and any(_unset(path, params)):
            self._note(
                path,
                f"an address cannot be put together from variables: write `cache: {ENVIRON}REDIS_URL`, and set REDIS_URL",
            )
            return
        why = litellm_cache.why_none(params)
        if why is not None:
            self._note(path, why)
            return
        self._arguments["cache"] = litellm_cache.address_of(params)
        for name in params:
            if name not in litellm_cache.MEANT:
                self._note((*path, name), f"cache_params.{name} has no effect here")
        if params.get("ttl") is not None:
            self._set((*path, "ttl"), "cache_kwargs", {"ttl": params["ttl"]})

    def _callbacks(self, path: Path_, value: Any) -> None:
        for at, name in enumerate(value if isinstance(value, list) else [value]):
            if name not in ("langfuse", "langfuse_otel"):
                self._note((*path, at), f"the callback {shown(name)} has no effect here")

    def _model_list(self, rows: Any) -> None:
        read, notes = rows_of(rows, self._variables() if self._fills_in else {})
        self._notes += notes
        self._set(("model_list",), "model_list", read)

    def _providers(self, rows: Any) -> None:
        # Also where nothing else is filled in: what follows must find them.
        register_all(self._document, self._with_variables(("providers",), rows))

    def _connections(self, rows: Any) -> None:
        names, store = connections_of(self._document, rows, self._variables())
        if store is not None:
            self._arguments["connections"] = store
        else:
            self._arguments["llm_connection_names"] = names

    def _langfuse(self, section: Any) -> None:
        for name, value in self._mapping("langfuse", section).items():
            if name not in LANGFUSE_KEYS:
                raise self._unknown(("langfuse", name), name, LANGFUSE_KEYS)
            if name == "secret_key" and not (isinstance(value, str) and value.startswith(ENVIRON)):
                raise self._document.wrong(("langfuse", name), NOT_IN_A_FILE.format(name))
            self._arguments[name] = self._filled_in(("langfuse", name), value)

    def _set(self, path: Path_, name: str, value: Any) -> None:
        """Keep an argument of the router, if it can work."""
        if name != "model_list":
            # A row whose variable is not set is kept, broken: the others may do without it.
            value = self._filled_in(path, value)
        if name == "routing_strategy":
            value = litellm_words.STRATEGIES.get(value, value) if isinstance(value, str) else value
        try:
            router_args({name: value})
        except ConfigurationError as error:
            raise _located(self._document, error, path) or error from None
        self._router[name] = value

    def _mapping(self, name: str, section: Any) -> Mapping[str, Any]:
        if not isinstance(section, Mapping):
            raise self._document.wrong((name,), f"{name} must be a mapping, not {_kind(section)}")
        return section

    def _filled_in(self, path: Path_, value: Any) -> Any:
        """A value with its variables in place.

        Raises:
            ConfigurationError: One is not set.
        """
        return self._with_variables(path, value) if self._fills_in else value

    def _with_variables(self, path: Path_, value: Any) -> Any:
        found = filled_in(value, self._variables())
        for inner, left in _unset(path, found):
            raise self._document.wrong(inner, f"{left} is not set")
        return found

    def _variables(self) -> Mapping[str, str]:
        """What the file itself gives for variables: LiteLLM sets them, here they count where they are named."""
        found = self._document.values.get("environment_variables")
        rows = found.items() if isinstance(found, Mapping) else ()
        return {name: str(value) for name, value in rows if value is not None}

    def _unknown(self, path: Path_, name: str, known: Any) -> ConfigurationError:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
        return self._document.wrong(path, f"there is no {shown(name)} here: {hint}")

    def _without_meaning(self, path: Path_, value: Any) -> None:
        """Note a key, or each key below it."""
        if isinstance(value, Mapping) and value:
            for name, inner in value.items():
                self._without_meaning((*path, name), inner)
        else:
            self._note(path, f"{'.'.join(map(str, path))} has no effect here")

    def _note(self, path: Path_, words: str) -> None:
        self._notes.append((path, words))

    def _order(self, path: Path_) -> tuple[int, int]:
        place = self._document.places.get(path)
        return (place.line, place.column) if place else (0, 0)


def _unset(path: Path_, value: Any) -> Iterator[tuple[Path_, str]]:
    """Where a variable is named that is not set, and which."""
    if isinstance(value, str) and value.startswith(ENVIRON):
        yield path, value.removeprefix(ENVIRON)
    rows = value.items() if isinstance(value, Mapping) else ()
    for key, row in enumerate(value) if isinstance(value, list) else rows:
        yield from _unset((*path, key), row)


_SAID = "router_args['"
_BRACKET = re.compile(r"\[(?:(?P<index>\d+)|'(?P<key>[^']*)')\]")


def _located(
    document: Document, error: ConfigurationError, path: Path_ | None = None
) -> ConfigurationError | None:
    """An error of an argument in the file's own words; None if it does not begin with a path of the file."""
    message = str(error)
    if message.startswith(_SAID):
        written, _, rest = message.removeprefix(_SAID).partition("']")
    else:
        written, _, rest = message.partition(" ")
        rest = f" {rest}"
    inner = (*path_of(written.replace("['", ".").replace("']", "")), *_in_brackets(rest))
    if path is None:
        if not inner or inner[0] not in SECTIONS:
            return None
        path = (inner[0],)
    found = _deepest(document, (*path, *inner[1:]))
    return document.wrong(found, f"{written}{rest}")


def _in_brackets(rest: str) -> Iterator[str | int]:
    """The rest of a path as Python writes it: keys there may hold dots."""
    while part := _BRACKET.match(rest):
        yield int(part["index"]) if part["index"] else part["key"]
        rest = rest[part.end() :]


def _deepest(document: Document, path: Path_) -> Path_:
    """The path, with `litellm_params` where a row's own keys are meant."""
    if path[0] == "model_list" and len(path) > 2 and path not in document.places:  # noqa: PLR2004  list, row, key
        return (*path[:2], "litellm_params", *path[2:])
    return path


def _kind(value: object) -> str:
    kinds = ((list, "a list"), (str, "a string"))
    return next((name for kind, name in kinds if isinstance(value, kind)), shown(value))
