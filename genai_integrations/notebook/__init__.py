"""Jupyter: `%load_ext genai_integrations` gives `%genai` and `%%genai`."""
