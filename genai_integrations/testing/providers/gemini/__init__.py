"""Google's Gemini API, as AI Studio serves it."""
