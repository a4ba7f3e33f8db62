"""What is known about models: LiteLLM's bundled price map, read as a file."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path

import orjson

from genai_integrations.connections.providers import Provider, provider_named

ModelRow = Mapping[str, object]
"""What the price map says of one model: limits, prices, flags and remarks, by LiteLLM's names."""

_FILE = "model_prices_and_context_window_backup.json"
_REGION_PREFIX = re.compile(r"^(?:us-gov|us|eu|apac|jp|au|ca|sa|global)\.(?=[a-z0-9]+\.)")
_VENDOR_PREFIX = re.compile(r"^[a-z0-9]+\.(?=[a-z])")
_VERSION_SUFFIX = re.compile(r"(?:-v\d+)?(?::\d+)?$")
_DATE_SUFFIX = re.compile(r"[-@](?:20\d{6}|20\d\d-\d\d-\d\d|latest|default)$")

_REGION_GROUPS = (
    ("us-gov-", "us-gov"),
    ("us-", "us"),
    ("ca-", "us"),
    ("eu-", "eu"),
    ("ap-northeast-1", "jp"),
    ("ap-northeast-3", "jp"),
    ("ap-southeast-2", "au"),
    ("ap-", "apac"),
)
"""AWS regions and the inference profiles that are called from them; the first that fits leads.

Source: AWS Bedrock user guide, "Supported Regions and models for inference profiles".
"""


_PROFILE_ONLY = re.compile(
    r"anthropic\.claude-(?:3-7|(?:opus|sonnet|haiku)-\d)|amazon\.nova-(?:premier|2)"
    r"|meta\.llama(?:3-[1-9]|4)|deepseek\.r1|mistral\.pixtral|writer\.palmyra|twelvelabs\.pegasus"
)
"""Source: AWS Bedrock user guide, "Supported foundation models": those with an inference profile and no region."""

_PRICED_BY_REGION = frozenset(("azure", "bedrock"))
"""Providers whose rows have regions before a slash; with others it stands in the ids themselves."""

_MOST_NAMES = 2048
"""Answers remembered for names that callers give; more than the price map has ids of any provider."""


@cache
def price_map() -> Mapping[str, ModelRow]:
    """LiteLLM's model table, `{model: {limits, prices, capabilities}}`; empty if it cannot be found.

    Takes about 20 ms, once. LiteLLM itself is not imported.
    """
    spec = importlib.util.find_spec("litellm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _FILE
        if path.is_file():
            table: dict[str, ModelRow] = orjson.loads(path.read_bytes())
            table.pop("sample_spec", None)
            return table
    return {}


@lru_cache(_MOST_NAMES)
def model_info(provider: str, model: str) -> ModelRow | None:
    """The price map's row of one provider's model, or None if it has none."""
    table = price_map()
    row = provider_named(provider)
    if row is None:
        return None
    # A fine-tuned model costs what the row of its base says: `ft:gpt-4o-mini-2024-07-18:org::id`.
    tuned = ":".join(model.split(":")[:2]) if model.startswith("ft:") else model
    for key in (f"{row.litellm}/{model}", model, tuned, bare(model)):
        info = table.get(key)
        if info and _belongs(info, row):
            return info
    return None


@lru_cache(_MOST_NAMES)
def hosted_ids(provider: str, name: str, region: str | None) -> tuple[str, ...]:
    """The provider's own ids of the model that a user calls `name`, the best first.

    `claude-3-sonnet` is `anthropic.claude-3-sonnet-20240229-v1:0` on Bedrock. Inference profiles of the
    connection's region come before plain ids, and later versions before earlier ones.
    """
    wanted = comparable(name)
    found = [model for model in models_of(provider) if wanted in forms(model)]
    group = _region_group(region)
    usable = [model for model in found if _usable_from(model, group)]
    return tuple(sorted(usable, key=lambda model: _preference(model, group)))


def profile_of(model: str, region: str | None) -> str | None:
    """The inference profile by which Bedrock serves an id from a region; None if it serves the id itself."""
    if not _PROFILE_ONLY.match(model):
        return None
    group = _region_group(region)
    wider = "apac" if group in ("jp", "au") else None
    ids = (f"{profile}.{model}" for profile in (group, wider, "global") if profile)
    return next((own for own in ids if own in models_of("bedrock")), None)


@cache
def models_of(provider: str) -> Mapping[str, None]:
    """Every id that the price map has of a provider, as the keys of a mapping, in order."""
    row = provider_named(provider)
    return dict.fromkeys(_own_ids(row) if row else ())


def without_region(model: str) -> str:
    """Bedrock's id of a model, of which an inference profile's has the regions in front."""
    return _REGION_PREFIX.sub("", model)


def comparable(name: str) -> str:
    """One spelling for names that differ only in case or in `4.5` against `4-5`."""
    return name.lower().replace(".", "-").replace("@", "-")


@lru_cache(_MOST_NAMES)
def forms(model: str) -> frozenset[str]:
    """Every name that a user may mean by a provider's id: with and without vendor, version and date."""
    plain = model.lower()
    own = bare(plain)
    return frozenset(
        comparable(form)
        for form in (plain, own, _DATE_SUFFIX.sub("", plain), _DATE_SUFFIX.sub("", own))
    )


def bare(model: str) -> str:
    """A provider's id without path, region, vendor and version: `claude-sonnet-4-5-20250929` of Bedrock's."""
    text = model.rpartition("/")[2]
    text = _REGION_PREFIX.sub("", text)
    text = _VENDOR_PREFIX.sub("", text)
    return _VERSION_SUFFIX.sub("", text)


def _belongs(info: ModelRow, row: Provider) -> bool:
    return info.get("litellm_provider") in (row.litellm, row.name, *row.catalog)


def _own_ids(row: Provider) -> Iterator[str]:
    """Ids as the provider spells them: LiteLLM's prefix is taken off; regional price rows are left out."""
    for key, info in price_map().items():
        if not _belongs(info, row):
            continue
        own = key.removeprefix(f"{row.litellm}/")
        # Bedrock's ids always name the vendor; rows without it, or with a region's path, only carry prices.
        if row.name in _PRICED_BY_REGION or own == key:
            is_id = "/" not in own and ("." in own or row.name != "bedrock")
        else:
            is_id = True
        if is_id:
            yield own


def _region_group(region: str | None) -> str | None:
    if region is None:
        return None
    return next((group for start, group in _REGION_GROUPS if region.startswith(start)), None)


def _profile(model: str) -> str | None:
    match = _REGION_PREFIX.match(model)
    return match.group(0)[:-1] if match else None


def _usable_from(model: str, group: str | None) -> bool:
    profile = _profile(model)
    return profile in (None, "global", group) or (profile == "apac" and group in ("jp", "au"))


def _preference(model: str, group: str | None) -> tuple[int, list[str], str]:
    profile = _profile(model)
    order = (group, "apac" if group in ("jp", "au") else None, None, "global")
    # Later dates and versions first, so the digits are compared in reverse.
    newest = [str(9 - int(digit)) for digit in re.findall(r"\d", model)]
    return order.index(profile), newest, model
