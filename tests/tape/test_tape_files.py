"""The file of a tape: what stands in it, what never does, and who writes it at the same time."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import subprocess
import sys
import threading

import pytest

from genai_integrations import Connection, GenAIClient
from genai_integrations.errors import ConfigurationError
from genai_integrations.transports.tape.file import append, read
from genai_integrations.transports.tape.masking import masker
from genai_integrations.transports.tape.replay import Replay

HELLO = [{"role": "user", "content": "one two three"}]
KEY = "sk-a-key-that-nobody-may-see"


def rows(tape):
    return [json.loads(line) for line in tape.read_text("utf-8").splitlines()]


def test_a_line_is_one_attempt_in_plain_words(recording, seoul, tape):
    """Readable, with its version."""
    client = recording(seoul)
    client.completion("gpt-4o", [{"role": "user", "content": "안녕"}], temperature=0)

    (row,) = rows(tape)
    assert row.keys() == {"tape", "call", "ms", "reply"}
    assert row["tape"] == 1
    assert row["call"] == {
        "connection": "seoul",
        "provider": "openai",
        "dialect": None,
        "model": "gpt-4o",
        "operation": "chat/completions",
        "body": {"temperature": 0, "messages": [{"role": "user", "content": "안녕"}]},
    }
    assert row["reply"]["choices"][0]["message"]["content"] == "seoul says: 안녕"
    assert "안녕" in tape.read_text("utf-8")


SECRET_TEXTS = {
    "https://ann:hunter2hunter2@files.example/a.png": "https://**********@files.example/a.png",
    "https://s3.example/a.png?X-Amz-Credential=AKIA%2Fx&X-Amz-Signature=0a1b2c&v=2": "https://s3.example/a.png?X-Amz-Credential=**********&X-Amz-Signature=**********&v=2",
    "https://x.blob.example/a?sv=2024&sig=a%2Bb%3D": "https://x.blob.example/a?sv=2024&sig=**********",
    "https://api.example/v1?api_key=abc&q=1": "https://api.example/v1?api_key=**********&q=1",
    "Authorization: Bearer abcdefghijklmnopqrstuvwxyz": "Authorization: Bearer **********",
    "my key is sk-proj-abcdefghijklmnop1234": "my key is **********",
    "AKIAIOSFODNN7EXAMPLE is mine": "********** is mine",
    "AIzaSyA1234567890abcdefghijklmnopqrstuvw": "**********",
    "ghp_abcdefghijklmnopqrst": "**********",
    "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2Q": "**********",
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----": "**********",
    f"your key {KEY} is wrong": "your key ********** is wrong",
    "a sketch of sk-8, a token of thanks, x=1?sig, no secret": "a sketch of sk-8, a token of thanks, x=1?sig, no secret",
}  # fmt: skip


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_secrets_have_a_mask_on_a_tape(text):
    """Whatever looks like a key or signs an address, in whatever place."""
    mask = masker(Connection.of("a", "openai", KEY))

    assert mask({"a": [text]}) == {"a": [SECRET_TEXTS[text]]}


def test_a_connections_own_secrets_are_masked_in_parts():
    """A stored JSON has several, and a header is one; a placeholder is none."""
    pair = json.dumps(
        {"accessKeyId": "not-so-secret-1", "secretAccessKey": "very secret 2", "n": 1}
    )
    mask = masker(Connection.of("a", "bedrock", pair, extra_headers={"x-team": "team-secret-3"}))
    text = "not-so-secret-1 very secret 2 team-secret-3"

    assert mask(text) == "********** ********** **********"
    assert (
        masker(Connection.of("a", "openai", "not-needed"))("It is not-needed.")
        == "It is not-needed."
    )


def test_nothing_secret_gets_onto_a_tape(recording, replaying, seoul, tape):
    """Neither the key nor the address nor headers; and what is masked is found again."""
    question = [{"role": "user", "content": f"Is {KEY} a key? ftp://u:hunter2@host/"}]
    headers = {"x-trace": "not for the tape"}
    seoul.replies["*"] = f"I know {KEY} and sk-another-0123456789abcdef."
    first = recording(seoul).completion("gpt-4o", question, extra_headers=headers)
    seoul.replies["*"] = [f"{KEY} ", "and more"]
    list(recording(seoul).completion("gpt-4o", question, True))

    text = tape.read_text("utf-8")
    for secret in (KEY, "hunter2", "sk-another", "not for the tape", "127.0.0.1", "authorization"):
        assert secret not in text
    assert KEY in first.choices[0].message.content
    again = replaying().completion("gpt-4o", question)
    assert again.choices[0].message.content == "I know ********** and **********."


_WRITER = """
import sys
from pathlib import Path
from genai_integrations.transports.tape.file import append

for n in range(300):
    append(Path(sys.argv[1]), b'{"tape":1,"who":' + sys.argv[2].encode() + b',"x":"' + b"x" * 20000 + b'"}\\n')
