"""YAML with the place of each value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_integrations.config.document import Place, parsed, path_of, read_document
from genai_integrations.errors import ConfigurationError

TEXT = """\
router_settings:
  num_retries: 2
  fallbacks: [{"smart": ["local"]}]
model_list:
  - model_name: smart
    litellm_params: {model: gpt-4o, on: yes}
"""


def test_each_value_has_its_place():
    """Keys where they stand, items where they begin; both count from 1."""
    read = parsed(TEXT, "genai.yaml")

    assert read.places[("router_settings", "num_retries")] == Place(2, 3)
    assert read.places[("router_settings", "fallbacks", 0, "smart", 0)] == Place(3, 26)
    assert read.places[("model_list", 0, "litellm_params", "model")] == Place(6, 22)
    assert read.at(("model_list", 0, "litellm_params", "nowhere")) == "genai.yaml:6:5"
    # `on` is a key as it is written, though YAML 1.1 takes it for a truth.
    assert read.values["model_list"][0]["litellm_params"] == {"model": "gpt-4o", "on": True}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f.yaml is empty"),
        ("- a\n", "f.yaml:1:1: a configuration is a mapping"),
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: 'a' appears twice"),
        ("a: [1\nb: 2\n", "f.yaml:2:2: expected ',' or ']', but got ':'"),
        ("a:\n\t- b\n", "f.yaml:2:1: found character '\\t' that cannot start any token"),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "f.yaml:1:4: a configuration has no 'tag:yaml",
        ),
        ("a: !secret x\n", "f.yaml:1:4: a configuration has no '!secret'"),
        (
            "a: 2026-13-45\n",
            "f.yaml:1:4: '2026-13-45' is not a value that a configuration can have",
        ),
        ("[a, b]: 1\n", "f.yaml:1:1: a key must be a word"),
        ("a: &a [*a]\n", "f.yaml is nested too deeply, or contains itself"),
        ("a: 1\n---\nb: 2\n", "f.yaml"),
        ("a: \x01\n", "f.yaml"),
        ("a: " + "[" * 5000, "f.yaml"),
    ],
)
def test_what_is_no_configuration(text, said):
    """One line: the file, the place, and what is wrong there."""
    with pytest.raises(ConfigurationError) as caught:
        parsed(text, "f.yaml")

    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_a_short_file_cannot_stand_for_a_memory_full_of_values():
    """Aliases of aliases."""
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]" for at in range(1, 9)]

    with pytest.raises(ConfigurationError, match="stands for too many values"):
        parsed("\n".join(rows), "f.yaml")


def test_mappings_may_take_over_others():
    """By `<<`, as YAML has it: what a mapping says itself wins."""
    read = parsed("base: &base {a: 1, b: 2}\nmade: {<<: *base, b: 3}\n", "f.yaml")

    assert read.values["made"] == {"a": 1, "b": 3}


def test_files_that_cannot_be_read(tmp_path):
    """Missing, no text, too large."""
    binary, large = tmp_path / "b.yaml", tmp_path / "l.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    large.write_bytes(b"#" * ((1 << 20) + 1))

    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_document(tmp_path / "none.yaml")
    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        read_document(binary)
    with pytest.raises(ConfigurationError, match="larger than 1 MB"):
        read_document(large)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_one_line(text):
    """Nothing else is raised, whatever is in the file."""
    try:
        parsed(text, "f.yaml")
    except ConfigurationError as error:
        assert str(error).startswith("f.yaml")  # noqa: PT017  most texts are refused, and some are not
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("num_retries", ("num_retries",)),
        ("model_list[2].weight", ("model_list", 2, "weight")),
        ("cache_kwargs.ttl", ("cache_kwargs", "ttl")),
    ],
)
def test_paths_of_arguments(written, path):
    """As errors of arguments write them."""
    assert path_of(written) == path
