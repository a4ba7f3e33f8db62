"""`router_args["capabilities"]`: what a program knows better of its models than the tables do."""

from __future__ import annotations

from collections.abc import Mapping

from genai_integrations.calls import checks
from genai_integrations.errors import ConfigurationError
from genai_integrations.models.abilities import FLAGS, WINDOW
from genai_integrations.runtime.given import shown

Capabilities = Mapping[str, Mapping[str, bool | int]]
"""For a target (`connection/model`) or a model id, what it does and how much it takes."""

_CHECKS: Mapping[str, checks.Check] = {
    **dict.fromkeys(FLAGS, checks.flag),
    WINDOW: checks.above_zero,
}


def capabilities(name: str, value: object) -> Capabilities:
    """What a program says of its models.

    Raises:
        ConfigurationError: It is in another shape, or names what nobody needs.
    """
    if not isinstance(value, Mapping):
        raise checks.wrong(name, value, 'a mapping like {"llama3.2": {"vision": False}}')
    return {model: _of_one(f"{name}.{model}", said) for model, said in value.items()}


def _of_one(name: str, said: object) -> Mapping[str, bool | int]:
    if not isinstance(said, Mapping):
        raise checks.wrong(name, said, 'a mapping like {"vision": False}')
    for key in said:
        if key not in _CHECKS:
            raise ConfigurationError(
                f"router_args[{name!r}] has no {shown(key)}: the supported ones are {', '.join(_CHECKS)}"
            )
    return {key: _CHECKS[key](f"{name}.{key}", item) for key, item in said.items()}  # type: ignore[misc]  # as checked
