"""What AWS's own model of Bedrock says against a request's body.

The model is the one that botocore brings: names, types, limits, patterns and sets of values.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from genai_integrations.testing.providers.bedrock.errors import ServiceError, invalid

_KINDS: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}
_TOKENS = {dict: "START_OBJECT", list: "START_ARRAY", str: "STRING_VALUE", bool: "BOOLEAN_VALUE"}


def check_body(operation: str, body: object) -> None:
    """Refuse a body that the operation's input shape does not allow; unknown fields are ignored, as AWS does.

    Raises:
        ServiceError: The body is wrong.
    """
    shape = _input_shape(operation)
    if not isinstance(body, dict):
        raise _unreadable("The request's body is not a JSON object")
    found = list(_violations(shape, body, ""))
    if found:
        plural = "error" if len(found) == 1 else "errors"
        raise invalid(f"{len(found)} validation {plural} detected: {'; '.join(found)}")


@functools.cache
def _input_shape(operation: str) -> object:
    from botocore.loaders import Loader  # type: ignore[import-untyped]
    from botocore.model import ServiceModel  # type: ignore[import-untyped]

    model = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))
    return model.operation_model(operation).input_shape


def _violations(shape: Any, value: Any, where: str) -> Iterator[str]:
    kind = shape.type_name
    if getattr(shape, "is_document_type", False):
        return
    wanted: Any = _KINDS[kind]
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean"):
        token = _TOKENS.get(type(value), "NUMBER_VALUE")
        raise _unreadable(f"{token} can not be converted to {kind} at '{_place(where)}'")
    yield from _limits(shape, value, where)
    if kind == "structure":
        yield from _in_structure(shape, value, where)
    elif kind == "list":
        for number, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{where}.{number}.member")
    elif kind == "map":
        for key, item in value.items():
            yield from _violations(shape.key, key, f"{where}.{key}.key")
            yield from _violations(shape.value, item, f"{where}.{key}.value")


def _in_structure(shape: Any, value: Mapping[str, Any], where: str) -> Iterator[str]:
    given = {
        name: member
        for name, member in shape.members.items()
        if value.get(name) is not None and "location" not in member.serialization
    }
    if shape.is_tagged_union and len(given) != 1:
        names = ", ".join(shape.members)
        raise invalid(
            f"The {shape.name} object at {_place(where)} must set one of the following keys: {names}."
        )
    for name in shape.required_members:
        if name not in given and "location" not in shape.members[name].serialization:
            yield _violation(None, f"{where}.{name}", "Member must not be null")
    for name, member in given.items():
        yield from _violations(member, value[name], f"{where}.{name}")


def _limits(shape: Any, value: Any, where: str) -> Iterator[str]:
    limits = shape.metadata
    number = isinstance(value, (int, float))
    what = "value" if number else "length"
    size = value if number else len(_decoded(value, where) if shape.type_name == "blob" else value)
    if "min" in limits and size < limits["min"]:
        yield _violation(
            value, where, f"Member must have {what} greater than or equal to {limits['min']}"
        )
    if "max" in limits and size > limits["max"]:
        yield _violation(
            value, where, f"Member must have {what} less than or equal to {limits['max']}"
        )
    if limits.get("enum") and value not in limits["enum"]:
        allowed = ", ".join(limits["enum"])
        yield _violation(value, where, f"Member must satisfy enum value set: [{allowed}]")
    pattern = limits.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield _violation(value, where, f"Member must satisfy regular expression pattern: {pattern}")


def _decoded(value: str, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise _unreadable(f"The value at '{_place(where)}' is not valid base64") from None


def _violation(value: object, where: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return (
        f"Value {shown} at '{where.removeprefix('.')}' failed to satisfy constraint: {constraint}"
    )


def _place(where: str) -> str:
    """A path as Bedrock itself writes it: from 0, and without the steps that the serialisation adds."""
    return re.sub(r"(\d+)\.member", lambda found: str(int(found[1]) - 1), where.removeprefix("."))


def _unreadable(message: str) -> ServiceError:
    return ServiceError("SerializationException", message)
