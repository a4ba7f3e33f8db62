"""Where every setting comes from: argument, then environment, then default.

This module alone touches `os.environ`, but for proxies and certificates, which belong to the machine:
`runtime/network.py`.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime.masked import MaskedText

DEFAULT_HOST = "https://cloud.langfuse.com"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a client was told.

    Attributes:
        public_key: Langfuse public key, `LANGFUSE_PUBLIC_KEY`.
        secret_key: Langfuse secret key, `LANGFUSE_SECRET_KEY`.
        host: Langfuse address without a trailing slash, `LANGFUSE_HOST` or `LANGFUSE_BASE_URL`.
        database_url: Langfuse's Postgres, `LANGFUSE_DATABASE_URL`; None means connections come from
            the providers' own variables.
        encryption_keys: Langfuse's `ENCRYPTION_KEY`s, newest first, `LANGFUSE_ENCRYPTION_KEY`
            (comma-separated).
        tracing: Whether calls are recorded in Langfuse, unless `LANGFUSE_TRACING_ENABLED` is `false`.
        prompt_ttl: Seconds for which a prompt counts as fresh, `LANGFUSE_PROMPT_CACHE_DEFAULT_TTL_SECONDS`.
        cache_key: What kept answers are sealed with in place of a key that is derived from `secret_key`,
            `GENAI_CACHE_KEY`.
        outages: Outages to rehearse, `GENAI_OUTAGES`, as `routing.outages` reads it.
        gateway_url: Address of a gateway that is the one connection, `GENAI_GATEWAY_URL`; None for none.
        environ: The variables that environment connections are read from.
    """

    public_key: str | None
    secret_key: str | None = field(repr=False)
    host: str
    database_url: str | None = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    tracing: bool
    prompt_ttl: float
    cache_key: str | None = field(repr=False)
    outages: str
    gateway_url: str | None
    environ: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """How calls are recorded where the program has no Langfuse SDK client of its own, by the SDK's variables.

    Attributes:
        is_on: Whether anything is recorded: `LANGFUSE_TRACING_ENABLED` and `OTEL_SDK_DISABLED` allow it.
        environment: `LANGFUSE_TRACING_ENVIRONMENT`.
        release: `LANGFUSE_RELEASE`, or the commit that a known build service or host names.
        sample_rate: Share of traces to record, 0.0 to 1.0, `LANGFUSE_SAMPLE_RATE`.
        timeout: Seconds for one export, `LANGFUSE_TIMEOUT`.
        batch: Most spans of one export, `LANGFUSE_FLUSH_AT`.
        interval: Seconds between exports, `LANGFUSE_FLUSH_INTERVAL`.
        queue: Most spans of a project that wait, `OTEL_BSP_MAX_QUEUE_SIZE`.
        largest: Most bytes of one export before it is packed, `LANGFUSE_OTEL_MAX_BATCH_SIZE_BYTES`.
        path: Where exports go on the host, `LANGFUSE_OTEL_TRACES_EXPORT_PATH`.
        packed: Whether exports are packed with gzip, `LANGFUSE_OTEL_COMPRESSION`.
        media: Whether pictures and files are uploaded apart, `LANGFUSE_MEDIA_UPLOAD_ENABLED`.
    """

    is_on: bool
    environment: str | None
    release: str | None
    sample_rate: float
    timeout: float
    batch: int
    interval: float
    queue: int
    largest: int
    path: str
    packed: bool
    media: bool


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """How much of an answer is taken, so that no server can fill the memory.

    Attributes:
        body: Bytes of a whole answer at most, unpacked, `GENAI_MAX_BODY_BYTES`; the longest answers with pictures in
            them are a tenth of the 64 MB that it is by default.
        event: Bytes of one event of a stream at most, `GENAI_MAX_EVENT_BYTES`, by default 16 MB.
    """

    body: int
    event: int


@cache
def answer_limits() -> AnswerLimits:
    """The limits as the environment said when they were first asked for.

    Raises:
        ConfigurationError: One is no number.
    """
    return AnswerLimits(
        body=int(_number("GENAI_MAX_BODY_BYTES", 64 << 20, os.environ, " of bytes")),
        event=int(_number("GENAI_MAX_EVENT_BYTES", 16 << 20, os.environ, " of bytes")),
    )


