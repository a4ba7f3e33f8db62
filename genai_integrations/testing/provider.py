"""A model provider that answers as scripted, or fails as scripted."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from genai_integrations.testing.faults import Fault, fault_named
from genai_integrations.testing.providers.anthropic.batches import AnthropicBatchDialect
from genai_integrations.testing.providers.anthropic.dialect import AnthropicDialect
from genai_integrations.testing.providers.anthropic.vertex import VertexClaudeDialect
from genai_integrations.testing.providers.batches import Batches
from genai_integrations.testing.providers.bedrock.batches import BedrockBatchDialect
from genai_integrations.testing.providers.bedrock.dialect import BedrockDialect
from genai_integrations.testing.providers.delivery import deliver
from genai_integrations.testing.providers.dialect import Answer, Dialect, Reply, Script
from genai_integrations.testing.providers.gemini.batches import GeminiBatchDialect
from genai_integrations.testing.providers.gemini.dialect import GeminiDialect
from genai_integrations.testing.providers.openai.batches import OpenAIBatchDialect
from genai_integrations.testing.providers.openai.dialect import OpenAIDialect
from genai_integrations.testing.providers.openai.published import schemas
from genai_integrations.testing.providers.responses.dialect import ResponsesDialect
from genai_integrations.testing.providers.vertex.dialect import VertexDialect
from genai_integrations.testing.server import Exchange, LoopbackServer, Received

Trouble = Fault | Sequence[Fault | None]
"""One fault, or what happens to the first requests one after the other; None there is a good answer."""

_DEFAULT_MODELS = ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small")


class ScriptedProvider(LoopbackServer):
    """A real HTTP server that speaks a provider's dialect on 127.0.0.1.

    By default it serves any model and answers `"<name> says: <the last thing the user said>"`. It also behaves
    as the real API does about tools, structured output, limits, usage and wrong requests. Models named
    `fault-500`, `fault-hang`, `fault-cut` and so on fail by their name alone; see `faults.fault_named`.

    Args:
        name: Who it is, in its answers.
        api_keys: The keys it accepts; None accepts any, and none at all.
        faults: What goes wrong, by model; `"*"` is every model without a row of its own.
        replies: What to answer, by model; `"*"` is every model without a row of its own. A text; a list of texts,
            which become the pieces of a stream; a message (`tool_calls` may be short: name and arguments) or a
            whole reply with `choices`; or a function from the request's body to one of these.
        models: The models that exist, others get 404; None serves every model.
        also_accepts: Keys beyond OpenAI's own, which compatible servers know: of a request, its messages, tools.
        port: Where to listen; 0 finds a free port.

    Attributes:
        api_keys: Change it while it runs, as all the following.
        faults: See above.
        replies: See above.
        models: See above.
        batches: The batches of the provider's own API, and how they are worked off.
    """

    def __init__(
        self,
        name: str = "provider",
        *,
        api_keys: Collection[str] | None = None,
        faults: Mapping[str, Trouble] | None = None,
        replies: Mapping[str, Reply] | None = None,
        models: Collection[str] | None = None,
        also_accepts: Iterable[str] = (),
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.name = name
        self.api_keys = api_keys
        self.faults: dict[str, Trouble] = dict(faults or {})
        self.replies: dict[str, Reply] = dict(replies or {})
        self.models = models
        self._dialects = self._all_dialects(frozenset(also_accepts))
        self._met: dict[str, tuple[Trouble, int]] = {}
        self._numbers = itertools.count(1)

    async def respond(self, request: Received, exchange: Exchange) -> None:
        """Answer one request."""
        dialect = next(each for each in self._dialects if each.recognises(request))
        request.model = dialect.model(request)
        answer, fault = self._answer(dialect, request)
        headers = {"x-request-id": f"req_{self.name}_{next(self._numbers)}", **answer.headers}
        await deliver(replace(answer, headers=headers), fault, request, exchange)

    def start(self) -> None:
        """As `LoopbackServer.start`."""
        # Before anybody asks: a first answer that takes longer than the next ones would be this provider's latency.
        schemas()
        super().start()

    def _answer(self, dialect: Dialect, request: Received) -> tuple[Answer, Fault | None]:
        if self.api_keys is not None and dialect.key(request) not in self.api_keys:
            return dialect.failure(request, Fault.unauthorized()), None
        return self._known_answer(dialect, request)

    def _known_answer(self, dialect: Dialect, request: Received) -> tuple[Answer, Fault | None]:
        """What somebody is answered who has a key."""
        fault = self._next_fault(request.model or "")
        if fault is not None and fault.kind == "error":
            return dialect.failure(request, fault), None
        refusal = dialect.refusal(request)
        if refusal is None and self._unknown(request.model):
            refusal = dialect.failure(request, Fault.model_not_found())
        if refusal is not None:
            return refusal, fault
        filtered = fault is not None and fault.kind == "filter_stop"
        reply = self.replies.get(request.model or "", self.replies.get("*"))
        script = Script(self.name, reply, filtered, self.models or _DEFAULT_MODELS)
        try:
            return dialect.answer(request, script), fault
        except Exception as error:  # noqa: BLE001 - a test's own function may raise anything
            message = f"the scripted reply raised {error!r}"
            return dialect.failure(request, Fault.status(500, message=message)), None

    def _answer_line(self, request: Received) -> Answer:
        """What a request in a batch is answered, as if it had come on its own."""
        dialect = next(each for each in self._dialects if each.recognises(request))
        request.model = dialect.model(request)
        return self._known_answer(dialect, request)[0]

    def _all_dialects(self, also_accepts: frozenset[str]) -> tuple[Dialect, ...]:
        """Every dialect; OpenAI's comes last, because it claims what no other does."""
        vertex = VertexDialect()
        self.batches = Batches()
        return (
            BedrockBatchDialect(lambda: self.api_keys, self.batches, self._answer_line),
            AnthropicBatchDialect(self.batches, self._answer_line),
            GeminiBatchDialect(self.batches, self._answer_line),
            OpenAIBatchDialect(self.batches, self._answer_line),
            AnthropicDialect(),
            VertexClaudeDialect(vertex.tokens.owner),
            GeminiDialect(),
            vertex,
            BedrockDialect(lambda: self.api_keys),
            ResponsesDialect(also_accepts),
            OpenAIDialect(also_accepts),
        )

    def _unknown(self, model: str | None) -> bool:
        return self.models is not None and model is not None and model not in self.models

    def _next_fault(self, model: str) -> Fault | None:
        # A request that names no model, such as one for an access token, is not meant by "*".
        name = model if model in self.faults or not model else "*"
        trouble = self.faults.get(name)
        if trouble is None:
            return fault_named(model)
        met, count = self._met.get(name, (None, 0))
        count = count if met is trouble else 0
        self._met[name] = (trouble, count + 1)
        if isinstance(trouble, Fault):
            return trouble if trouble.times is None or count < trouble.times else None
        return next(itertools.islice(_one_by_one(trouble), count, None), None)


def _one_by_one(trouble: Sequence[Fault | None]) -> Iterable[Fault | None]:
    for fault in trouble:
        yield from itertools.repeat(fault, 1 if fault is None else fault.times or 1)
