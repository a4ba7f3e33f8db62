"""`genai gateway`: serve models to others."""
