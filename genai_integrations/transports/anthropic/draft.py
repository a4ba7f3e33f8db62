"""A request on its way into Anthropic's shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from genai_integrations.calls.args import DropParams, may_drop
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.transports.anthropic.models import Claude, claude
from genai_integrations.transports.anthropic.tools import ToolNames


@dataclass(slots=True)
class Draft:
    """What is still as the caller wrote it, and what is translated. Each step takes from the one and adds to the other.

    Attributes:
        left: Parameters that no step has taken. Those that none takes are sent as they are.
        body: The request as far as it is translated.
        model: What the model takes.
        names: The names of the tools.
        drop_params: Which parameters may be left out.
        words: What the system has to say beside what the caller wrote.
    """

    left: Wire
    body: Wire
    model: Claude
    names: ToolNames
    drop_params: DropParams
    words: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, call: WireCall) -> Draft:
        """A call of which nothing is translated."""
        left = {name: value for name, value in call.body.items() if value is not None}
        names = ToolNames(left.get("tools"))
        model = claude(call.connection.provider.name, call.model)
        return cls(left, {"model": call.model}, model, names, call.drop_params)

    def take(self, name: str) -> Any:
        """A parameter's value, which is seen to from here on; None without one."""
        return self.left.pop(name, None)

    def leaves_out(self, name: str) -> bool:
        """Leave a parameter out, if the caller allows it. If not it is sent, and the API says no."""
        if may_drop(name, self.drop_params):
            self.left.pop(name, None)
            return True
        return False
