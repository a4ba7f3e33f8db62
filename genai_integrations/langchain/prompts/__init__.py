"""Langfuse prompts as LangChain's templates, looked up at every use."""
