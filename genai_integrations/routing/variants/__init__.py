"""Experiments and rollouts: which model answers a call, and whether the new one may go on."""
