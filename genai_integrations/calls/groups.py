"""`router_args["model_list"]`: groups of targets under one name, in the rows of LiteLLM's Router."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genai_integrations.calls import checks
from genai_integrations.connections.connection import BrokenConnection, Connection
from genai_integrations.connections.litellm_import import CONNECTION_PARAMS, connection_of
from genai_integrations.connections.providers import Provider, provider_named
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.models.families import family_of
from genai_integrations.runtime.given import kind, shown
from genai_integrations.settings import ENVIRON, variable


@dataclass(frozen=True, slots=True)
class Row:
    """One row: who answers to a group's name.

    Attributes:
        group: The group's name, LiteLLM's `model_name`; one with a `*` is a pattern of names.
        number: Its place in the group, from 1.
        model: Who is meant: any model name, or the provider's own id at `connection`. A `*` stands for what that of
            the pattern stands for.
        connection: The row's own, with its `api_key` or `api_base`; None where connections are found by the name.
            A broken one says why the row cannot be used.
        weight: Share of the group's calls, relative to the other rows'; None if the row does not say.
        order: Rows of a smaller order are tried before those of a larger one.
        rpm: Requests a minute that it allows.
        tpm: Tokens a minute that it allows.
        tags: Words for conditions.
        timeout: Seconds for one attempt, unless the call itself says.
        stream_timeout: Seconds to the first content of a stream, in the same way.
        region: Where it is, if its connection does not say.
        prices: US dollars by LiteLLM's names, such as `input_cost_per_token`, in place of the price map's.
        defaults: Parameters of a request, for calls that do not give them.
    """

    group: str
    number: int
    model: str
    connection: Connection | BrokenConnection | None = None
    weight: float | None = None
    order: int = 0
    rpm: int | None = None
    tpm: int | None = None
    tags: tuple[str, ...] = ()
    timeout: float | None = None
    stream_timeout: float | None = None
    region: str | None = None
    prices: Mapping[str, float] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


Groups = Mapping[str, tuple[Row, ...]]
"""The rows of each group, by its name."""

_KEYS = ("model_name", "litellm_params", "model_info", "rpm", "tpm")
"""Keys of a row. LiteLLM takes `rpm` and `tpm` there, too; `model_info` gives an `id`, the name of the row's own
connection, and is for LiteLLM otherwise."""


def model_list(name: str, value: object) -> Groups:
    """Check what was given for `model_list`. No value of a row is told, for it may be a key.

    Raises:
        ConfigurationError: A row cannot work, whoever is asked. One whose connection cannot be used is kept, broken.
    """
    rows = value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else None
    if rows is None:
        raise ConfigurationError(
            f"router_args[{name!r}] must be a list of rows like {_LIKE}, not {type(value).__name__}"
        )
    groups: dict[str, list[Row]] = {}
    own: set[str] = set()
    for at, row in enumerate(rows):
        group, params, own_name = _split(f"{name}[{at}]", row)
        mine = groups.setdefault(group, [])
        made = _row(f"{name}[{at}]", group, len(mine) + 1, params, own_name)
        mine.append(made)
        if made.connection is None:
            continue
        if made.connection.name in own:
            raise ConfigurationError(
                f"router_args['{name}[{at}]'] has the name of another row's connection, "
                f"{shown(made.connection.name)}: give model_info another id"
            )
        own.add(made.connection.name)
    return {group: tuple(mine) for group, mine in groups.items()}


_LIKE = '{"model_name": "smart", "litellm_params": {"model": "openai/gpt-4o", "weight": 3}}'


def _split(where: str, row: object) -> tuple[str, dict[str, Any], str | None]:
    """The group of a row, its parameters, and the name that it gives itself."""
    if not isinstance(row, Mapping) or not {"model_name", "litellm_params"} <= row.keys():
        raise _wrong(where, f"a row like {_LIKE}", row)
    for key in row:
        if key not in _KEYS:
            raise ConfigurationError(
                f"router_args[{where!r}] has no {shown(key)}: a row has {', '.join(_KEYS)}"
            )
    group, params, info = row["model_name"], row["litellm_params"], row.get("model_info") or {}
    if not isinstance(group, str) or not group:
        raise _wrong(f"{where}.model_name", "a name such as 'smart'", group)
    if group.count("*") > 1:
        place = f"{where}.model_name"
        raise ConfigurationError(
            f"router_args[{place!r}] must be a name with one '*' at most, not {shown(group)}"
        )
    for part, given in (("litellm_params", params), ("model_info", info)):
        if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
            raise _wrong(f"{where}.{part}", "a mapping", given)
    limits = {key: row[key] for key in ("rpm", "tpm") if row.get(key) is not None}
    own = info.get("id")
    return group, {**limits, **params}, own if isinstance(own, str) and own else None


def _row(
    where: str, group: str, number: int, given: Mapping[str, Any], own_name: str | None
) -> Row:
    for key in given:
        _require_known(where, key)
    name = own_name or f"{group}#{number}"
    params, unset = _filled_in({key: item for key, item in given.items() if item is not None})
    if unset:
        error = ConfigurationError(f"{unset} is not set, but {group!r} names it")
        return Row(group, number, "", BrokenConnection(name, error))
    connection, model = _who(name, where, params)
    routing: dict[str, Any] = {
        _FIELDS.get(key, key): check(f"{where}.{key}", params[key])
        for key, check in _ROUTING.items()
        if key in params
    }
    prices = {
        key: checks.from_zero(f"{where}.{key}", params[key]) for key in params if _is_price(key)
    }
    taken = {*_ROUTING, *_OWN, *_NAMING, *prices}
    defaults = {key: value for key, value in params.items() if key not in taken}
    return Row(group, number, model, connection, prices=prices, defaults=defaults, **routing)


def _who(
    name: str, where: str, params: Mapping[str, Any]
) -> tuple[Connection | BrokenConnection | None, str]:
    """The row's own connection, if it has one, and the name of the model."""
    model, said = params.get("model"), params.get("custom_llm_provider")
    if not isinstance(model, str) or not model:
        raise _wrong(f"{where}.model", "a name such as 'openai/gpt-4o'", model)
    own = {key: params[key] for key in _OWN if key in params}
    if own:
        return _own_connection(name, where, model, said, own)
    if said and provider_named(model.partition("/")[0]) is None:
        model = f"{said}/{model}"
    return None, model


