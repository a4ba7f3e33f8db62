"""What providers answer when they refuse or fail, as users published it; long messages are cut."""

from __future__ import annotations

from typing import Any, NamedTuple

from genai_integrations.errors import (
    AuthenticationError,
    BadRequestError,
    CallError,
    ContentFilteredError,
    ContextWindowExceededError,
    NotFoundError,
    OutOfCreditError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)


class Reply(NamedTuple):
    """An answer, and what it means.

    Attributes:
        provider: Who answered.
        source: Thread that shows it, as `owner/repository#number`; empty where it was read in public programs that
            handle it.
        status: HTTP status; 0 for an event of a stream.
        body: JSON value.
        kind: The class of error that tells a program what it can do about it.
    """

    provider: str
    source: str
    status: int
    body: Any
    kind: type[CallError]


def _openai(message, kind, code=None):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _anthropic(kind, message):
    return {"type": "error", "error": {"type": kind, "message": message}}


CODES = [
    Reply(
        "openai",
        "ikechan8370/chatgpt-plugin#219",
        0,
        _openai(
            "This model's maximum context length is 4096 tokens. However, you requested 4104 tokens.",
            "invalid_request_error",
            "context_length_exceeded",
        ),
        ContextWindowExceededError,
    ),
    Reply(
        "llama.cpp",
        "ggml-org/llama.cpp#19774",
        400,
        {
            "error": {
                "code": 400,
                "message": "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 4390,
                "n_ctx": 4096,
            }
        },
        ContextWindowExceededError,
    ),
    Reply(
        "openai responses",
        "",
        0,
        {"error": {"code": "context_window_exceeded", "message": "too long"}},
        ContextWindowExceededError,
    ),
    Reply(
        "azure",
        "stanford-crfm/helm#3327",
        400,
        {
            "error": {
                "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
                "type": None,
                "param": "prompt",
                "code": "content_filter",
                "status": 400,
            }
        },
        ContentFilteredError,
    ),
    Reply(
        "openai images",
        "songquanpeng/one-api#737",
        400,
        _openai(
            "Your request was rejected as a result of our safety system.",
            "invalid_request_error",
            "content_policy_violation",
        ),
        ContentFilteredError,
    ),
    Reply(
        "groq",
        "",
        413,
        _openai(
            "Request too large for model `allam-2-7b` on tokens per minute (TPM): Limit 6000, Requested 7642",
            "tokens",
            "rate_limit_exceeded",
        ),
        RateLimitError,
    ),
    Reply(
        "anthropic",
        "",
        0,
        _anthropic("rate_limit_error", "Number of request tokens has exceeded your rate limit"),
        RateLimitError,
    ),
    Reply(
        "openai",
        "ChatGPTNextWeb/NextChat#3123",
        0,
        _openai(
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            "insufficient_quota",
        ),
        OutOfCreditError,
    ),
    Reply(
        "openai",
        "",
        0,
        _openai(
            "Incorrect API key provided: sk-12***89.", "invalid_request_error", "invalid_api_key"
        ),
        AuthenticationError,
    ),
    Reply(
        "gemini",
        "cequence-io/openai-scala-client#109",
        400,
        {
            "error": {
                "code": 400,
                "message": "API key not valid. Please pass a valid API key.",
                "status": "INVALID_ARGUMENT",
                "details": [
                    {
                        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": "API_KEY_INVALID",
                        "domain": "googleapis.com",
                    }
                ],
            }
        },
        AuthenticationError,
    ),
    Reply(
        "anthropic",
        "",
        0,
        _anthropic("authentication_error", "invalid x-api-key"),
        AuthenticationError,
    ),
    Reply(
        "openai",
        "",
        0,
        _openai("The model `gpt-old` does not exist", "invalid_request_error", "model_not_found"),
        NotFoundError,
    ),
    Reply(
        "azure",
        "",
        0,
        {
            "error": {
                "code": "DeploymentNotFound",
                "message": "The API deployment for this resource does not exist.",
            }
        },
        NotFoundError,
    ),
    Reply(
        "deepseek",
        "HELPMEEADICE/doge-code#5",
        0,
        _openai(
            "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
            "invalid_request_error",
            "invalid_request_error",
        ),
        BadRequestError,
    ),
    Reply(
        "anthropic",
        "anthropics/anthropic-sdk-python#688",
        0,
        _anthropic("overloaded_error", "Overloaded"),
        ServerError,
    ),
    Reply(
        "openai",
        "",
        0,
        _openai("The server had an error while processing your request.", "server_error"),
        ServerError,
    ),
    Reply(
        "azure",
        "",
        0,
        {"error": {"code": "Timeout", "message": "The operation was timeout."}},
        RequestTimeoutError,
    ),
]
"""Replies whose code or type tells what a status does not."""

PHRASES = [
    Reply(
        "anthropic",
        "",
        400,
        _anthropic("invalid_request_error", "prompt is too long: 205000 tokens > 200000 maximum"),
        ContextWindowExceededError,
    ),
    Reply(
        "bedrock",
        "",
        400,
        {"message": "Input is too long for requested model."},
        ContextWindowExceededError,
    ),
    Reply(
        "gemini",
        "",
        400,
        {
            "error": {
                "code": 400,
                "message": "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
                "status": "INVALID_ARGUMENT",
            }
        },
        ContextWindowExceededError,
    ),
    Reply(
        "vllm",
        "",
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
            "type": "BadRequestError",
            "code": 400,
        },
        ContextWindowExceededError,
    ),
    Reply(
        "xai",
        "",
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        },
        ContextWindowExceededError,
    ),
    Reply(
        "together",
        "",
        400,
        _openai(
            "The input (155000 tokens) is longer than the model's context length (131072 tokens).",
            "invalid_request_error",
        ),
        ContextWindowExceededError,
    ),
    Reply(
        "llama-cpp-python",
        "fedora-copr/logdetective-website#193",
        400,
        _openai("Requested tokens (2285) exceed context window of 2048", "invalid_request_error"),
        ContextWindowExceededError,
    ),
    Reply(
        "cohere",
        "",
        400,
        {"message": "too many tokens: size limit exceeded by 11326 tokens"},
        ContextWindowExceededError,
    ),
    Reply(
        "cerebras",
        "",
        400,
        {
            "message": "Please reduce the length. Current length is 9876 while limit is 8192",
            "type": "invalid_request_error",
            "param": "messages",
        },
        ContextWindowExceededError,
    ),
    Reply(
        "huggingface",
        "",
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096",
            "error_type": "validation",
        },
        ContextWindowExceededError,
    ),
    Reply(
        "anthropic",
        "",
        400,
        _anthropic("invalid_request_error", "Output blocked by content filtering policy"),
        ContentFilteredError,
    ),
    Reply(
        "google",
        "",
        400,
        {"error": "invalid_grant", "error_description": "Invalid JWT Signature."},
        AuthenticationError,
    ),
]
"""Refusals that only the words explain."""
