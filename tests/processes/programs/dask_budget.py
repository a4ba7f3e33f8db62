"""A hundred rows by Dask's workers, whose clients are made from one configuration: prints how many were answered."""

from __future__ import annotations

import sys

import dask.bag
from dask.distributed import LocalCluster

from genai_integrations import default_client


def ask(numbers, client):
    """Whether each row has an answer."""
    requests = [
        {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": f"q{number}"}],
            "max_tokens": 3,
        }
        for number in numbers
    ]
    return [type(item.error).__name__ for item in client.batch(requests)]


if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=2) as cluster, cluster.get_client():
        rows = dask.bag.from_sequence(range(100), npartitions=10)
        found = rows.map_partitions(ask, default_client()).compute()
    sys.stdout.write(f"{found.count('NoneType')} {found.count('BudgetExceededError')}\n")
