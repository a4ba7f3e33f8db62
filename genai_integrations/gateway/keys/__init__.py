"""Who may ask the gateway: Langfuse key pairs, and the narrower keys that their owners give out."""
