"""The words of one call: what it asks, how it is routed, what comes back, and what was tried."""
