"""A Celery application whose tasks ask a model, and whose client is used before the workers are forked."""

from __future__ import annotations

import sys
from pathlib import Path

from asked import ask
from celery import Celery

QUEUE = Path("queue")
QUEUE.mkdir(exist_ok=True)
app = Celery("tasks", broker="filesystem://", backend=f"file://{QUEUE.resolve()}")
app.conf.broker_transport_options = {"data_folder_in": QUEUE, "data_folder_out": QUEUE}
app.conf.broker_connection_retry_on_startup = True
if "worker" in sys.argv:
    ask("warm")


@app.task
def question(text):
    """Ask, and tell which process did."""
    return ask(text)


if __name__ == "__main__":
    results = [question.delay(text) for text in sys.argv[1:]]
    print({result.get(60) for result in results})
