"""Limits and budgets that a program sets itself: what may be asked how often, at once, and for how much."""
