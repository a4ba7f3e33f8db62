"""What a credential is, where it comes from, and which models it serves."""
