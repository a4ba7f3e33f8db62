"""A WSGI application that asks a model, warmed before its server forks."""

from __future__ import annotations

from asked import ask

ask("warm")


def application(environ, start_response):
    """Answer with the process's id."""
    answer = str(ask(environ["PATH_INFO"].strip("/"))).encode()
    start_response("200 OK", [("content-length", str(len(answer)))])
    return [answer]
