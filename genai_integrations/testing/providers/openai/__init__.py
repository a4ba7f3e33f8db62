"""OpenAI's chat completions and embeddings, and Azure's addresses."""
