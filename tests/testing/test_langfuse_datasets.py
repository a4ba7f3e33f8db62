"""The stand-in's datasets, as the Langfuse SDK meets them."""

from __future__ import annotations

import pytest
from langfuse import Langfuse
from langfuse.api import NotFoundError


@pytest.fixture
def sdk(langfuse):
    """Langfuse's own client."""
    client = Langfuse(
        public_key=langfuse.public_key, secret_key=langfuse.secret_key, base_url=langfuse.host
    )
    yield client
    client.shutdown()


def test_a_dataset_is_made_and_read(sdk):
    """With its items, and with a slash in its name."""
    made = sdk.create_dataset(name="team/golden", description="d", metadata={"a": 1})
    item = sdk.create_dataset_item(
        dataset_name="team/golden", input={"q": "?"}, expected_output="!", metadata={"b": 2}
    )

    found = sdk.get_dataset("team/golden")
    assert (found.id, found.description, found.metadata) == (made.id, "d", {"a": 1})
    assert [(row.id, row.input, row.expected_output, row.metadata) for row in found.items] == [
        (item.id, {"q": "?"}, "!", {"b": 2})
    ]
    assert sdk.api.dataset_items.get(item.id).dataset_name == "team/golden"
    assert [row.name for row in sdk.api.datasets.list().data] == ["team/golden"]


def test_the_same_name_and_the_same_id_change_what_is_there(sdk):
    """What is not given again stays in an item."""
    first = sdk.create_dataset(name="golden")
    assert sdk.create_dataset(name="golden", description="new").id == first.id
    sdk.create_dataset_item(dataset_name="golden", id="one", input="a", expected_output="b")
    sdk.create_dataset_item(dataset_name="golden", id="one", status="ARCHIVED")

    (item,) = sdk.get_dataset("golden").items
    assert (item.input, item.expected_output, item.status.value) == ("a", "b", "ARCHIVED")


def test_items_come_in_pages_the_newest_first(sdk, langfuse):
    """And only those of the dataset."""
    langfuse.create_dataset("other", [{"input": "x"}])
    langfuse.create_dataset("golden", [{"id": f"i{at}", "input": at} for at in range(5)])

    page = sdk.api.dataset_items.list(dataset_name="golden", page=2, limit=2)
    assert [row.id for row in page.data] == ["i2", "i1"]
    assert (page.meta.total_items, page.meta.total_pages) == (5, 3)
    assert sdk.api.dataset_items.list().meta.total_items == 6


@pytest.mark.parametrize(
    "ask",
    [
        lambda sdk: sdk.get_dataset("nothing"),
        lambda sdk: sdk.api.dataset_items.get("nothing"),
        lambda sdk: sdk.create_dataset_item(dataset_name="nothing", input="a"),
        lambda sdk: sdk.create_dataset_item(dataset_name="golden", id="taken", input="a"),
    ],
)
def test_what_is_not_there_is_404(sdk, langfuse, ask):
    """A dataset, an item, and an id that another dataset has taken."""
    langfuse.create_dataset("golden")
    langfuse.create_dataset("other", [{"id": "taken", "input": "x"}])

    with pytest.raises(NotFoundError):
        ask(sdk)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "v2/datasets", {}, 400),
        ("POST", "v2/datasets", [], 400),
        ("PATCH", "v2/datasets/golden", {}, 404),
        ("PATCH", "dataset-items", {}, 404),
        ("GET", "datasets", None, 404),
    ],
)
def test_wrong_requests_are_refused(langfuse, method, path, body, status):
    """As those for prompts are."""
    import urllib3

    headers = urllib3.make_headers(basic_auth=f"{langfuse.public_key}:{langfuse.secret_key}")
    with urllib3.PoolManager(retries=False) as pool:
        url = f"{langfuse.host}/api/public/{path}"
        assert pool.request(method, url, json=body, headers=headers).status == status
