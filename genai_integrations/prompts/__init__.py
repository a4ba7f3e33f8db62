"""Langfuse prompts: fetched through the Langfuse SDK's cache, parsed once, rendered by ourselves."""