"""


def test_processes_and_threads_append_whole_lines(tape):
    """From the beginning of the file, and long ones too."""
    command = [sys.executable, "-W", "error", "-c", _WRITER, str(tape)]
    processes = [subprocess.Popen([*command, str(me)]) for me in range(2)]
    line = b'{"tape":1,"who":9,"x":"y"}\n'
    threads = [threading.Thread(target=lambda: [append(tape, line) for _ in range(300)]) for _ in range(2)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [process.wait() for process in processes] == [0, 0]
    assert sorted(row["who"] for row in rows(tape)) == [0] * 300 + [1] * 300 + [9] * 600


def test_a_line_that_was_torn_is_left_out(recording, replaying, seoul, tape, caplog):
    """Whoever was killed in the middle of it; the next writer begins a line of its own."""
    recording(seoul).completion("gpt-4o", HELLO)
    with tape.open("ab") as file:
        file.write(b'{"tape":1,"call":{"conn')
    recording(seoul).completion("gpt-4o", HELLO, seed=1)
    client = replaying()

    assert client.completion("gpt-4o", HELLO)
    assert client.completion("gpt-4o", HELLO, seed=1)
    assert f"{tape}:2 was not written to its end, and is left out" in caplog.text


def test_a_full_disk_costs_no_call(recording, seoul, tape, caplog):
    """The log says what is missing, and no half of a line stays."""
    client = recording(seoul)
    client.completion("gpt-4o", HELLO)
    before = tape.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        reply = client.completion("gpt-4o", HELLO, seed=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert reply.choices[0].message.content == "seoul says: one two three"
    assert tape.read_bytes() == before
    assert [row.levelno for row in caplog.records] == [logging.WARNING]
    assert f"a call is not on the tape {tape}" in caplog.text


_LINE = (
    '{"tape":1,"call":{"connection":"a","provider":"openai","dialect":null,"model":"m","operation":"embeddings","body":{}},'
    '"ms":1,"reply":{}}\n'
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"tape":2,"call":{}}\n', r":1 is of version 2 of tapes, and this release reads version 1: record it again"),
        ('{"tape":1}\n', r":1 is not a line of a tape: record it again, or take it out"),
        ('{"tape":1,"call":{},"ms":1,"reply":{}}\n', r":1 is not a line of a tape"),
        (_LINE.replace('"ms":1', '"ms":"x"'), r":1 is not a line of a tape"),
        (_LINE.replace('"reply"', '"answer"'), r":1 is not a line of a tape"),
        ("hello\n", r"is not a tape: make one with GenAIClient\(record=\.\.\.\)"),
        ("[1]\n{}\n", "is not a tape"),
        ("\x00\xff\n", "is not a tape"),
    ],
)  # fmt: skip
def test_another_file_is_refused(text, told, tape):
    """When the client is made."""
    tape.parent.mkdir()
    tape.write_text(text, "utf-8")

    with pytest.raises(ConfigurationError, match=told):
        Replay(tape)


def test_an_empty_tape_has_nothing(tape):
    """That is no error."""
    tape.parent.mkdir()
    tape.write_text("")

    assert list(read(tape)) == []
    assert Replay(tape).connections == []


ROW = {"index": 0, "finish_reason": "stop", "logprobs": {"content": [{"logprob": float("nan")}]}}
CHUNK = {"choices": [{**ROW, "delta": {"content": "odd"}}]}


class Odd:
    """A transport of the program's own, whose server writes NaN."""

    def is_ready(self, call):
        return True

    is_aready = is_ready

    def prepare(self, call, ends): ...

    async def aprepare(self, call, ends): ...

    def send(self, call, patience):
        return {"choices": [{**ROW, "message": {"role": "assistant", "content": "odd"}}]}

    async def asend(self, call, idle):
        return self.send(call, None)

    def stream(self, call, patience):
        yield CHUNK

    async def astream(self, call, idle):
        yield CHUNK

    def close(self): ...

    async def aclose(self): ...


def test_what_is_no_json_is_given_and_not_recorded(clients, tape):
    """It is understood, and a tape cannot have it."""
    connections = [Connection.of("odd", "openai", KEY)]
    client = GenAIClient(connections=connections, transport=Odd(), record=tape)
    clients.append(client)

    async def in_a_loop():
        stream = await client.acompletion("gpt-4o", HELLO, True)
        return [await client.acompletion("gpt-4o", HELLO)], [part async for part in stream]

    wholes, parts = asyncio.run(in_a_loop())
    wholes.append(client.completion("gpt-4o", HELLO))
    parts += client.completion("gpt-4o", HELLO, True)

    assert [row.choices[0].message.content for row in wholes] == ["odd", "odd"]
    assert [row.choices[0].delta.content for row in parts] == ["odd", "odd"]
    assert not tape.exists()
