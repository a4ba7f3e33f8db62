"""A question in English, read by rules: roles by prepositions, stems by endings, names by capitals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from genai_integrations.cache.semantic.language.closed_classes import (
    FUNCTION_WORDS,
    NEGATIONS,
)
from genai_integrations.cache.semantic.language.reading import Asks, Kind, Reading, Role, Word
from genai_integrations.cache.semantic.language.stems import (
    bases,
    name_forms,
    noun_forms,
    stem,
    verb_forms,
)
from genai_integrations.cache.semantic.language.tables import (
    NUMBER_WORDS,
    SCALES,
    TIME_WORDS,
    UNIT_WORDS,
)

_TOKEN = re.compile(
    r"\d+(?:[.,:/-]\d+)*|(?<![A-Za-z0-9])\.[A-Za-z]{2,}|[A-Za-z]+(?:\+\+|#|\.[A-Za-z]{2,})|[A-Za-z][A-Za-z0-9]*|[%$€£¥₩°]"
)
_ORDINAL = re.compile(r"^(?:st|nd|rd|th)$")
_ROLES = {
    "from": Role.FROM, "to": Role.TO, "into": Role.TO, "in": Role.IN, "on": Role.IN, "at": Role.IN,
    "within": Role.IN, "for": Role.FOR, "inside": Role.IN, "by": Role.BY, "with": Role.BY, "via": Role.BY,
    "using": Role.BY, "of": Role.OF, "about": Role.OF, "than": Role.THAN,
}  # fmt: skip

_FRAMES = re.compile(
    r"\b(?:(?:can|could|would|will) you (?:please )?(?:help me (?:to )?|tell me |show me |give me |let me know )?(?=explain|describe|define|tell|how|what|why|when|where|who)"
    r"|(?:[iI] )?(?:want|would like|wish|d like) to know|[iI]d like to know|do you know|tell me|give me|show me|let me know|help me(?: to)?"
    r"|[iI] (?:want|would like|wish|d like) (?=to)|please|(?:[iI] have )?(?:a |one )?(?:quick )?question:?)\b"
)
"""Words that only ask to be told."""
_ANYBODY = re.compile(r"\b(how (?:do|can|would|should|could)) (?:you|we|one|people)\b")
"""`how do you` as `how do I`: anybody."""

_UNITS_OF_TIME = "seconds|minutes|hours|days|weeks|months|years"
_ASKS: tuple[tuple[str, frozenset[Asks], str], ...] = tuple(
    (pattern, frozenset(asks), also)
    for pattern, asks, also in (
        (r"\b(?:what (?:is|are) )?(?:the )?differences? between\b|\bhow (?:does|do|is|are)\b(?=.*\bdiffer)", (Asks.DIFFERENCE,), r"\b(?:differs?|different)(?: from)?\b"),
        (rf"\bhow (?:long|many (?:{_UNITS_OF_TIME})(?= (?:does|do|did|will|would)\b.*\b(?:take|last)\b))\b", (Asks.DURATION,), r"\b(?:takes?|lasts?)\b"),
        (r"\bhow far\b(?: away)?|\b(?:what (?:is|are) )?the distance\b", (Asks.DISTANCE,), ""),
        (r"\bhow (?:often|frequently)\b", (Asks.FREQUENCY,), ""),
        (r"\bhow old\b", (Asks.AGE,), ""),
        (r"\bhow (?=(?:big|large|small|tall|high|wide|deep|heavy|thick|fast|hot|cold|strong)\b)", (Asks.SIZE,), ""),
        (r"\bhow soon\b|^when\b|\bwhen (?=(?:is|are|do|does|did|will|can|should|was|were|may)\b)|\b(?:at )?what time\b|\b(?:on |in )?(?:what|which) (?=(?:day|date|year|month)\b)", (Asks.WHEN,), ""),
        (r"\bhow much (?=(?:is|are|does|do|did|will|would)\b)|\bwhat (?:is|are) the (?:price|cost)s? (?:of|for)\b", (Asks.AMOUNT,), r"\bcosts?\b"),
        (r"\bhow (?:much|many)\b|\bwhat is the number of\b", (Asks.COUNT,), ""),
        (r"\bwhy\b|\bwhat (?:is|are) the (?:reasons? (?:for|why|that|of)?|causes? of)|\bwhat (?:makes|causes?)\b|\bhow come\b", (Asks.WHY,), ""),
        (r"\b(?:explain|describe|define|what is the (?:definition|meaning) of)\b(?!.*\b(?:how|why|when|where|who)\b)", (Asks.WHAT,), ""),
        (r"\bwhat does\b(?=.*\b(?:mean|stand for)\W*$)", (Asks.WHAT,), r"\b(?:mean|stand for)\W*$"),
        (r"\b(?:explain |describe )?how\b|\b(?:what (?:is|are) |is there )?(?:the |a |any )?(?:ways?|steps|procedure|method|instructions) (?=(?:to|of|for|from)\b)|\bwhat (?:do|must|should) [iI] (?:have to |need to )?do (?=to\b)", (Asks.HOW,), ""),
        (r"\bwhere\b", (Asks.WHERE,), ""),
        (r"\bwho(?:m|se)?\b", (Asks.WHO,), ""),
        (r"\bwhat\b|\bwhich\b", (Asks.WHAT,), r"\bhave\W*$|\blike\b(?= (?:in|at|on)\b|\W*$)"),
        (r"\bshould\b", (Asks.SHOULD,), ""),
        (r"\bneed(?:s|ed)?(?: to)?\b|\b(?:have|has) to\b|\bmust\b|\brequired(?: to)?\b|\bnecessary(?: to)?\b", (Asks.NEED,), ""),
        (r"\bcan\b|\bcould\b|\bmay\b|\bis it (?:possible|allowed) to\b|\ballowed\b", (Asks.CAN,), ""),
        (r"^(?:is|are|do|does|did|was|were|will|has|have|am)\b", (Asks.WHETHER,), ""),
    )
)  # fmt: skip
"""The first that is found says what a question asks, and is no content; nor is what the last column finds."""
_ASKS_RULES = tuple(
    (re.compile(pattern), asks, re.compile(also) if also else None) for pattern, asks, also in _ASKS
)
_TENSE = re.compile(r"\b(?:did|was|were|had|will|shall)\b")

_PARTS = {"turn", "switch", "log", "sign", "opt", "check"}
"""Verbs that mean something else with a particle, up to four words later."""


def read_english(text: str, quoted: tuple[str, ...] = ()) -> Reading:
    """Read a question.

    Args:
        text: In English, without what stands in quotation marks.
        quoted: What stood there.
    """
    text = _plain(text)
    text, asks = _asked(_ANYBODY.sub(r"\1 I", _FRAMES.sub(" ", text)).strip())
    tokens = _joined([match.group() for match in _TOKEN.finditer(text)])
    negations = sum(token.lower() in NEGATIONS for token in tokens)
    words = tuple(_words(tokens, asks))
    if len(words) == 1 and Asks.WHAT in asks:
        # What something is: `banking` is another thing than `bank`.
        words = (_as_a_thing(words[0]),)
    return Reading("en", words, asks, negations, quoted)


def _as_a_thing(word: Word) -> Word:
    """Without what it would be as a form of a verb or of a pole: `lighting` is no form of `light`."""
    if word.is_scale and word.text.endswith(("ing", "ed")) and word.text not in SCALES:
        return replace(word, forms=frozenset((word.text,)), kind=Kind.PLAIN, is_scale=False)
    return replace(word, forms=frozenset(form for form in word.forms if form[:1] != "~"))


_BEGINNING = re.compile(r"(?:^|[.?!]\s+)[\"'(]*[A-Z](?=[a-z]*\b)")


def _plain(text: str) -> str:
    """Without what English writes otherwise where it means the same: capitals of beginnings, apostrophes, hyphens."""
    text = _BEGINNING.sub(lambda found: found.group().lower(), text)
    text = re.sub(r"(?i)\b(what|who|where|how|when|it|that|there|let)['’]s\b", r"\1 is", text)
    text = re.sub(r"(?i)n['’]t\b", "nt", text)
    text = re.sub(r"['’]s\b", "", text)
    text = re.sub(r"['’](?=[a-z])", "", text)
    return re.sub(r"\b([A-Za-z]{1,2})-(?=[A-Za-z])", r"\1", text).replace("-", " ").strip()


def _asked(text: str) -> tuple[str, frozenset[Asks]]:
    """The text without the words of asking, and what it asks; a tense stays."""
    for rule, asks, also in _ASKS_RULES:
        found = rule.search(text)
        if found is not None:
            kept = " ".join(_TENSE.findall(found.group()))
            text = f"{text[: found.start()]} {kept} {text[found.end() :]}"
            return (also.sub(" ", text) if also else text).strip(), asks
    return text, frozenset((Asks.WHAT,))


def _joined(tokens: list[str]) -> list[str]:
    """`turn it on` as `turn_on it`."""
    found: list[str] = []
    taken: set[int] = set()
    for at, token in enumerate(tokens):
        if at in taken:
            continue
        verb = stem(token.lower())
        if verb in _PARTS:
            for later in range(at + 1, min(at + 6, len(tokens))):
                particle = tokens[later].lower()
                if f"{verb}_{particle}" in SCALES:
                    taken.add(later)
                    found.append(f"{verb}_{particle}")
                    break
            else:
                found.append(token)
        else:
            found.append(token)
    return found


def _words(tokens: list[str], asks: frozenset[Asks]) -> Iterator[Word]:
    roles: frozenset[Role] = frozenset()
    for at, token in enumerate(tokens):
        lower = token.lower()
        before = tokens[at - 1].lower() if at else ""
        if lower in _ROLES:
            roles = _role(lower, tokens, at)
        fixed = _fixed(token, lower, tokens, at)
        if fixed:
            name, is_scale = fixed
            if is_scale and (degree := _degree(lower)):
                yield Word(lower, frozenset((SCALES[degree],)), Kind.FIXED, roles, True)
            yield Word(lower, frozenset((name,)), Kind.FIXED, roles, is_scale)
            if not is_scale:
                roles = roles if name.startswith("number") else frozenset()
        elif Asks.WHO in asks and lower in _ME:
            yield Word(lower, frozenset(("time me",)), Kind.FIXED, roles, True)
        elif (
            lower in NEGATIONS
            or _ORDINAL.match(lower)
            or (lower in FUNCTION_WORDS and (token.islower() or lower == "i"))
        ):
            continue
        else:
            kind = Kind.NAME if _is_name(token) else Kind.PLAIN
            is_common = kind is Kind.PLAIN and (before in ("a", "an") or lower.endswith("s"))
            forms = name_forms(token) if kind is Kind.NAME else _forms(lower, before)
            yield Word(lower, forms, kind, roles, is_common=is_common)
            # Only the word before another noun belongs to the same phrase.
            if kind is Kind.NAME or not _goes_on(tokens, at):
                roles = frozenset()


_DETERMINERS = frozenset(
    "a an the my your his her its our their this that these those each every another".split()
)
"""Words behind which a noun stands: `an account` is no form of `accounting`."""


def _forms(word: str, before: str) -> frozenset[str]:
    """What a word may be the same by."""
    nouns = noun_forms(word)
    is_plural = len(nouns) > 1 and word.endswith("s")
    if is_plural or (before in _DETERMINERS and not word.endswith("ed")):
        return nouns
    return nouns | verb_forms(word)


_ME = frozenset("i me we us".split())
"""Who asks for a person may be one of those that the question is about: `who called me`, `whom did I call`."""


def _role(preposition: str, tokens: list[str], at: int) -> frozenset[Role]:
    """What a preposition says; nothing where `to` only begins an infinitive, after a word without content."""
    before = tokens[at - 1].lower() if at else ""
    if preposition == "to" and (
        before in FUNCTION_WORDS or before in _BEFORE_INFINITIVES or not before
    ):
        return frozenset()
    return frozenset((_ROLES[preposition],))


_BEFORE_INFINITIVES = frozenset(
    "way ways steps possible able necessary required allowed safe".split()
)


def _goes_on(tokens: list[str], at: int) -> bool:
    """Whether the phrase goes on after this word: another content word follows at once."""
    if at + 1 >= len(tokens):
        return False
    following = tokens[at + 1].lower()
    return following not in FUNCTION_WORDS and following not in NEGATIONS


def _fixed(token: str, lower: str, tokens: list[str], at: int) -> tuple[str, bool] | None:
    """What a word of a closed class stands for, and whether that is a pole of a scale."""
    if lower == "may" and token[0].isupper():
        return TIME_WORDS["may"], True
    if token[0].isdigit():
        return f"number {re.sub(r',(?=[0-9]{3}(?:[^0-9]|$))', '', token)}", False
    if (
        lower in NUMBER_WORDS
        and lower != "one"
        and not (lower == "second" and _is_unit(tokens, at))
    ):
        return NUMBER_WORDS[lower], False
    if BITS.fullmatch(token):
        return f"unit {lower}it", False
    forms = (*bases(lower), _comparative(lower))
    for words, is_scale in ((UNIT_WORDS, False), (TIME_WORDS, True), (SCALES, True)):
        for form in forms:
            if form in words and not _is_mere_word(lower, token, at, tokens):
                return words[form], is_scale
    return None


BITS = re.compile("[KMGT]b")
"""`Mb` is megabits, where `MB` is megabytes and `mb` may be either."""


def _is_unit(tokens: list[str], at: int) -> bool:
    return at > 0 and (tokens[at - 1][0].isdigit() or tokens[at - 1].lower() == "per")


_ONLY_AFTER_NUMBERS = frozenset("min sec g m l b w v mi us hr lb oz pound foot second".split())


def _is_mere_word(form: str, token: str, at: int, tokens: list[str]) -> bool:
    """Whether a unit's or a month's letters are something else here."""
    if form in _ONLY_AFTER_NUMBERS:
        return not (at > 0 and tokens[at - 1][0].isdigit())
    if form in ("march", "may"):
        return not token[0].isupper()
    return (
        form in ("up", "down")
        and token.islower()
        and at > 0
        and stem(tokens[at - 1].lower()) in ("set", "back", "break")
    )


def _degree(word: str) -> str | None:
    """`most` for `tallest`, `more` for `taller`."""
    if any(form in SCALES for form in bases(word)) or _comparative(word) == word:
        return None
    return "most" if word.endswith("est") else "more"


def _comparative(word: str) -> str:
    """`tallest` and `taller` as `tall`; the word itself if it is none."""
    for ending in ("iest", "ier"):
        if word.endswith(ending):
            return word[: -len(ending)] + "y"
    for ending in ("est", "er"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            short = word[: -len(ending)]
            for form in (short, f"{short}e"):
                if form in SCALES:
                    return form
            if short[-1] == short[-2] and short[:-1] in SCALES:
                return short[:-1]
    return word


def _is_name(token: str) -> bool:
    return not token.isalpha() or any(letter.isupper() for letter in token)
