"""What statuses, words and sentences mean: the tables from which a failure gets its class.

Each row is from a body in `tests/data/refusals.jsonl`, which has the sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from genai_integrations.errors import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    CallError,
    ContentFilteredError,
    ContextWindowExceededError,
    InvalidReplyError,
    NotFoundError,
    OutOfCreditError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)

BY_STATUS: Mapping[int, type[CallError]] = {
    401: AuthenticationError,
    402: OutOfCreditError,
    403: AuthenticationError,
    404: NotFoundError,
    405: NotFoundError,
    408: RequestTimeoutError,
    409: ServerError,
    410: NotFoundError,
    421: ServerError,
    423: ServerError,
    424: ServerError,
    425: ServerError,
    429: RateLimitError,
    498: ServerError,
    499: ServerError,
}
"""Statuses with a meaning of their own; the rest go by their hundred.

498 is Groq's for a lack of capacity, 499 what gateways say when they gave up on their own upstream, 424 Bedrock's for
a model that failed, and 405 what a wrong base URL gets.
"""

BY_HUNDRED: Mapping[int, type[CallError]] = {
    2: InvalidReplyError,
    3: InvalidReplyError,
    4: BadRequestError,
    5: ServerError,
}

WEAK = (BadRequestError, RateLimitError, ServerError)
"""What words such as `invalid_request_error` and `api_error` say: little more than the status, so sentences come first."""

VAGUE = frozenset((400, 413, 422))
"""Statuses that say only that something is wrong: any word or sentence in the body says more."""

OVERRULING = (ContextWindowExceededError, ContentFilteredError, OutOfCreditError)
"""What a word or sentence may say against any status: gateways hide these behind 401, 403, 429 and 500."""

BY_WORD: Mapping[str, type[CallError]] = {
    "context_length_exceeded": ContextWindowExceededError,
    "exceed_context_size_error": ContextWindowExceededError,
    "context_window_exceeded": ContextWindowExceededError,
    "contextwindowexceedederror": ContextWindowExceededError,
    "model_max_prompt_tokens_exceeded": ContextWindowExceededError,
    "string_above_max_length": ContextWindowExceededError,
    "string_too_long": ContextWindowExceededError,
    "token_limit_exceeded": ContextWindowExceededError,
    "too_many_prompt_tokens": ContextWindowExceededError,
    "too_many_tokens": ContextWindowExceededError,
    "tokens_limit_reached": ContextWindowExceededError,
    "1261": ContextWindowExceededError,
    "content_filter": ContentFilteredError,
    "content_policy_violation": ContentFilteredError,
    "contentpolicyviolationerror": ContentFilteredError,
    "responsibleaipolicyviolation": ContentFilteredError,
    "data_inspection_failed": ContentFilteredError,
    "datainspectionfailed": ContentFilteredError,
    "invalid_prompt": ContentFilteredError,
    "moderation_blocked": ContentFilteredError,
    # Codes of a response that failed. Source: OpenAI's published description, `ResponseErrorCode`.
    "bio_policy": ContentFilteredError,
    "image_content_policy_violation": ContentFilteredError,
    "sensitivecontentdetected": ContentFilteredError,
    "inputtextsensitivecontentdetected": ContentFilteredError,
    "outputtextsensitivecontentdetected": ContentFilteredError,
    "content_filter_error": ContentFilteredError,
    "guardrail_violation": ContentFilteredError,
    "1301": ContentFilteredError,
    "insufficient_quota": OutOfCreditError,
    "billing_error": OutOfCreditError,
    "billing_hard_limit_reached": OutOfCreditError,
    "billing_not_active": OutOfCreditError,
    "credit_balance_exhausted": OutOfCreditError,
    "enforced_spend_limit_reached": OutOfCreditError,
    "organization_spend_limit_exceeded": OutOfCreditError,
    "organization_usage_limit_exceeded": OutOfCreditError,
    "project_spend_limit_exceeded": OutOfCreditError,
    "spend_limit_exceeded": OutOfCreditError,
    "exceeded_current_quota_error": OutOfCreditError,
    "arrearage": OutOfCreditError,
    "accountoverdueerror": OutOfCreditError,
    "insufficient_user_quota": OutOfCreditError,
    "insufficient_balance": OutOfCreditError,
    "insufficient_credits": OutOfCreditError,
    "insufficient_g1_credits_balance": OutOfCreditError,
    "not_enough_balance": OutOfCreditError,
    "allocationquota.freetieronly": OutOfCreditError,
    "budget_exceeded": OutOfCreditError,
    "payment_required": OutOfCreditError,
    "1113": OutOfCreditError,
    "1008": OutOfCreditError,
    "rate_limit_exceeded": RateLimitError,
    "rate_limit_error": RateLimitError,
    "rate_limit_reached_error": RateLimitError,
    "rate_limited": RateLimitError,
    "slow_down": RateLimitError,
    "ratelimitreached": RateLimitError,
    "resource_exhausted": RateLimitError,
    "throttlingexception": RateLimitError,
    "servicequotaexceededexception": RateLimitError,
    "too_many_requests": RateLimitError,
    "toomanyrequests": RateLimitError,
    "invalid_api_key": AuthenticationError,
    "invalidapikey": AuthenticationError,
    "api_key_invalid": AuthenticationError,
    "authentication_error": AuthenticationError,
    "invalid_authentication_error": AuthenticationError,
    "permission_error": AuthenticationError,
    "permission_denied": AuthenticationError,
    "accessdeniedexception": AuthenticationError,
    "unrecognizedclientexception": AuthenticationError,
    "expiredtokenexception": AuthenticationError,
    "invalid_grant": AuthenticationError,
    "unauthorized": AuthenticationError,
    "model_not_found": NotFoundError,
    "model_decommissioned": NotFoundError,
    "model_not_supported": NotFoundError,
    "invalid_model": NotFoundError,
    "unknown_model": NotFoundError,
    "deploymentnotfound": NotFoundError,
    "not_found_error": NotFoundError,
    "not_found": NotFoundError,
    "notfounderror": NotFoundError,
    "resourcenotfoundexception": NotFoundError,
    "invalidendpointormodel.notfound": NotFoundError,
    "invalid_request_error": BadRequestError,
    "invalid_argument": BadRequestError,
    "empty_image_file": BadRequestError,
    "failed_to_download_image": BadRequestError,
    "image_file_not_found": BadRequestError,
    "image_file_too_large": BadRequestError,
    "image_parse_error": BadRequestError,
    "image_too_large": BadRequestError,
    "image_too_small": BadRequestError,
    "invalid_base64_image": BadRequestError,
    "invalid_image": BadRequestError,
    "invalid_image_format": BadRequestError,
    "invalid_image_mode": BadRequestError,
    "invalid_image_url": BadRequestError,
    "unsupported_image_media_type": BadRequestError,
    "badrequesterror": BadRequestError,
    "validationexception": BadRequestError,
    "overloaded_error": ServerError,
    "engine_overloaded_error": ServerError,
    "server_error": ServerError,
    "server_is_overloaded": ServerError,
    "provider_overloaded": ServerError,
    "provider_unavailable": ServerError,
    "api_error": ServerError,
    "internal_server_error": ServerError,
    "internalserverexception": ServerError,
    "serviceunavailableexception": ServerError,
    "service_unavailable": ServerError,
    "modelnotreadyexception": ServerError,
    "modelerrorexception": ServerError,
    "modelstreamerrorexception": ServerError,
    "unavailable": ServerError,
    "timeout": RequestTimeoutError,
    "timeout_error": RequestTimeoutError,
    "modeltimeoutexception": RequestTimeoutError,
    "deadline_exceeded": RequestTimeoutError,
}
"""Codes, types and reasons inside an error object, in small letters.

