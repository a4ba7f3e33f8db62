"""What any concurrent program needs, and nothing of this one's subject."""
