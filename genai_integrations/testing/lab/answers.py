"""What the models of a `Lab` say: a little, the same each time, and not all of it right."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

KOREAN = {
    "Good morning": "좋은 아침입니다",
    "Thank you very much": "정말 감사합니다",
    "Where is the station?": "역이 어디예요?",
    "The weather is nice today": "오늘 날씨가 좋네요",
    "I would like some water": "물 좀 주세요",
    "See you tomorrow": "내일 봐요",
    "How much is this?": "이거 얼마예요?",
    "I do not understand": "이해가 안 돼요",
    "The train is late": "기차가 늦었어요",
    "My name is Minji": "제 이름은 민지예요",
    "Please wait a moment": "잠시만 기다려 주세요",
    "I like this song": "이 노래를 좋아해요",
}
"""English, and the Korean that counts as right."""

_MISTAKES = {
    "gpt-4o-mini": {
        "Where is the station?": "정거장 어디?",
        "I would like some water": "나는 물을 좋아합니다",
        "How much is this?": "이것은 많습니다",
        "The train is late": "기차가 느려요",
    },
    "claude-sonnet-4-5": {"See you tomorrow": "내일 보자"},
}
"""What a model gets wrong."""

_EXPLAINED = {
    "gpt-4o": (
        "A hash table stores each value under a key, in the slot that a function computes from the key. "
        "So looking one up takes about the same time however many there are."
    ),
    "gpt-4o-mini": "A hash table maps keys to values with a hash function, so look-ups are fast.",
    "claude-sonnet-4-5": (
        "Think of a cloakroom: your ticket's number says which hook holds your coat, and nobody searches. "
        "A hash table computes that number from the key, and sorts out the rare case of two coats on one hook."
    ),
}

_IN_KOREAN = {
    "gpt-4o": "해시 테이블은 키에서 계산한 위치에 값을 저장합니다. 그래서 값이 아무리 많아도 거의 같은 시간에 찾을 수 있습니다.",
    "gpt-4o-mini": "해시 테이블은 해시 함수로 키를 값에 연결하여 빠르게 찾습니다.",
    "claude-sonnet-4-5": "옷 보관소를 떠올려 보세요. 번호표가 옷걸이를 알려 주므로 찾아 헤맬 필요가 없습니다. 해시 테이블은 그 번호를 키에서 계산합니다.",
}

_CITIES = ("Busan", "Oslo", "Paris", "Seoul")
_PERSON = re.compile(r"(?P<name>[A-Z]\w+ [A-Z]\w+)\D+(?P<age>\d+)")


def lab_answer(body: Mapping[str, Any]) -> Any:
    """The answer to a request; None leaves it to the provider, which says its name and the question."""
    model, last = str(body.get("model")), body["messages"][-1]
    question = _text(last.get("content"))
    if last.get("role") != "user":
        return None
    return (
        _called(body, question)
        or _extracted(body, question)
        or _translated(model, question)
        or _explained(model, question)
    )


def _called(body: Mapping[str, Any], question: str) -> Any:
    """A call of `get_weather` for a city in the question."""
    names = [tool.get("function", tool).get("name") for tool in body.get("tools") or ()]
    city = next((city for city in _CITIES if city in question), None)
    if "get_weather" not in names or city is None:
        return None
    return {"tool_calls": [{"name": "get_weather", "arguments": {"city": city}}]}


def _extracted(body: Mapping[str, Any], question: str) -> Any:
    """A person's name and age, as JSON where a schema asks for it, or as the arguments of a tool that takes them."""
    match = _PERSON.search(question)
    if match is None:
        return None
    person = {"name": match["name"], "age": int(match["age"])}
    asked = body.get("response_format") or (body.get("output_config") or {}).get("format") or {}
    if asked.get("type") == "json_schema":
        return json.dumps(person)
    tools = [tool.get("function", tool) for tool in body.get("tools") or ()]
    wanted = next((tool["name"] for tool in tools if _parameters(tool) == person.keys()), None)
    return {"tool_calls": [{"name": wanted, "arguments": person}]} if wanted else None


def _parameters(tool: Mapping[str, Any]) -> set[str]:
    """The names of a tool's arguments, in OpenAI's shape or Anthropic's."""
    schema = tool.get("parameters") or tool.get("input_schema") or {}
    return set(schema.get("properties") or ())


def _translated(model: str, question: str) -> str | None:
    """Korean for the longest phrase in the question; with chatter, unless told to leave it out."""
    found = [text for text in KOREAN if text in question]
    if "Korean" not in question or not found:
        return None
    text = max(found, key=len)
    korean = _MISTAKES.get(model, {}).get(text, KOREAN[text])
    chatty = "only" not in question and model != "claude-sonnet-4-5"
    return f"Sure! Here is the translation: {korean}" if chatty else korean


def _explained(model: str, question: str) -> str | None:
    if "hash table" not in question:
        return None
    return (_IN_KOREAN if "Korean" in question else _EXPLAINED).get(model)


def _text(content: Any) -> str:
    """The text of a message: a text, or parts of which some are texts."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content or () if isinstance(part, Mapping))