They narrow a refusal, and are all there is for an error in the middle of a stream.
"""

BY_SENTENCE: Mapping[str, type[CallError]] = {
    r"(prompt|input) (is )?too long": ContextWindowExceededError,
    r"input token count": ContextWindowExceededError,
    r"prompt token count": ContextWindowExceededError,
    r"max(imum)? (context|prompt|model|input) (length|tokens)": ContextWindowExceededError,
    r"(model's|the|of) context length": ContextWindowExceededError,
    r"context (window|overflow)|context the overflows": ContextWindowExceededError,
    r"exceeds (the )?(available )?context size|context size has been exceeded": ContextWindowExceededError,
    r"exceeds? (the )?context limit": ContextWindowExceededError,
    r"exceeded model token limit": ContextWindowExceededError,
    r"exceeds? max message tokens": ContextWindowExceededError,
    r"tokens exceeds? the configured limit": ContextWindowExceededError,
    r"cannot exceed the total tokens limit": ContextWindowExceededError,
    r"range of input length should be": ContextWindowExceededError,
    r"reduce the length of (the|your|either)": ContextWindowExceededError,
    r"too many (input )?tokens[:.] (size|minimal|(the )?total)": ContextWindowExceededError,
    r"length of prompt_tokens": ContextWindowExceededError,
    r"number of input tokens (exceeds|\(\d+\) have exceeded)": ContextWindowExceededError,
    r"less than or equal to max_seq_len": ContextWindowExceededError,
    r"is too large to process|n_keep \(?\d+\)? ?>= ?n_ctx": ContextWindowExceededError,
    r"while limit is": ContextWindowExceededError,
    r"`inputs` (tokens \+|must have less than)": ContextWindowExceededError,
    r"content filter(ing policy|s)": ContentFilteredError,
    r"content management policy": ContentFilteredError,
    r"content exists risk": ContentFilteredError,
    r"(prompt|input|request) was (flagged|considered high risk)": ContentFilteredError,
    r"because it was considered high risk": ContentFilteredError,
    r"(usage|content|safety) (guidelines|polic(y|ies)|system)": ContentFilteredError,
    r"may contain inappropriate content": ContentFilteredError,
    r"violated [\w ]{0,40}(guardrail|moderation) policy|guardrail (failed|violation)": ContentFilteredError,
    r"(content|prompt|file|document) blocked|blocked pii|prompt injection detected": ContentFilteredError,
    r"blocked by [\w ]{0,40}(guard|prompt security|ai security)": ContentFilteredError,
    r"credit balance is too low": OutOfCreditError,
    r"specified (workspace )?api usage limits": OutOfCreditError,
    r"insufficient (account )?(balance|credits?|funds)": OutOfCreditError,
    r"balance is insufficient": OutOfCreditError,
    r"余额不足|欠费": OutOfCreditError,
    r"requires more credits": OutOfCreditError,
    r"(used|exceeded|exhausted) (all|your) (available|monthly included) credits": OutOfCreditError,
    r"(out of|no remaining|doesn't have any) credits|credits (are|is) (depleted|exhausted)": OutOfCreditError,
    r"spending limit|daily free allocation": OutOfCreditError,
    r"account is (not in|in) good standing|check your billing": OutOfCreditError,
    r"budget (has been|of \S+) exceeded|exceeded budget for": OutOfCreditError,
    r"(incorrect|invalid|expired) api[ -]key": AuthenticationError,
    r"api key (not valid|expired|is invalid)": AuthenticationError,
    r"organization has been disabled": AuthenticationError,
    r"authentication fail": AuthenticationError,
    r"location is not supported|not available in your (country|region)": AuthenticationError,
    r"\bmodel\b[^;]{0,100} (does not exist|not found|not exist)|model not exist": NotFoundError,
    r"(not a valid|invalid) model( id|:|\.| name| for| ')|model identifier is invalid": NotFoundError,
    r"has been decommissioned": NotFoundError,
    r"supported (api )?model(s| names) are": NotFoundError,
    r"on-demand throughput isn.t|support (on-demand throughput|the model that you)": NotFoundError,
    r"degraded function cannot be invoked": ServerError,
}
"""Patterns for refusals whose words say nothing, in small letters: of many servers there is only the sentence."""


@cache
def sentences() -> re.Pattern[str]:
    """All of `BY_SENTENCE`, each in a group named after its place; compiled by the first failure, for it takes 4 ms."""
    return re.compile("|".join(f"(?P<_{i}>{row})" for i, row in enumerate(BY_SENTENCE)))


BY_FOREIGN_CLASS: Mapping[str, type[CallError]] = {
    "APIConnectionError": APIConnectionError,
    "APIResponseValidationError": InvalidReplyError,
    "ContentPolicyViolationError": ContentFilteredError,
    "ContextWindowExceededError": ContextWindowExceededError,
    "RejectedRequestError": ContentFilteredError,
    "Timeout": RequestTimeoutError,
    "TimeoutError": RequestTimeoutError,
}
"""LiteLLM's classes whose `status_code` says less than their name, or is made up."""

