"""Refusals and failures as providers and servers really wrote them: `tests/data/refusals.jsonl`.

A row has who answered, the public place that shows it, status (0 for an event of a stream), headers, body, the class
that tells a program what it can do, and the seconds that the server asks to wait; `now` where it says a moment.
`"verified": false` means that the address was not seen to show the body, or its words.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from genai_integrations import errors
from genai_integrations.transports.failures import event_error, status_error

LINES = (Path(__file__).parents[1] / "data" / "refusals.jsonl").read_text("utf-8").splitlines()
ROWS = [json.loads(line) for line in LINES]


def _bytes(body):
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _name(row):
    return f"{row['provider']} {row['status']} {row['class']}"


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_a_refusal_becomes_what_it_means(row):
    """Its class and its wait are those of the row, and its message is one line that says something."""
    if row["status"]:
        error = status_error(row["status"], row["headers"], _bytes(row["body"]), now=row.get("now"))
    else:
        error = event_error(row["body"])

    assert type(error) is getattr(errors, row["class"])
    assert error.retry_after == row["retry_after"]
    assert error.message.strip()
    assert "\n" not in str(error)


def test_the_corpus_is_of_many_servers_and_says_where_each_is_from():
    """At least 150 bodies of 25 providers and servers, each with an address."""
    assert len(ROWS) >= 150
    assert len({row["provider"] for row in ROWS}) >= 25
    assert all(urlsplit(row["source"]).scheme == "https" for row in ROWS)
    assert len({json.dumps([row["status"], row["headers"], row["body"]]) for row in ROWS}) == len(
        ROWS
    )


def test_most_bodies_were_seen_at_their_address():
    """At least 150 bodies of 25 providers and servers, and few that nobody found again."""
    seen = [row for row in ROWS if row.get("verified", True)]

    assert len(seen) >= 150
    assert len({row["provider"] for row in seen}) >= 25
    assert len(ROWS) - len(seen) <= 7


SAYS_SO = [row for row in ROWS if row["class"] == "OutOfCreditError" and row["status"] != 402]


@pytest.mark.parametrize("row", SAYS_SO, ids=_name)
def test_an_empty_account_is_found_inside_a_gateways_error(row):
    """However often the body was wrapped and written into a text on its way, and whatever status it ended with."""
    inner = row["body"]
    for _ in range(3):
        raw = json.dumps(inner)
        inner = {"error": {"message": "Provider returned error", "metadata": {"raw": raw}}}

    assert type(status_error(429, {}, _bytes(inner))) is errors.OutOfCreditError
