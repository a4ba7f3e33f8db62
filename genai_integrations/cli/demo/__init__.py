"""`genai demo`: the whole way on this machine. A program of a user's own kind: it uses both adapters."""
