"""OpenAI's Responses API, as callers of the gateway speak it."""
