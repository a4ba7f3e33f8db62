"""Scores of one name in Langfuse, as numbers by trace."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from genai_integrations.connections.langfuse.project import basic_auth, langfuse_pool, why_no_answer
from genai_integrations.errors import CredentialStoreError
from genai_integrations.runtime.masked import MaskedText
from genai_integrations.settings import Settings

_MOST_PAGES = 100


@dataclass(frozen=True, slots=True)
class Scored:
    """A score.

    Attributes:
        id: Its id.
        trace_id: Of the trace that it is about.
        value: A number; a boolean counts as 0 or 1.
    """

    id: str
    trace_id: str
    value: float


class LangfuseScores:
    """Reads scores by `GET /api/public/v3/scores`, which servers from 4.16 on have.

    Args:
        settings: Has the host and the key pair.
    """

    def __init__(self, settings: Settings) -> None:
        self._host = settings.host
        self._public = settings.public_key or ""
        self._secret = MaskedText(settings.secret_key or "")

    def __call__(self, name: str, since: float) -> list[Scored]:
        """The scores of a name since a moment, seconds since 1970; categories and texts are left out.

        Raises:
            CredentialStoreError: Langfuse cannot be asked, or does not answer as it should.
        """
        return [row for page in self._pages(name, since) for row in map(_scored, page) if row]

    def _pages(self, name: str, since: float) -> Iterator[list[Any]]:
        moment = datetime.fromtimestamp(since, UTC).isoformat(timespec="milliseconds")
        asked = {
            "name": name,
            "fields": "subject",
            "limit": "100",
            "fromTimestamp": moment.replace("+00:00", "Z"),
        }
        for _ in range(_MOST_PAGES):
            page = self._page(asked)
            yield page["data"]
            cursor = (page.get("meta") or {}).get("cursor")
            if not cursor:
                return
            asked["cursor"] = cursor

    def _page(self, asked: Mapping[str, str]) -> dict[str, Any]:
        import urllib3

        problem = "it does not answer as it should"
        with langfuse_pool(self._host) as http:
            try:
                reply = http.request(
                    "GET",
                    f"{self._host}/api/public/v3/scores",
                    fields=dict(asked),
                    headers=basic_auth(self._public, self._secret),
                    redirect=False,
                )
                page = json.loads(reply.data)
            except urllib3.exceptions.HTTPError as error:
                problem = why_no_answer(error)
            except ValueError:
                pass
            else:
                if isinstance(page, dict) and isinstance(page.get("data"), list):
                    return page
                problem = f"HTTP {reply.status}"
        # Out here for the same reason as in `fetch_project_id`.
        raise CredentialStoreError(f"cannot read scores from Langfuse at {self._host} ({problem})")


def _scored(row: Any) -> Scored | None:
    if not isinstance(row, Mapping):
        return None
    subject = row.get("subject") or {}
    is_trace = subject.get("kind") == "trace"
    trace = (
        row.get("traceId") or subject.get("traceId") or (subject.get("id") if is_trace else None)
    )
    value = row.get("value")
    if not isinstance(value, (int, float)) or not isinstance(trace, str):
        return None
    try:
        return Scored(str(row.get("id")), trace, float(value))
    except OverflowError:  # more digits than a float has
        return None
