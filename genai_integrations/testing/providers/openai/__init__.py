"""OpenAI's chat completions, embeddings and Responses, and Azure's addresses."""