def read_settings(
    *,
    public_key: str | None = None,
    secret_key: str | None = None,
    host: str | None = None,
    tracing: bool | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settle every setting once.

    Args:
        public_key: Wins over `LANGFUSE_PUBLIC_KEY`.
        secret_key: Wins over `LANGFUSE_SECRET_KEY`.
        host: Wins over `LANGFUSE_HOST`, which wins over `LANGFUSE_BASE_URL`.
        tracing: Wins over `LANGFUSE_TRACING_ENABLED`.
        environ: Read instead of the process's environment.

    Raises:
        ConfigurationError: A database is named but not the keys that reading it takes, or a number is none.
    """
    variables = os.environ if environ is None else environ
    settings = Settings(
        public_key=public_key or variables.get("LANGFUSE_PUBLIC_KEY") or None,
        secret_key=_masked(secret_key or variables.get("LANGFUSE_SECRET_KEY")),
        host=_host(host, variables),
        database_url=_masked(variables.get("LANGFUSE_DATABASE_URL")),
        encryption_keys=_keys(variables.get("LANGFUSE_ENCRYPTION_KEY", "")),
        tracing=_tracing(tracing, variables),
        prompt_ttl=_number(
            "LANGFUSE_PROMPT_CACHE_DEFAULT_TTL_SECONDS", 60, variables, " of seconds"
        ),
        cache_key=_masked(variables.get("GENAI_CACHE_KEY")),
        outages=variables.get("GENAI_OUTAGES", ""),
        gateway_url=variables.get("GENAI_GATEWAY_URL", "").strip() or None,
        environ=variables,
    )
    if settings.database_url and not settings.gateway_url:
        _require_store_settings(settings)
    return settings


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What a gateway was told by the environment.

    Attributes:
        host: Langfuse's address, as of `Settings`.
        pair: `LANGFUSE_PUBLIC_KEY` and `LANGFUSE_SECRET_KEY`; None where one is not set.
        database_url: Langfuse's Postgres, as of `Settings`; None where all projects have the same connections.
        encryption_keys: As of `Settings`.
        key_store: Where narrow keys are kept, `GENAI_GATEWAY_KEYS`; empty for nowhere.
        away: Seconds for which known keys work on while Langfuse is away, `GENAI_GATEWAY_KEYS_AWAY`.
        machine_credentials: Whether a project's connections may stand for the AWS or Google credentials of the
            gateway's machine, `GENAI_GATEWAY_MACHINE_CREDENTIALS`.
        environ: The variables that environment connections are read from.
    """

    host: str
    pair: tuple[str, str] | None = field(repr=False)
    database_url: str | None = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    key_store: str = field(repr=False)
    away: float
    machine_credentials: bool
    environ: Mapping[str, str] = field(repr=False)

    @property
    def has_keys(self) -> bool:
        """Whether callers have to show a key: Langfuse is there to check it."""
        return self.pair is not None or self.database_url is not None


def gateway_has_keys(environ: Mapping[str, str] | None = None) -> bool:
    """Whether callers of a gateway show keys: Langfuse's pair, its database or a store of narrower keys is named."""
    variables = os.environ if environ is None else environ
    has_pair = variables.get("LANGFUSE_PUBLIC_KEY") and variables.get("LANGFUSE_SECRET_KEY")
    others = ("LANGFUSE_DATABASE_URL", "GENAI_GATEWAY_KEYS")
    return bool(has_pair or any(map(variables.get, others)))


def read_gateway_settings(environ: Mapping[str, str] | None = None) -> GatewaySettings:
    """The variables of a gateway as they are now.

    Args:
        environ: Read instead of the process's environment.

    Raises:
        ConfigurationError: A database is named but not its encryption key, or a number is none.
    """
    variables = os.environ if environ is None else environ
    public, secret = variables.get("LANGFUSE_PUBLIC_KEY"), variables.get("LANGFUSE_SECRET_KEY")
    settings = GatewaySettings(
        pair=(public, MaskedText(secret)) if public and secret else None,
        host=_host(None, variables),
        database_url=_masked(variables.get("LANGFUSE_DATABASE_URL")),
        encryption_keys=_keys(variables.get("LANGFUSE_ENCRYPTION_KEY", "")),
        key_store=_masked(variables.get("GENAI_GATEWAY_KEYS")) or "",
        away=_number("GENAI_GATEWAY_KEYS_AWAY", 900, variables, " of seconds"),
        machine_credentials=_is_true("GENAI_GATEWAY_MACHINE_CREDENTIALS", variables),
        environ=variables,
    )
    if settings.database_url and not settings.encryption_keys:
        raise ConfigurationError(
            "LANGFUSE_DATABASE_URL is set, but LANGFUSE_ENCRYPTION_KEY is not: set it"
        )
    return settings


ENVIRON = "os.environ/"
"""What LiteLLM writes before the name of a variable."""


def variable(name: str) -> str | None:
    """A variable that a configuration names, as LiteLLM's `os.environ/NAME` does; None where it is not set."""
    value = os.environ.get(name, "").strip()
    return MaskedText(value) if value else None


def configuration_file() -> str | None:
    """The configuration that clients without arguments are made from, `GENAI_CONFIG`; None if there is none."""
    return os.environ.get("GENAI_CONFIG", "").strip() or None


def operator_token(environ: Mapping[str, str] | None = None) -> str | None:
    """What the operator of a gateway shows, `GENAI_GATEWAY_OPERATOR_TOKEN`; None where there is none."""
    variables = os.environ if environ is None else environ
    return _masked(variables.get("GENAI_GATEWAY_OPERATOR_TOKEN", "").strip())


def trusted_proxies(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Addresses and networks of proxies whose `X-Forwarded-For` a gateway believes, `GENAI_GATEWAY_PROXIES`.

    Raises:
        ConfigurationError: One of them is neither.
    """
    import ipaddress

    variables = os.environ if environ is None else environ
    named = variables.get("GENAI_GATEWAY_PROXIES", "").split(",")
    found = tuple(part.strip() for part in named if part.strip())
    for part in found:
        try:
            ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise ConfigurationError(
                "GENAI_GATEWAY_PROXIES must have addresses and networks such as 10.0.0.7,172.16.0.0/12"
            ) from None
    return found


def share_metrics(folder: Path) -> None:
    """Tell prometheus_client, in this process and those it starts, where workers sum up their metrics."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def default_model() -> str | None:
    """The model that `genai` asks where none is named, `GENAI_MODEL`."""
    return os.environ.get("GENAI_MODEL", "").strip() or None


def chat_log_folder(
    environ: Mapping[str, str] | None = None, platform: str = sys.platform
) -> Path | None:
    """Where `genai chat` keeps conversations: `GENAI_CHAT_LOG`, else the platform's folder for state; None for `off`.

    Args:
        environ: Read instead of the process's environment.
        platform: As `sys.platform` says it.
    """
    variables = os.environ if environ is None else environ
    chosen = variables.get("GENAI_CHAT_LOG", "").strip()
    if chosen.lower() in ("off", "0", "false", "no"):
        return None
    if chosen:
        return Path(chosen).expanduser()
    return _state_folder(variables, platform) / "genai-integrations" / "chats"


def _state_folder(variables: Mapping[str, str], platform: str) -> Path:
    if platform == "win32":
        return Path(variables.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    xdg = Path(variables.get("XDG_STATE_HOME", ""))
    # The XDG specification: a relative path is to be ignored.
    return xdg if xdg.is_absolute() else Path.home() / ".local" / "state"


def read_trace_settings(environ: Mapping[str, str] | None = None) -> TraceSettings:
    """The variables of tracing as they are now.

    Args:
        environ: Read instead of the process's environment.

    Raises:
        ConfigurationError: A number is none, or the sample rate is not between 0 and 1.
    """
    variables = os.environ if environ is None else environ
    rate = _number("LANGFUSE_SAMPLE_RATE", 1.0, variables)
    if rate > 1:
        raise ConfigurationError(f"LANGFUSE_SAMPLE_RATE is {rate:g}: it must be from 0.0 to 1.0")
    batch = _number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, variables)
    pause = _number("OTEL_BSP_SCHEDULE_DELAY", 5000, variables) / 1000
    return TraceSettings(
        is_on=_tracing(None, variables) and not _is_true("OTEL_SDK_DISABLED", variables),
        environment=variables.get("LANGFUSE_TRACING_ENVIRONMENT") or None,
        release=next(filter(None, map(variables.get, _RELEASES)), None),
        sample_rate=rate,
        timeout=_number("LANGFUSE_TIMEOUT", 5, variables) or 5,
        batch=max(int(_number("LANGFUSE_FLUSH_AT", batch, variables)), 1),
        interval=_number("LANGFUSE_FLUSH_INTERVAL", pause, variables),
        queue=max(int(_number("OTEL_BSP_MAX_QUEUE_SIZE", 2048, variables)), 1),
        largest=int(_number("LANGFUSE_OTEL_MAX_BATCH_SIZE_BYTES", 1 << 26, variables)),
        path=variables.get("LANGFUSE_OTEL_TRACES_EXPORT_PATH") or "api/public/otel/v1/traces",
        packed=_packed(variables),
        media=variables.get("LANGFUSE_MEDIA_UPLOAD_ENABLED", "").lower() not in ("false", "0"),
    )


def environment_with_outage(line: str) -> dict[str, str]:
    """The environment for a child process, with one more outage in `GENAI_OUTAGES`."""
    before = os.environ.get("GENAI_OUTAGES", "")
    return {**os.environ, "GENAI_OUTAGES": f"{before}\n{line}".strip()}


_RELEASES = (
    "LANGFUSE_RELEASE",
    "RENDER_GIT_COMMIT",
    "CI_COMMIT_SHA",
    "CIRCLE_SHA1",
    "SOURCE_VERSION",
    "TRAVIS_COMMIT",
    "GIT_COMMIT",
    "GITHUB_SHA",
    "BITBUCKET_COMMIT",
    "BUILD_SOURCEVERSION",
    "DRONE_COMMIT_SHA",
)
"""Where the SDK looks for a release, too: its own variable, then those of build services and hosts."""

_PACKING = (
    "LANGFUSE_OTEL_COMPRESSION",
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
)
"""Variables that say `gzip` or `none`, the nearest first; Langfuse takes nothing else."""


def aws_config_path(environ: Mapping[str, str] | None = None) -> Path:
    """The file with the profiles of AWS's own tools, `AWS_CONFIG_FILE`."""
    variables = os.environ if environ is None else environ
    return Path(variables.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()


@dataclass(frozen=True, slots=True)
class BedrockBatchSettings:
    """Where Bedrock's batches are read and written.

    Attributes:
        s3: `s3://bucket/folder`, `GENAI_BEDROCK_BATCH_S3`; empty where it is not set.
        role: ARN of the role that Bedrock takes on to read and write there, `GENAI_BEDROCK_BATCH_ROLE`.
        s3_url: Address of S3 in place of AWS's own, `AWS_ENDPOINT_URL_S3`; empty for AWS's.
    """

    s3: str
    role: str
    s3_url: str

    @property
    def is_complete(self) -> bool:
        """Whether both are set."""
        return bool(self.s3 and self.role)


def bedrock_batch_settings(environ: Mapping[str, str] | None = None) -> BedrockBatchSettings:
    """As the environment says.

    Raises:
        ConfigurationError: The storage is no address of a bucket.
    """
    variables = os.environ if environ is None else environ
    s3 = variables.get("GENAI_BEDROCK_BATCH_S3", "").rstrip("/")
    if s3 and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/[\w.!*'()/-]*)?", s3, re.ASCII):
        raise ConfigurationError("GENAI_BEDROCK_BATCH_S3 must be like s3://bucket/folder")
    role = variables.get("GENAI_BEDROCK_BATCH_ROLE", "")
    return BedrockBatchSettings(s3, role, variables.get("AWS_ENDPOINT_URL_S3", "").rstrip("/"))


def _packed(variables: Mapping[str, str]) -> bool:
    told = (variables.get(name, "").strip().lower() for name in _PACKING)
    return next((word for word in told if word in ("gzip", "none")), "gzip") == "gzip"


def _is_true(name: str, variables: Mapping[str, str]) -> bool:
    return variables.get(name, "").strip().lower() == "true"


_LITELLMS_OWN_FILES = ("LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS")


@contextlib.contextmanager
def without_downloads() -> Generator[None]:
    """While LiteLLM is imported: have it use the files that it ships, instead of fetching newer ones."""
    before = {name: os.environ.get(name) for name in _LITELLMS_OWN_FILES}
    os.environ.update(dict.fromkeys(_LITELLMS_OWN_FILES, "True"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _host(host: str | None, variables: Mapping[str, str]) -> str:
    chosen = host or variables.get("LANGFUSE_HOST") or variables.get("LANGFUSE_BASE_URL")
    return (chosen or DEFAULT_HOST).rstrip("/")


def _tracing(tracing: bool | None, variables: Mapping[str, str]) -> bool:
    if tracing is not None:
        return tracing
    return variables.get("LANGFUSE_TRACING_ENABLED", "true").strip().lower() != "false"


def _number(name: str, default: float, variables: Mapping[str, str], of: str = "") -> float:
    """A number that is not negative; what is below zero counts as zero."""
    given = variables.get(name) or default
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigurationError(f"{name} is {given!r}: it must be a number{of}")
    return max(number, 0)


def _keys(text: str) -> tuple[str, ...]:
    return tuple(MaskedText(key) for part in text.split(",") if (key := part.strip()))


def _masked(text: str | None) -> str | None:
    """The text with a masked repr, because a traceback may show the locals of every frame it passes."""
    return MaskedText(text) if text else None


def _require_store_settings(settings: Settings) -> None:
    needed = {
        "LANGFUSE_PUBLIC_KEY": settings.public_key,
        "LANGFUSE_SECRET_KEY": settings.secret_key,
        "LANGFUSE_ENCRYPTION_KEY": settings.encryption_keys,
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise ConfigurationError(
            f"LANGFUSE_DATABASE_URL is set, but {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not: set it, or unset LANGFUSE_DATABASE_URL "
            "to use the providers' own variables such as OPENAI_API_KEY"
        )
