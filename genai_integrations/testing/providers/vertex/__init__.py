"""Gemini on Vertex AI: its routes, and the tokens that open them."""
