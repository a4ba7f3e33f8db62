"""`%genai` and `%%genai`."""

from __future__ import annotations

import re
import shlex
from argparse import Namespace
from typing import Any, cast

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import DisplayHandle

from genai_integrations.client import GenAIClient, default_client
from genai_integrations.errors import ConfigurationError, GenAIError
from genai_integrations.limits.purse import Purse
from genai_integrations.notebook.answers import Answers
from genai_integrations.notebook.prompting import as_prompt, messages_of
from genai_integrations.notebook.streaming import stream_all
from genai_integrations.prompts.template import Prompt

_LINE = re.compile(r"""(?s)(?P<head>(?:"[^"]*"|'[^']*'|[^"':]|:(?!\s))*):\s+(?P<text>.+)""")
"""`MODELS AND OPTIONS: PROMPT`. A colon inside a model's name has no space after it."""


@magics_class
class GenAIMagics(Magics):
    """The magics, and the notebook's variables that they see."""

    @magic_arguments()
    @argument("models", nargs="+", help="Models to ask, all at once.")
    @argument(
        "--prompt", help="A variable that holds a template, or the name of a Langfuse prompt."
    )
    @argument(
        "--var",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="A value for the prompt; the one variable left open is filled in with the cell's text.",
    )
    @argument("--system", help="A system message.")
    @argument("--temperature", type=float, help="The sampling temperature, from 0.")
    @argument("--max-tokens", type=int, help="The most tokens in an answer.")
    @argument(
        "--max-usd",
        type=float,
        help="Most US dollars that the whole cell may cost at worst, all models together.",
    )
    @argument("--out", metavar="NAME", help="Keep the answers in this variable too.")
    @argument(
        "--client",
        metavar="NAME",
        help="The variable that holds the client. Without it: `client`, else one made of the environment.",
    )
    @line_cell_magic
    def genai(self, line: str, cell: str | None = None) -> Answers:
        """Ask models, and see their answers side by side as they come.

        In a line: `%genai gpt-4o-mini: What is Python?`. In a cell, the question is what stands below:
        `%%genai gpt-4o-mini claude-sonnet-4-5 --system "Be brief"`. As with every magic, `{name}` and
        `$name` in the line are replaced by the notebook's variables, and the cell's text is taken as it is.
        """
        __tracebackhide__ = True  # an interrupt shows the cell, and not this
        try:
            options, text = self._parsed(line, cell)
            client, prompt = self._client(options.client), self._prompt(options)
            messages = messages_of(text, prompt, dict(map(_pair, options.var)), options.system)
            params = _params(options, prompt)
        except GenAIError as error:
            raise UsageError(str(error)) from None
        answers = Answers.to(options.models)
        if options.out:
            self._variables[options.out] = answers
        try:
            stream_all(client, answers, messages, params, self._screen(answers))
        except KeyboardInterrupt:
            raise KeyboardInterrupt("every call is closed") from None
        return answers

    @property
    def _variables(self) -> dict[str, object]:
        return cast("dict[str, object]", self._shell.user_ns)

    @property
    def _shell(self) -> Any:
        return self.shell

    def _parsed(self, line: str, cell: str | None) -> tuple[Namespace, str]:
        text = cell
        if text is None:
            match = _LINE.fullmatch(line)
            if match is None:
                raise ConfigurationError("write `%genai MODEL: question`, or `%%genai MODEL`")
            line, text = match["head"], match["text"]
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise ConfigurationError(f"{error} in {line!r}") from None
        options: Namespace = self.genai.parser.parse_args(words)
        if options.out and not options.out.isidentifier():
            raise ConfigurationError(f"--out takes the name of a variable, not {options.out!r}")
        return options, text

    def _client(self, name: str | None) -> GenAIClient:
        found = self._variables.get(name or "client")
        if isinstance(found, GenAIClient):
            return found
        if name:
            raise ConfigurationError(f"there is no GenAIClient in the variable {name!r}")
        return default_client()

    def _prompt(self, options: Namespace) -> Prompt | None:
        if options.prompt is None:
            return None
        if options.prompt in self._variables:
            return as_prompt(options.prompt, self._variables[options.prompt])
        name, _, which = options.prompt.partition("@")
        client = self._client(options.client)
        if which.isdecimal():
            return client.prompt(name, version=int(which))
        return client.prompt(name, label=which or None)

    def _screen(self, answers: Answers) -> Any:
        """What draws the answers. A terminal cannot draw anew what has scrolled by, so it gets the end only."""
        if not hasattr(self._shell, "kernel"):
            return lambda: None
        answers.shown_in = self._shell.execution_count
        handle: Any = DisplayHandle()
        handle.display(answers.bundle(), raw=True)
        return lambda: handle.update(answers.bundle(), raw=True)


_QUESTION = re.compile(r"(?P<before>\s*(?:\w+\s*=\s*)?)%genai\s+(?P<line>.+:\s.+\?)\s*")


def keep_question_marks(lines: list[str]) -> list[str]:
    """Turn `%genai MODEL: question?` into a call, before IPython takes the `?` for a wish for help."""
    return [
        f"{match['before']}get_ipython().run_line_magic('genai', {match['line']!r})\n"
        if (match := _QUESTION.fullmatch(line))
        else line
        for line in lines
    ]


def register(shell: Any) -> None:
    """Make the magics known, also when they are loaded again."""
    shell.register_magics(GenAIMagics)
    if keep_question_marks not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(keep_question_marks)


def _params(options: Namespace, prompt: Prompt | None) -> dict[str, object]:
    # Only what comes from Langfuse has a version, to which the trace is linked.
    linked = prompt if prompt and prompt.version else None
    given = {
        "temperature": options.temperature,
        "max_tokens": options.max_tokens,
        # One purse, from which all the cell's calls take.
        "max_cost": None if options.max_usd is None else Purse(options.max_usd),
        "langfuse_prompt": linked,
    }
    return {name: value for name, value in given.items() if value is not None}


def _pair(word: str) -> tuple[str, str]:
    name, found, value = word.partition("=")
    if not found:
        raise ConfigurationError(f"--var takes NAME=VALUE, not {word!r}")
    return name, value
