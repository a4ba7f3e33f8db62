"""Langfuse as the home of keys: its database, its project, its encryption, its SDK."""