def _filled_in(params: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The parameters with what `os.environ/NAME` stands for, and the first variable that is not set."""
    found: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, str) and value.startswith(ENVIRON):
            name = value.removeprefix(ENVIRON)
            filled = variable(name)
            if filled is None:
                return {}, name
            # What is no secret may show in errors and in `resolve()`.
            found[key] = filled if key in _OWN else str(filled)
        else:
            found[key] = value
    return found, None


def _own_connection(
    name: str, where: str, model: str, said: object, own: Mapping[str, object]
) -> tuple[Connection | BrokenConnection, str]:
    """The row's own connection, and the provider's id of the model."""
    headers = own.get("extra_headers")
    texts: dict[str, str] = {}
    for key, value in own.items():
        if key == "extra_headers":
            continue
        if not isinstance(value, str) or not value:
            raise _wrong(f"{where}.{key}", "a string", value)
        texts[key] = value
    try:
        provider, model = _provider(model, said)
        return connection_of(name, provider, texts, headers), model
    except GenAIError as error:
        # Without its traceback, because that holds the key.
        return BrokenConnection(name, error.with_traceback(None)), model


def _provider(model: str, said: object) -> tuple[Provider, str]:
    """Who serves the model of a row with a key of its own, and its id there."""
    prefix, _, rest = model.partition("/")
    if isinstance(said, str) and (provider := provider_named(said)):
        return provider, rest if provider_named(prefix) is provider else model
    if rest and (provider := provider_named(prefix)):
        return provider, rest
    family = family_of(model)
    first = provider_named(family.providers[0]) if family and family.providers else None
    if first is not None:
        return first, model
    raise ConfigurationError(
        f"the provider of {shown(model)} cannot be inferred: write it, as in 'openai/{model}'"
    )


def _require_known(where: str, key: str) -> None:
    """Refuse what has a meaning in LiteLLM's router and none here, what is not a request's, and slips of the pen."""
    # Those modules read `RouterArgs`, of which rows are a part.
    from genai_integrations.calls.args import ROUTER_ARGS
    from genai_integrations.calls.request import REDIRECTING, TRACE_PARAMS

    if key in _ROUTING or key in _OWN or key in _NAMING or _is_price(key):
        return
    if any(key in names for names in (WITHOUT_MEANING, REDIRECTING, TRACE_PARAMS, ROUTER_ARGS)):
        raise ConfigurationError(
            f"router_args[{where!r}] has {key!r}, which is not supported in a row: "
            f"a row takes {', '.join((*_NAMING, *_ROUTING))}, a key and an address ({', '.join(_OWN)}), "
            "prices, and parameters of requests"
        )
    near = difflib.get_close_matches(key, (*_NAMING, *_ROUTING, *_OWN), 1, 0.8)
    if near and key not in _LOOK_ALIKE:
        raise ConfigurationError(
            f"router_args[{where!r}] has no {key!r}: did you mean {near[0]!r}?"
        )


def _is_price(key: str) -> bool:
    return "cost_per_" in key or "_token_cost" in key


def _order(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise checks.wrong(name, value, "a whole number")
    return value


def _region(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise checks.wrong(name, value, "a region such as 'eu-west-1'")
    return value


_ROUTING: Mapping[str, checks.Check] = {
    "weight": checks.from_zero,
    "order": _order,
    "rpm": checks.above_zero,
    "tpm": checks.above_zero,
    "tags": checks.names,
    "timeout": checks.seconds,
    "stream_timeout": checks.seconds,
    "region_name": _region,
}
_FIELDS = {"region_name": "region"}
_OWN = (*sorted(CONNECTION_PARAMS), "extra_headers")
"""What makes a row a connection of its own."""

_NAMING = ("model", "custom_llm_provider")
_LOOK_ALIKE = frozenset(("top_p", "user"))
"""Parameters of requests that are spelled almost like one of a row's."""

WITHOUT_MEANING = frozenset(
    (
        "adaptive_router_config", "adaptive_router_default_model", "allow_client_keepalive_override",
        "anthropic_disable_workload_identity_federation", "anthropic_federation_rule_id",
        "anthropic_federation_workspace_id", "anthropic_identity_source", "anthropic_identity_token",
        "anthropic_identity_token_file", "anthropic_issuer_audience", "anthropic_issuer_signing_key_ref",
        "anthropic_issuer_subject", "anthropic_issuer_ttl_seconds", "anthropic_issuer_url",
        "anthropic_keycloak_auth_method", "anthropic_keycloak_client_id", "anthropic_keycloak_client_secret_ref",
        "anthropic_keycloak_scope", "anthropic_keycloak_token_url", "anthropic_organization_id",
        "anthropic_service_account_id", "auto_router_config", "auto_router_config_path", "auto_router_default_model",
        "auto_router_embedding_model", "auto_router_max_input_chars", "auto_router_model_compression",
        "auto_router_routing_compression", "aws_batch_role_arn", "aws_bedrock_project_id", "aws_role_name",
        "aws_session_name", "aws_session_tags", "aws_sts_endpoint", "aws_web_identity_token", "azure_ad_token",
        "azure_ad_token_provider", "azure_password", "azure_scope", "azure_username", "base_model", "bedrock_tags",
        "bucket_name", "budget_duration", "client_id", "client_secret", "complexity_router_config",
        "complexity_router_default_model", "configurable_clientside_auth_params", "cooldown_time",
        "default_api_key_rpm_limit", "default_api_key_tpm_limit", "drop_params", "embedding_model", "extra_body",
        "fallbacks", "fireworks_forward_user_id", "gcs_bucket_name", "index_name", "input", "itpm", "keepalive_seconds",
        "litellm_credential_name", "litellm_trace_id", "max_budget", "max_file_size_mb", "max_parallel_requests",
        "max_retries", "merge_reasoning_content_in_choices", "messages", "metadata", "milvus_db_name",
        "milvus_partition_names", "milvus_text_field", "mock_response", "model_info", "num_retries",
        "openai_identity_provider_id", "openai_identity_token_file", "openai_service_account_id", "otpm",
        "output_vector_size", "provider_affinity_header", "quality_router_config", "quality_router_default_model",
        "regional_endpoint_uplift_multiplier", "regional_processing_uplift_multiplier_eu",
        "regional_processing_uplift_multiplier_us", "s3_access_key_id", "s3_bucket_name", "s3_bucket_owner",
        "s3_encryption_key_id", "s3_endpoint_url", "s3_output_bucket_name", "s3_region_name", "s3_secret_access_key",
        "stream", "stream_options", "stream_timeout_by_service_tier", "tag_regex", "tenant_id", "tiered_pricing",
        "timeout_by_service_tier", "use_chat_completions_api", "use_in_pass_through", "use_litellm_proxy",
        "use_xai_oauth", "valkey_embedding_field", "valkey_host", "valkey_password", "valkey_port", "valkey_ssl",
        "valkey_text_field", "vector_bucket_name", "vector_store_id", "watsonx_region_name",
    )
)  # fmt: skip
"""What LiteLLM 1.106 reads from `litellm_params` for itself, and nothing here does: it is no parameter of a request."""


def _wrong(where: str, wanted: str, value: object) -> ConfigurationError:
    """The value itself is not told."""
    return ConfigurationError(f"router_args[{where!r}] must be {wanted}, not {kind(value)}")
