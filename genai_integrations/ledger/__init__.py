"""What was asked, how it went and what it cost: a file of one's own, and what can be read from it."""
