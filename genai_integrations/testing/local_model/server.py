"""The process that serves the demo's language model, OpenAI-compatible and on loopback only.

`LocalModel` starts it. It is no server for anything else: the first line on standard input is the
key that requests must carry, one line of JSON on standard output says where it listens, and the
end of standard input, which is also what the parent's death looks like, ends it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from urllib.parse import urlsplit


def main(arguments: Sequence[str]) -> None:
    """Serve until standard input ends, then end the process."""
    _set_signals()
    answer = os.dup(1)
    os.dup2(2, 1)  # llama.cpp writes to both; only the answer may reach the parent's pipe
    status = 1
    try:
        _serve(_options(arguments), answer)
        status = 0
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent reads it in the log
        sys.stderr.writelines(traceback.format_exception_only(error))
        sys.stderr.flush()
    os._exit(status)  # llama.cpp's threads do not survive an orderly end of the interpreter


def _set_signals() -> None:
    # Ctrl-C reaches every process of the terminal, and the parent closes this one in its own order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--alias", required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--predict", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args(arguments)


def _serve(options: argparse.Namespace, answer: int) -> None:
    import xllamacpp

    key = sys.stdin.readline().strip()
    server = xllamacpp.Server(_parameters(options, key))
    _set_signals()  # the server has put its own in place, which do not end the process
    address: str = server.listening_address
    _wait_until_healthy(address)
    os.write(answer, json.dumps({"url": f"{address}/v1"}).encode() + b"\n")
    sys.stdin.read()


def _parameters(options: argparse.Namespace, key: str) -> object:
    from xllamacpp import CommonParams

    parameters = CommonParams()
    parameters.model.path = options.weights
    parameters.model_alias = options.alias
    parameters.hostname = "127.0.0.1"
    parameters.port = 0  # the system's choice
    parameters.api_keys = [key]
    parameters.n_ctx = options.context
    parameters.n_parallel = options.slots
    parameters.n_predict = options.predict
    parameters.cpuparams.n_threads = options.threads
    parameters.cpuparams_batch.n_threads = options.threads
    parameters.use_jinja = True
    parameters.embedding = False
    parameters.webui = False
    return parameters


def _wait_until_healthy(address: str) -> None:
    """Return at the first 200; the parent's patience is what bounds the wait."""
    while not _healthy(address):
        time.sleep(0.05)


def _healthy(address: str) -> bool:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main(sys.argv[1:])
