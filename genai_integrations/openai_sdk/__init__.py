"""OpenAI's own SDK over this router, in the same process: what `GenAIClient.as_openai` gives."""
