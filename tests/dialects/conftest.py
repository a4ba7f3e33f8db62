"""The dialects, each against its provider's documentation: what is sent, and what is made of the answers."""
