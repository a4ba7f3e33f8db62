"""What the policy asks the flow of a call to do, and the flow its driver, and what comes back.

Each step says in its docstring what is to be sent back; an error of ours is an outcome, too. Those that many calls
take are tuples, which are made in a third of the time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from genai_integrations.calls.request import Request
from genai_integrations.calls.route import Attempt, Route
from genai_integrations.calls.wire import Wire, WireCall
from genai_integrations.connections.connection import Connection
from genai_integrations.errors import GenAIError
from genai_integrations.routing.deployments import Target
from genai_integrations.routing.judging import JudgeOfAnswers
from genai_integrations.routing.observing import Observer
from genai_integrations.routing.probe import Probe

if TYPE_CHECKING:
    from genai_integrations.prompts.langfuse_prompts import LangfusePrompts
    from genai_integrations.routing.caching import Memory
    from genai_integrations.routing.running import Running


class Try(NamedTuple):
    """Make one attempt, and send back the error or None."""

    target: Target
    reason: str
    timeout: float


class Wait(NamedTuple):
    """Sleep, and send back None."""

    seconds: float


class AwaitProbe(NamedTuple):
    """Wait until one of these probes of other calls is done, at most so long, and send back None."""

    probes: Sequence[Probe]
    seconds: float


class Room(Protocol):
    """What a call asks for before an attempt: see `turns.Turns`."""

    def take(self, target: Target) -> object:
        """None if it got what the attempt needs, else why not."""
        ...

    def atake(self, target: Target) -> Awaitable[object]:
        """As `take`."""
        ...


class Admit(NamedTuple):
    """Take what limits and budgets have for an attempt, and send back None, or why it may not be made now."""

    room: Room
    target: Target


class NewKey(NamedTuple):
    """Read the target's connection again, and send back the target with its new key, or None."""

    target: Target


class Ready(NamedTuple):
    """Let an observer make what it makes once, which may take seconds."""

    observer: Observer


class Load(NamedTuple):
    """Read the connections, and send back a snapshot.

    Attributes:
        refused: A connection whose key a provider refused, so that another key is wanted; None if any will do.
        ends: The moment at which the call is over.
    """

    refused: Connection | None
    ends: float | None


class Recall(NamedTuple):
    """Look a kept answer up, and send it back as `Recalled`, or None."""

    memory: Memory


class Follow(NamedTuple):
    """Wait for the call that asks the same just now, at most so long, and send back what it brought.

    That is None if nobody asks, so that this call does, or if it brought nothing; and a TimeoutError if it took longer.
    """

    memory: Memory
    seconds: float


class Renew(NamedTuple):
    """Have a newer answer fetched in the background, unless that is being done."""

    memory: Memory


class Prepare(NamedTuple):
    """Have everything loaded that the transport takes for a call: an import is not the provider's time."""

    call: WireCall
    ends: float | None


class FindPrompt(NamedTuple):
    """Look for the version of a prompt that has a label, and send it back, or None."""

    prompts: LangfusePrompts
    name: str
    label: str


class Send(NamedTuple):
    """Make one attempt, and send back the reply or, for a stream, `Opened` with its first content.

    Attributes:
        call: What to send where.
        stream: Whether chunks are wanted.
        timeout: Seconds to the reply, or to a stream's first content.
        idle: Seconds that a stream may be silent after that.
        ends: The moment at which the call is over.
        stall: Seconds to each further chunk of a stream; None for no bound but `idle`.
        turn: What is done to the reply or to each chunk; None leaves them as they come.
    """

    call: WireCall
    stream: bool
    timeout: float
    idle: float
    ends: float | None
    stall: float | None = None
    turn: Callable[[Wire], Wire] | None = None


class Opened(NamedTuple):
    """A stream that has shown its first content.

    Attributes:
        held: Its chunks up to that.
        rest: Those to come: an iterator that can be closed, asynchronous under the async driver.
    """

    held: Sequence[Wire]
    rest: Any


class Race(NamedTuple):
    """Make an attempt, and another one beside it if the first is slow; send back whether one of them succeeded.

    Attributes:
        target: Name of the first target.
        first: The attempt.
        after: Seconds without an answer from it, of a stream without content, after which it is slow.
        second: Gives the name and the attempt of another target; None if there is to be none.
    """

    target: str
    first: Generator[Any, Any, bool]
    after: float
    second: Callable[[], tuple[str, Generator[Any, Any, bool]] | None]


class Begin(NamedTuple):
    """Send a request without waiting for it, and send back what runs."""

    send: Send


class AwaitFirst(NamedTuple):
    """Wait until one of these is over, at most so long (None waits on), and send back None."""

    running: Sequence[Running]
    seconds: float | None


class Judge(NamedTuple):
    """Ask a judge about an answer, and send back its verdict: an error, or None.

    Attributes:
        judge: Who is asked.
        request: What was asked.
        wire: The answer.
        may_block: Whether the judge may take its time, as a function of the program may.
    """

    judge: JudgeOfAnswers
    request: Request
    wire: Wire
    may_block: bool = False


class Drop(NamedTuple):
    """Close a stream that is not to be read."""

    stream: Opened


class Hand(NamedTuple):
    """Hand a stream to the caller, in place of the one before if there was one, and send back how it ended.

    Attributes:
        answers: How many alternatives were asked for: each must come to its end.
        held: Its chunks up to the first content.
        rest: Those to come; None for a stream that is all in `held`.
        route: Every attempt so far.
        assemble: Whether anybody wants to know the whole reply at its end.
        recovers: Whether another may follow where this one breaks.
    """

    answers: int
    held: Iterable[Wire]
    rest: Any
    route: Route
    assemble: bool
    recovers: bool = False


class Ending(NamedTuple):
    """How a stream ended.

    Attributes:
        usage: As reported.
        reply: The reply as far as it came, if it was assembled.
        error: What the caller gets, if it broke.
        is_whole: Whether it came to its end; else it broke, or the caller left it.
        model: As the stream names it where it tells its usage.
        tier: The service tier, as the same chunk names it.
        text: What came of a stream that is not whole.
    """

    usage: Wire | None
    reply: Wire | None
    error: GenAIError | None = None
    is_whole: bool = False
    model: object = None
    tier: object = None
    text: str = ""


class Keep(NamedTuple):
    """Keep an answer for the next one who asks the same.

    Attributes:
        memory: Knows the question.
        reply: The whole answer.
        attempt: Who gave it.
    """

    memory: Memory
    reply: Wire
    attempt: Attempt


Step = (
    Ready
    | Load
    | Recall
    | Follow
    | Admit
    | Renew
    | Prepare
    | FindPrompt
    | Send
    | Begin
    | AwaitFirst
    | Judge
    | Drop
    | Hand
    | Keep
    | Wait
    | AwaitProbe
)
"""What a driver is asked to do. It sends back the outcome named at the step; an error of ours is one, too."""

T = TypeVar("T")

Part = Generator[Step, Any, T]
"""A part of the call, and what comes of it: it yields steps, and is sent what each of them says that it brings."""
