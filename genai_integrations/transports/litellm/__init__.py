"""The long tail of providers, whose dialects LiteLLM translates."""
