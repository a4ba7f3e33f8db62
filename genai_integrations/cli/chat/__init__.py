"""`genai chat`: a conversation in the terminal."""
