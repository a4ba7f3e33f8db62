"""Anthropic's Messages API, and Claude on Vertex AI."""
