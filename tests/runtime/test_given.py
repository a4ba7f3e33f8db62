"""What errors say of values that a program gave."""

from __future__ import annotations

import pytest

from genai_integrations.errors import ConfigurationError
from genai_integrations.runtime import given


@pytest.mark.parametrize(
    ("check", "value", "told"),
    [
        (given.text, 3, "x must be a string such as 'y', not int"),
        (given.text, "", "x must be a string such as 'y', not an empty string"),
        (given.texts, "y", "x must be a list of strings such as 'y', not str"),
        (given.texts, ["sk-canary", 1, None], "x must be a list of strings such as 'y', not list with items of NoneType, int"),
        (given.mapping, ["y"], "x must be a mapping such as y, not list"),
        (given.mapping, {1: "sk-canary"}, "x must be a mapping such as y, not dict with keys of int"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_value(check, value, told):
    """Its type, or what is wrong where the type is right; never what is in it, which may be a secret."""
    with pytest.raises(ConfigurationError) as caught:
        check("x", value, "y")
    assert str(caught.value) == told
