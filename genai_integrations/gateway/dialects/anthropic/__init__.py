"""Anthropic's Messages API, as callers of the gateway speak it."""
