"""Keys narrower than a project's own: some models, some money, some time."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.errors import ConfigurationError
from genai_integrations.gateway.keys.sealed_pairs import is_proof, opened, proof_of, sealed
from genai_integrations.gateway.keys.shown import NARROW, Pair, Token
from genai_integrations.limits.rules import Period, budgets_of
from genai_integrations.runtime.given import shown

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PATTERN = re.compile(r"[\x21-\x7e]{1,256}")
_MOST_PATTERNS = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """What a narrow key may do.

    Attributes:
        name: What its owner calls it, and what its budget is kept under; one of a project.
        project: Whose calls it makes.
        models: Patterns of the models that it may use, `*` in them for anything; None for all.
        usd: US dollars that it may spend in a `per`; None for no bound.
        per: `day`, `month` or `run`, which is a process of the gateway.
        expires: Seconds since 1970 from which on it is nothing; None for never.
        created: Seconds since 1970.
    """

    name: str
    project: str
    models: tuple[str, ...] | None = None
    usd: float | None = None
    per: Period = "month"
    expires: float | None = None
    created: float = 0.0

    def bound(self, key_id: str) -> bytes:
        """What the key's proof and pair are bound to."""
        return json.dumps([key_id, *self.as_dict().values()], separators=(",", ":")).encode()

    def as_dict(self) -> dict[str, Any]:
        """As they are stored."""
        return {
            "name": self.name,
            "project": self.project,
            "models": None if self.models is None else list(self.models),
            "usd": self.usd,
            "per": self.per,
            "expires": self.expires,
            "created": self.created,
        }

    def is_over(self, now: float) -> bool:
        """Whether it has expired."""
        return self.expires is not None and now >= self.expires


@dataclass(frozen=True, slots=True)
class NarrowKey:
    """A narrow key as it is kept: nobody can use it who has only this.

    Attributes:
        id: By which it is found.
        terms: What it may do.
        proof: A hash of its secret.
        sealed: The project's key pair, which its secret opens.
    """

    id: str
    terms: Terms
    proof: bytes = field(repr=False)
    sealed: bytes = field(repr=False)

    def pair(self, secret: str) -> Pair | None:
        """The project's pair, for whoever shows the secret; None if it is another, or a term was changed."""
        if not is_proof(secret, self.proof):
            return None
        return opened(self.sealed, secret, self.terms.bound(self.id))

    def as_text(self) -> str:
        """As it is stored."""
        coded = {
            name: base64.b64encode(getattr(self, name)).decode() for name in ("proof", "sealed")
        }
        return json.dumps({"id": self.id, **self.terms.as_dict(), **coded})


def issued(terms: Terms, pair: Pair) -> tuple[NarrowKey, Token]:
    """A new key, and what its holder gets: that is nowhere else."""
    token = Token(
        base64.b32encode(secrets.token_bytes(10)).decode().lower(), secrets.token_urlsafe(32)
    )
    box = sealed(pair, token.secret, terms.bound(token.id))
    return NarrowKey(token.id, terms, proof_of(token.secret), box), token


def text_of(token: Token) -> str:
    """A key as its holder writes it."""
    return f"{NARROW}{token.id}-{token.secret}"


def read_key(text: str) -> NarrowKey | None:
    """A stored key; None if it is none."""
    try:
        row = json.loads(text)
        terms = Terms(
            str(row["name"]),
            str(row["project"]),
            None if row["models"] is None else tuple(map(str, row["models"])),
            row["usd"],
            row["per"],
            row["expires"],
            row["created"],
        )
        proof, box = (base64.b64decode(row[name]) for name in ("proof", "sealed"))
        return NarrowKey(str(row["id"]), terms, proof, box)
    except (ValueError, LookupError, TypeError):
        return None


def checked_terms(
    name: object,
    project: str,
    *,
    models: Sequence[object] | None,
    budget: Mapping[str, object] | None,
    expires: float | None,
    created: float,
) -> Terms:
    """Terms as somebody asks for them.

    Args:
        name: See `Terms`, as all that follow.
        project: The same.
        models: The same.
        budget: `{"usd": 5.0, "per": "month"}`.
        expires: The same.
        created: The same.

    Raises:
        ConfigurationError: One of them cannot be.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"a key's name is up to 64 letters, digits, '.', '-' and '_', such as 'team-search'; {shown(name)} is not"
        )
    patterns = None if models is None else tuple(map(_pattern, models))
    if patterns is not None and not 0 < len(patterns) <= _MOST_PATTERNS:
        raise ConfigurationError(
            f"a key has 1 to {_MOST_PATTERNS} patterns of models, or none, for all models"
        )
    row = budgets_of({name: {"per": "month", **budget}})[name] if budget is not None else None
    if expires is not None and expires <= created:
        raise ConfigurationError("a key has to expire in the future")
    return Terms(
        name,
        project,
        patterns,
        None if row is None else row.usd,
        "month" if row is None else row.per,
        expires,
        created,
    )


def _pattern(pattern: object) -> str:
    if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
        raise ConfigurationError(
            f"a pattern of models is a name such as 'gpt-4o*', not {shown(pattern)}"
        )
    return pattern
