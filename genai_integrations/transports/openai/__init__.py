"""OpenAI's dialect, spoken by ourselves, and what each provider's copy of it does otherwise."""
