"""What a gateway is made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from genai_integrations.gateway.callers import Keys

if TYPE_CHECKING:
    from genai_integrations.gateway.routes import Row


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What a gateway is made with.

    Attributes:
        keys: Knows callers.
        rows: Routes beside those of the table in `app.py`, which win.
        max_body: Bytes of a request's body at most; pictures are sent in it.
        body_timeout: Seconds in which a body must have arrived.
        drain_delay: Seconds after SIGTERM in which new connections are still taken, so that balancers can hear that
            this worker is not ready any more. Streams are never cut.
        operator_token: What the operator shows for `/metrics` and the figures of all projects; see `operator.py`.
        run_dir: The folder in which the workers of one gateway sum up what they count; None for a worker alone.
    """

    keys: Keys
    rows: Sequence[Row] = ()
    max_body: int = 32 << 20
    body_timeout: float = 30.0
    drain_delay: float = 2.0
    operator_token: str | None = field(default=None, repr=False)
    run_dir: Path | None = None
