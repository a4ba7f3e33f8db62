"""The messages of an attempt, made of the version of its prompt that is meant for its model."""

from __future__ import annotations

import dataclasses

from genai_integrations.calls.request import Request
from genai_integrations.prompts.following import Followed, PromptLink
from genai_integrations.prompts.template import Prompt
from genai_integrations.routing.steps import FindPrompt, Part


def following(request: Request, model: str) -> Part[Request]:
    """The request as it is for a model: the same, unless its prompt has a version for the model's family.

    Args:
        request: What was asked.
        model: The provider's id of the model.
    """
    link = request.trace.get("langfuse_prompt")
    if not isinstance(link, PromptLink):
        return request
    followed = link.followed
    for label in followed.labels_for(request.model, model):
        found = yield FindPrompt(followed.prompts, followed.prompt.name, label)
        if found is not None:
            return _with(request, followed, found)
    return request


def _with(request: Request, followed: Followed, prompt: Prompt) -> Request:
    messages = followed.messages_with(prompt, request.body["messages"])
    if messages is None:
        return request
    return dataclasses.replace(
        request,
        body={**request.body, "messages": messages},
        trace={**request.trace, "langfuse_prompt": prompt.link},
    )
