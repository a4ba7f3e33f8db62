"""Gemini, of AI Studio and of Vertex AI, as a `Dialect`."""
