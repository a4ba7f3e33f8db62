"""What the words of LiteLLM's configuration mean here, and which have no meaning.

Source: LiteLLM 1.106, docs "All settings" of the proxy, and the parameters of `litellm.Router`.
"""

from __future__ import annotations

from collections.abc import Mapping

FROM_LITELLM_SETTINGS: Mapping[str, str] = {
    "num_retries": "num_retries",
    "request_timeout": "timeout",
    "drop_params": "drop_params",
    "fallbacks": "fallbacks",
    "default_fallbacks": "default_fallbacks",
    "context_window_fallbacks": "context_window_fallbacks",
    "content_policy_fallbacks": "content_policy_fallbacks",
    "allowed_fails": "allowed_fails",
    "model_group_alias_map": "model_group_alias",
}
"""Keys of `litellm_settings` by the argument of the router that means the same."""

ROUTER_SETTINGS = frozenset(
    (
        "alerting_config", "allowed_fails_policy", "assistants_config", "auto_router_capability_limit",
        "background_health_check_model_groups", "cache_kwargs", "caching_groups", "client_ttl", "debug_level",
        "default_litellm_params", "default_max_parallel_requests", "default_priority", "deployment_affinity_ttl_seconds",
        "disable_cooldowns", "enable_health_check_routing", "enable_pre_call_checks", "enable_tag_filtering",
        "enable_weighted_failover", "fallback_access_check", "fallback_budget_check", "guardrail_list",
        "health_check_ignore_transient_errors", "health_check_staleness_threshold", "ignore_invalid_deployments",
        "model_group_affinity_config", "model_group_retry_policy", "optional_pre_call_checks", "plugins",
        "polling_interval", "provider_budget_config", "redis_db", "redis_host", "redis_password", "redis_port",
        "redis_url", "retry_policy", "router_general_settings", "routing_groups", "routing_strategy_args",
        "search_tools", "set_verbose", "tag_filtering_match_any", "tag_routing_prefix",
    )
)  # fmt: skip
"""Parameters of LiteLLM's Router; those that have no meaning here are named, and are no mistakes."""

STRATEGIES: Mapping[str, str] = {"usage-based-routing": "usage-based-routing-v2"}
"""Its older names for strategies."""

SECTIONS = (
    "general_settings",
    "environment_variables",
    "litellm_settings",
    "callback_settings",
    "guardrails",
    "mcp_servers",
    "vector_store_registry",
    "search_tools",
    "credential_list",
    "include",
    "files_settings",
    "finetune_settings",
    "assistant_settings",
    "prompts",
    "agent_list",
)
"""Sections of its proxy's file beside `model_list` and `router_settings`. A file that has one is its file."""

IN_ROWS = frozenset(("model_name", "litellm_params", "model_info", "rpm", "tpm"))
"""Keys of a row that are read."""
