"""Every call as one generation in Langfuse."""
