"""`genai doctor`: what is wrong with a set-up, and what to do next."""
