"""Langfuse prompts as LlamaIndex's templates, looked up at every use."""
