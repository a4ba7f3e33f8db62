"""A batch's file: each answer as soon as it is there, so that whatever ends the program, none is paid for again.

JSON lines, and no database: one write an answer, nothing to repair but a last line that was cut, and any tool reads it.
Only where each answer lies is held in memory, 8 bytes a request.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
import uuid
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from genai_integrations.calls.reply import Reply
from genai_integrations.calls.route import Attempt, Route
from genai_integrations.errors import ConfigurationError
from genai_integrations.jobs.items import BatchItem, Entry
from genai_integrations.jobs.lines import Lines

_log = logging.getLogger("genai_integrations")

VERSION = 1

_HEAD = re.compile(rb'\{"i": ?(\d{1,15}), ?"ok": ?(true|false), ?"cost": ?(null|[-+.\deE]{1,30}),')
"""How the line of an outcome begins. A million of them are looked at, so they are not decoded."""

_SYNCED = 1.0
"""Seconds between two waits for the disk: what a failure of the whole machine may cost. That of the process costs
nothing."""


class BatchJournal:
    """What is known of a batch, in a file.

    Args:
        path: Where; it is made if it is not there.
        clock: Seconds that never go back.

    Attributes:
        spent: US dollars of everything in it, as far as known.
        mark: A name of this batch, unlike any other's.
        states: Of batches that providers have, as last written, by their names here.

    Raises:
        ConfigurationError: No file can be there.
    """

    def __init__(
        self, path: str | os.PathLike[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lines = Lines(path, "journal")
        self._clock = clock
        self._places: array[int] = array("q")
        self._synced = clock()
        self._begun = 0
        self._is_full = False
        self.spent = 0.0
        self.mark = ""
        self.states: dict[str, Mapping[str, Any]] = {}

    def open(self) -> None:
        """Read what is there, and let nobody else write.

        Raises:
            ConfigurationError: Somebody else does, or the file is no journal, or one of another version.
        """
        try:
            self._lines.open()
            for number, (place, line) in enumerate(self._lines.read(), 1):
                self._take(number, place, line)
                self._begun = place + 1
            if not self.mark:
                self.mark = uuid.uuid4().hex[:12]
                self._lines.add(
                    _encoded({"journal": "batch", "version": VERSION, "mark": self.mark})
                )
        except OSError as error:
            self.close()
            raise ConfigurationError(
                f"journal={str(self._lines.path)!r} cannot be used: {error.strerror}"
            ) from None
        except BaseException:
            self.close()
            raise

    def answer(self, entry: Entry) -> BatchItem | None:
        """What an earlier run was answered, None if it was not.

        Raises:
            ConfigurationError: The journal has the answer to something else there.
        """
        if not self.has(entry.index):
            return None
        key, item = self._read(entry.index)
        if key != entry.key:
            raise self.wrong(
                f"it belongs to other requests: request {entry.index} is not the one that was answered there"
            )
        return item

    def has(self, index: int) -> bool:
        """Whether the answer to a request is there."""
        return index < len(self._places) and self._places[index] > 0

    def item(self, index: int) -> BatchItem:
        """An answer that is there."""
        return self._read(index)[1]

    def add(self, entry: Entry, item: BatchItem) -> None:
        """Write down what came of a request. Where the disk is full the batch goes on, with a warning."""
        record: dict[str, Any] = {"i": entry.index, "ok": item.reply is not None, "cost": item.cost}
        record["key"] = entry.key
        if item.reply is not None:
            record |= {"reply": item.reply.wire, "route": item.reply.route.as_dict()}
        else:
            record["error"] = f"{type(item.error).__name__}: {item.error}"
        try:
            self._note(
                entry.index, self._lines.add(_encoded(record)), is_answer=item.reply is not None
            )
        except OSError as error:
            if not self._is_full:
                _log.warning(
                    "journal=%r cannot be written any more (%s): what is answered from here on would be asked again",
                    str(self._lines.path),
                    error.strerror,
                )
            self._is_full = True

    def keep_state(self, name: str, state: Mapping[str, Any]) -> None:
        """Write down what a provider has of the batch, and wait until the disk has it: it is paid for.

        Raises:
            ConfigurationError: The disk does not take it.
        """
        try:
            self._lines.add(_encoded({"batch": name, **state}))
            self._lines.sync()
        except OSError as error:
            raise self.wrong(f"it cannot be written any more: {error.strerror}") from None
        self.states[name] = state

    @property
    def has_open_states(self) -> bool:
        """Whether a provider has a batch of it."""
        return any(state.get("state") == "submitted" for state in self.states.values())

    @property
    def path(self) -> Path:
        """The file."""
        return self._lines.path

    @property
    def is_due(self) -> bool:
        """Whether it is time for `sync`."""
        return self._clock() - self._synced >= _SYNCED

    def sync(self) -> None:
        """Wait until the disk itself has everything."""
        self._synced = self._clock()
        try:
            self._lines.sync()
        except OSError as error:
            _log.warning("journal=%r: %s", str(self._lines.path), error.strerror)

    def close(self) -> None:
        """Let others have it."""
        self._lines.close()

    def _read(self, index: int) -> tuple[str, BatchItem]:
        place = self._places[index]
        try:
            record = json.loads(self._lines.line_at(place))
            key, wire, cost = record["key"], record["reply"], record["cost"]
            reply = Reply(wire, _route(record["route"], wire))
        except (ValueError, KeyError, TypeError):
            raise self.wrong(f"the answer to request {index} is damaged") from None
        return key, BatchItem(index, reply, cost=cost, is_earlier=place < self._begun)

    def _take(self, number: int, place: int, line: bytes) -> None:
        if number == 1:
            self._take_head(line)
        elif head := _HEAD.match(line):
            index, ok, cost = head.groups()
            self._note(int(index), place, is_answer=ok == b"true")
            self.spent += 0.0 if cost == b"null" else float(cost)
        else:
            state = self._decoded(number, line)
            self.states[str(state.pop("batch", ""))] = state

    def _take_head(self, line: bytes) -> None:
        head = self._decoded(1, line)
        if head.get("journal") != "batch" or not isinstance(head.get("mark"), str):
            raise self.wrong("it is not the journal of a batch")
        if head.get("version") != VERSION:
            raise self.wrong(
                f"it is of version {head.get('version')}, and this release reads {VERSION}"
            )
        self.mark = head["mark"]

    def _decoded(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            found = orjson.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict) or not {"journal", "batch"} & found.keys():
            raise self.wrong(f"line {number} does not belong in the journal of a batch")
        return found

    def _note(self, index: int, place: int, *, is_answer: bool) -> None:
        """Where the answer of a request is; a failure is asked again, so where it is does not matter."""
        if is_answer:
            if index >= len(self._places):
                if index > _MOST:
                    raise self.wrong(f"it has a request {index}")
                self._places.extend([0] * (index + 1 - len(self._places)))
            self._places[index] = place

    def wrong(self, why: str) -> ConfigurationError:
        """The error for a file that cannot be used."""
        return ConfigurationError(
            f"journal={str(self._lines.path)!r} cannot be used: {why}; name another file, or remove this one if you do not need it"
        )


_MOST = 1 << 30
"""Requests of a batch; a damaged file must not fill the memory."""


def _encoded(record: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(record)
    except TypeError:
        # Lone surrogates and integers beyond 64 bits, which answers may have.
        return json.dumps(record, default=str).encode()


def _route(record: Mapping[str, Any], wire: Mapping[str, Any]) -> Route:
    """The route that was written down, with what it needs to tell tokens and cost."""
    route = Route(record["asked"], why=record["why"])
    for row in record["attempts"]:
        attempt = Attempt(
            row["target"], row["connection"], row["provider"], row["model"], row["reason"]
        )
        attempt.outcome, attempt.ms, attempt.began_ms = row["outcome"], row["ms"], row["began_ms"]
        attempt.restated = tuple(row.get("restated", ()))
        if row["cost"] is not None:
            # As it was then, whatever prices hold now: those of a row, of a tier, and of attempts that failed.
            attempt.usage = {"cost": row["cost"]}
        route.attempts.append(attempt)
    if route.attempts:
        model = wire.get("model")
        last = route.attempts[-1]
        last.usage = {**(wire.get("usage") or {}), **(last.usage or {})} or None
        route.attempts[-1].answered = model if isinstance(model, str) else None
    return route
