"""LiteLLM's own Router over the stored connections."""

from __future__ import annotations


def test_litellms_router_calls_the_same_connections(client, regions):
    """The names are `connection/model`, and the keys are the stored ones."""
    router = client.litellm_router(num_retries=0)

    reply = router.completion("azure_test/gpt-4o", [{"role": "user", "content": "Hello!"}])

    assert reply.choices[0].message.content == "azure says: Hello!"
    assert regions["azure_test"].requests[-1].headers["api-key"] == "az-key"
