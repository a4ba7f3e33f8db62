"""Arguments that `litellm.completion` takes in a call, and what says the same here.

None of them is sent to a provider, which would refuse it, or ignore it without a word. Source: LiteLLM 1.106,
`all_litellm_params`. What means the same here under the same name is no row.
"""

from __future__ import annotations

from collections.abc import Mapping

from genai_integrations.errors import ConfigurationError

_TESTING = "genai_integrations.testing has a provider that answers as scripted, and GenAIClient(replay=...) answers from a tape"
_PRICES = "a row of router_args['model_list'] has the prices and limits of a model"
_TRACING = "a call has metadata, langfuse_session_id, langfuse_user_id and langfuse_tags"
_PROMPT = "langfuse_prompt=client.prompt('name') and variables={...} fill in a prompt"
_CLIENT = "it belongs to the client: GenAIClient(...)"
_SHAPE = "what a model needs differently is learned from its answers: leave it out"
_NOTHING = "it has no effect here: leave it out"

_ADVICE: Mapping[str, tuple[str, ...]] = {
    _TESTING: ("mock_response", "mock_tool_calls", "mock_timeout", "mock_delay"),
    "use num_retries": ("max_retries", "num_retries_per_request"),
    "use num_retries and fallback_on": ("retry_policy", "retry_strategy"),
    "use timeout": ("request_timeout", "force_timeout", "client_side_timeout"),
    "use cache={'ttl': 60}, for a client with GenAIClient(cache=...)": ("caching", "preset_cache_key", "cache_key"),
    "use context_window_fallbacks=['gpt-4.1']": ("context_window_fallback_dict",),
    "give the call the model's own name, or router_args['model_group_alias']": ("model_alias_map",),
    "every parameter is passed on; one that a target refuses is left out, unless drop_params forbids it": (
        "allowed_openai_params",
        "additional_drop_params",
    ),
    "give a Pydantic model as response_format and read reply.parsed": ("enable_json_schema_validation",),
    _PRICES: (
        "input_cost_per_token", "output_cost_per_token", "input_cost_per_second", "output_cost_per_second",
        "model_info", "base_model", "rpm", "tpm",
    ),
    "pass limits={...} and budgets={...} to the client": ("max_budget", "budget_duration", "max_parallel_requests"),
    _TRACING: (
        "litellm_metadata", "litellm_session_id", "litellm_trace_id", "litellm_call_id", "litellm_logging_obj",
        "proxy_server_request", "no-log",
    ),
    "GenAIClient(observers=[...]) is told of every call": ("logger_fn", "success_callback", "failure_callback"),
    _PROMPT: ("prompt_id", "prompt_variables", "prompt_label", "prompt_version"),
    _CLIENT: (
        "langfuse_public_key", "langfuse_secret", "langfuse_secret_key", "langfuse_host", "ssl_verify",
        "shared_session", "litellm_credential_name", "use_litellm_proxy",
    ),
    _SHAPE: (
        "custom_prompt_dict", "supports_system_message", "ensure_alternating_roles", "user_continue_message",
        "assistant_continue_message", "merge_reasoning_content_in_choices", "hf_model_name",
    ),
    "give the client hedge_after: a second target is asked beside a slow one": ("fastest_response",),
    "a connection's name leads to it: model='seoul/gpt-4o'": ("specific_deployment",),
    _NOTHING: ("acompletion", "async_call", "text_completion", "completion_call_id", "provider_specific_header", "silent_model"),
}  # fmt: skip

_BY_NAME: Mapping[str, str] = {name: advice for advice, names in _ADVICE.items() for name in names}

FOREIGN = frozenset(_BY_NAME)
"""Their names."""


def foreign_word(params: Mapping[str, object]) -> ConfigurationError | None:
    """The error for the first of them among a call's parameters; None if there is none."""
    name = next((name for name in params if name in _BY_NAME), None)
    if name is None:
        return None
    return ConfigurationError(
        f"{name} is an argument of LiteLLM that calls do not take here: {_BY_NAME[name]}"
    )
