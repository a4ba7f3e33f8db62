"""What processes tell each other: counts, decisions and cooldowns, each read from a mirror in memory.

A call reads and writes the mirror only. A thread beside the calls tells the store what changed and takes over what
others told it, several times a second; while the store is away, everything goes on with what is known.
"""
