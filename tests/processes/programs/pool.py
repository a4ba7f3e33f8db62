"""A process pool whose workers ask a model; leaving its block ends them by SIGTERM."""

from __future__ import annotations

import multiprocessing
import sys

from asked import ask, client

if __name__ == "__main__":
    start, *texts = sys.argv[1:]
    if start == "fork":
        ask("warm")
        client.flush()
    with multiprocessing.get_context(start).Pool(4) as pool:
        pool.map(ask, texts, chunksize=5)
