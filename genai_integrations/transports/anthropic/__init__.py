"""Anthropic's Messages API, spoken by ourselves: at Anthropic, on Azure AI Foundry and on Vertex AI.

Each module is one noun and all of its functions are pure: `address` and `betas` say where a request goes and what it
announces, `models` what a Claude takes, `parameters`, `thinking`, `schemas`, `tools`, `content` and `messages` turn the
parts of a request, `requests` puts them together; `replies`, `usage` and `events` read what comes back.
"""