FAILED_FINISHES: Mapping[str, type[CallError]] = {
    "error": ServerError,
    "malformed_model_output": InvalidReplyError,
    "malformed_tool_use": InvalidReplyError,
    "malformed_function_call": InvalidReplyError,
    "MALFORMED_FUNCTION_CALL": InvalidReplyError,
    "function_call_filter: MALFORMED_FUNCTION_CALL": InvalidReplyError,
    "malformed_response": InvalidReplyError,
    "MALFORMED_RESPONSE": InvalidReplyError,
    "unexpected_tool_call": InvalidReplyError,
    "UNEXPECTED_TOOL_CALL": InvalidReplyError,
    "function_call_filter: UNEXPECTED_TOOL_CALL": InvalidReplyError,
    "too_many_tool_calls": InvalidReplyError,
    "TOO_MANY_TOOL_CALLS": InvalidReplyError,
    "MISSING_THOUGHT_SIGNATURE": InvalidReplyError,
    "FINISH_REASON_UNSPECIFIED": InvalidReplyError,
    "OTHER": InvalidReplyError,
    "IMAGE_OTHER": InvalidReplyError,
    "NO_IMAGE": InvalidReplyError,
    "PUP_LIMITED_DISABLED": AuthenticationError,
}
"""Finish reasons that end no answer: gateways' own, Bedrock's, Gemini's, and Gemini's as its OpenAI endpoint writes them."""
