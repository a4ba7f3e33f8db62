"""A question in Korean, read by rules: roles by particles, stems by endings, what is asked by the words of asking.

There is no dictionary: endings and particles are closed classes, and are taken off where they may be ones. A word gets
each of the stems that it may have, so two forms of one verb have a common one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from genai_integrations.cache.semantic.language.closed_classes import (
    COUNTERS,
    FUNCTION_VERBS_KO,
    FUNCTION_WORDS_KO,
)
from genai_integrations.cache.semantic.language.english import BITS
from genai_integrations.cache.semantic.language.reading import Asks, Kind, Reading, Role, Word
from genai_integrations.cache.semantic.language.stems import bases, name_forms, noun_forms
from genai_integrations.cache.semantic.language.tables import (
    NUMBER_WORDS_KO,
    SCALES,
    SCALES_KO,
    TIME_WORDS_KO,
    UNIT_WORDS,
    UNIT_WORDS_KO,
)

_TOKEN = re.compile(
    r"\d+(?:[.,:/-]\d+)*|(?<![A-Za-z0-9])\.[A-Za-z]{2,}|[A-Za-z]+(?:\+\+|#|\.[A-Za-z]{2,})|[A-Za-z][A-Za-z0-9]*|[%$€£¥₩°]|[가-힣]+|\s+"
)

_PARTICLES: tuple[tuple[str, tuple[Role, ...]], ...] = (
    ("에서부터", (Role.FROM,)), ("으로부터", (Role.FROM,)), ("에게서", (Role.FROM,)), ("한테서", (Role.FROM,)),
    ("에서는", (Role.FROM, Role.IN)), ("에서도", (Role.FROM, Role.IN)), ("에서의", (Role.FROM, Role.IN)),
    ("에서", (Role.FROM, Role.IN)), ("부터", (Role.FROM,)), ("까지는", (Role.TO,)), ("까지의", (Role.TO,)), ("까지", (Role.TO,)),
    ("에게", (Role.TO, Role.FOR)), ("한테", (Role.TO, Role.FOR)), ("에는", (Role.IN, Role.TO, Role.FOR)), ("에도", (Role.IN, Role.TO, Role.FOR)),
    ("으로는", (Role.TO, Role.BY)), ("으로", (Role.TO, Role.BY)), ("로는", (Role.TO, Role.BY)),
    ("로", (Role.TO, Role.BY)), ("보다", (Role.THAN,)), ("이랑", ()), ("하고", ()), ("랑", ()), ("과", ()), ("와", ()),
    ("을", (Role.OBJECT,)), ("를", (Role.OBJECT,)), ("께서", (Role.SUBJECT,)), ("이라는", ()), ("라는", ()),
    ("이란", ()), ("란", ()), ("은", (Role.TOPIC,)), ("는", (Role.TOPIC,)), ("이", (Role.SUBJECT,)), ("가", (Role.SUBJECT,)),
    ("의", (Role.OF, Role.FROM, Role.IN, Role.FOR)), ("에", (Role.IN, Role.TO, Role.FOR)), ("도", ()), ("만", ()), ("마다", ()),
    ("처럼", ()), ("이나", ()), ("나", ()),
)  # fmt: skip
"""Particles and the roles that they may say; the topic's, 은 and 는, say none."""

_RISKY = frozenset(("이", "가", "의", "도", "만", "나", "로", "에", "과", "와", "란", "랑"))
"""Particles that are the end of many nouns: they are not taken off a word of two syllables."""

_COPULA = re.compile(
    r"(?:이?(?:에요|예요|야|냐|니|죠|지요|었나요|였나요|며)|입니까|입니다|인가요|인가|인지|이란|일까요|이라고|이에요|이고|인데요|인데)$"
)

_ENDINGS = re.compile(
    r"(?:으?려면|으?려고|으?려는데|고싶어요|는지|는데요?|는가요?|가요|나요|습니까|습니다|ㅂ니까|니까|니|"
    r"어야만|아야만|어야|아야|여야|야|어서|아서|여서|서|어요|아요|여요|요|어도|아도|여도|도|어|아|여|"
    r"으?면은?|면|고|기|지는?|지|는|은|을까요?|ㄹ까요?|까요?|을|던|게|도록|다가|다|며|으?세요|세요|십시오|"
    r"었을|았을|였을|었던|았던|었|았|였|겠|네요|데)+$"
)
_HADA = re.compile(
    r"^([가-힣]{2,}?)(?:하|해|했|할|한|합|되|돼|됐|될|된|됩|시키|시켜|시킬|받|받을)(?:[가-힣]*)$"
)
"""A noun made a verb: 취소하려면, 지급되나요, 발급받을. What follows is taken for endings."""

_CONTRACTED = {"ㅕ": "ㅣ", "ㅝ": "ㅜ", "ㅘ": "ㅗ", "ㅓ": "ㅡ", "ㅐ": "ㅏ", "ㅏ": "ㅡ"}
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_NIEUN, _RIEUL, _BIEUP, _SSANG_SIOS = 4, 8, 17, 20

_ASKS: tuple[tuple[re.Pattern[str], frozenset[Asks]], ...] = tuple(
    (re.compile(pattern), frozenset(asks))
    for pattern, asks in (
        (r"(?:의\s*)?(?<![가-힣])차이점?[은는이가를을에의]?(?![가-힣])|(?:어떻게|뭐가|무엇이)\s*(?:다[르른]|달라)[가-힣]*", (Asks.DIFFERENCE,)),
        (r"(?:얼마나|몇\s?(?:초|분|시간|일|주|달|개월|년)(?:이나)?)\s*(?:동안\s*)?(?:걸리|걸려|걸립|가나요|가요|오래\s?가)[가-힣]*", (Asks.DURATION,)),
        (r"얼마나\s*오래|(?:까지\s)?몇\s?(?:일|시간)\s*걸[가-힣]*", (Asks.DURATION,)),
        (r"기간[은이]?\s*(?:얼마|어떻게)[가-힣]*(?:\s*되[가-힣]*)?", (Asks.DURATION,)),
        (r"거리[는가]?\s*(?:얼마나?\s*[가-힣]*|\W*$)", (Asks.DISTANCE,)),
        (r"얼마나\s*자주|몇\s*번(?!째)(?:이나)?", (Asks.FREQUENCY,)),
        (r"몇\s*살[가-힣]*", (Asks.AGE,)),
        (r"얼마나\s*(?=크|큰|높|넓|길|긴|깊|빠르|빠른)", (Asks.SIZE,)),
        (r"(?:시기[가는]?\s*)?언제(?!나\s|든)[가-힣]*|(?:시간[은이]\s*)?몇\s*시(?!간)[가-힣]*|시기[는가]?\W*$", (Asks.WHEN,)),
        (r"(?<![가-힣])왜(?:\s(?:생기|발생하|일어나)[가-힣]*)?(?![가-힣])|(?:의\s|하는\s)?(?:이유|원인)(?:[은는이가]|[을를]|인지)?(?![가-힣])", (Asks.WHY,)),
        (r"어떻게\s*(?:되|돼)[가-힣]*", (Asks.AMOUNT,)),
        (r"필요(?:한가요?|하나요|해요?|합니까|할까요|로)", (Asks.NEED,)),
        (r"어떻게(?:\s*(?:하|해)[가-힣]*(?:\s*(?:하|되|돼)[가-힣]*)?)?(?![가-힣])|(?<=[는은])\s법[은이을]?(?![가-힣])|(?:방법|절차)[은이을]?(?![가-힣])", (Asks.HOW,)),
        (r"어디(?!나|든)(?:에서|서|에)?(?:인가요?|야|예요|에요|입니까|죠)?", (Asks.WHERE,)),
        (r"(?:누구(?!나|든)|누가)(?:인가요?|야|예요|에요|입니까|죠)?", (Asks.WHO,)),
        (r"(?:비용|가격|값)?[은이가]?\s*얼마(?!나)[가-힣]*", (Asks.AMOUNT,)),
        (r"얼마나", (Asks.COUNT,)),
        (r"몇", (Asks.COUNT,)),
        (r"(?:뭐가|무엇이|뭐)\s*있[가-힣]*", (Asks.THERE,)),
        (r"(?:무엇|뭐|뭔|뭘)(?:인가요?|인지|야|예요|에요|가요|지|입니까|이?죠|을|가|이에요)?|무슨|어떤\s*(?:것|게)[이가]?\s*있[가-힣]*|어떤|어느", (Asks.WHAT,)),
        (r"(?<=[가-힣])야\s*(?:하|할|되|될|돼)[가-힣]*", (Asks.NEED, Asks.SHOULD)),
        (r"가능(?:한가요?|합니까|할까요|해요?)|(?:[을를]\s)?수\s*있(?:나요|어요|습니까|을까요|니|는지)|되나요|되는지|돼요|될까요|되죠|되니", (Asks.CAN, Asks.WHETHER)),
        (r"려면(?![가-힣])|고\s*싶[가-힣]*", (Asks.HOW,)),
        (r"(?<=[가-힣])란\W*$|(?:에\s)?대해|추천(?=\s*(?:해|좀|부탁))", (Asks.WHAT,)),
        (r"나요|까요|니까|어요\W*$|인가요", (Asks.WHETHER,)),
    )
)  # fmt: skip
"""The first that is found says what a question asks, and is no content."""

_ENDING_ONLY = frozenset((Asks.CAN, Asks.WHETHER, Asks.NEED, Asks.SHOULD))

_REQUEST = re.compile(
    r"(?:좀\s*)?(?:에\s*(?:대해서?|관해서?)\s*)?(?:알려|가르쳐|설명해|말해)\s*(?:줘요?|주세요|주실\s?[가-힣]*|줄래[가-힣]*|주십시오|달라[가-힣]*|드려요)[\s.?!]*$"
    r"|(?:이\s)?궁금[가-힣]*[\s.?!]*$|(?:[이가]\s?)?(?:어때|어떤가)요?[\s.?!]*$"
    r"|(?:하려면|하고\s싶은데)\s(?=어떻게)|(?:무엇|뭔)인?지\s*$"
)
"""Words that only ask to be told."""

_NEGATION = re.compile(
    r"^(?:안|못)$|^안[되돼될된됐하해할한]|^못[하해했할한]|^없|^않|지않|^아니|^아닌|^말(?:고|아)|^마세요|^불가"
)


def read_korean(text: str, quoted: tuple[str, ...] = ()) -> Reading:
    """Read a question.

    Args:
        text: In Korean, perhaps with words in Latin letters, without what stands in quotation marks.
        quoted: What stood there.
    """
    text, asks = _asked(_said_otherwise(_REQUEST.sub(" ", text)).strip())
    text = text if Asks.THERE in asks else _WHAT.sub(" ", text)
    text = re.sub(r"[^\w\s%$€£¥₩°.+#/:,-]", " ", text)
    parts = [found for piece in text.split() if (found := _TOKEN.findall(piece))]
    words: list[Word] = []
    negations = 0
    for at, part in enumerate(parts):
        before = parts[at - 1][-1] if at else ""
        following = parts[at + 1][0] if at + 1 < len(parts) else ""
        found = list(_read(part, (before, following)))
        negations += sum(word is None for word in found)
        words.extend(word for word in found if word is not None)
    return Reading("ko", tuple(words), asks, negations, quoted)


_WHAT = re.compile(
    r"(?:무엇|뭐|뭔|뭘)(?:인가요?|인지|야|예요|에요|가요|지|입니까|이?죠|을|가|이에요)?(?![가-힣])"
)


def _said_otherwise(text: str) -> str:
    """With `며칠` as `몇 일`, `몇 원` as `원화 얼마`, and a noun without content where somebody is asked for: `쓴 사람은 누구` is `누가`."""
    text = re.sub(r"며칠", "몇 일", text)
    text = re.sub(r"몇\s*원[가-힣]*", "원화 얼마", text)
    return re.sub(r"사람[은이]?\s*(?=누구)", "것 ", text)


def _asked(text: str) -> tuple[str, frozenset[Asks]]:
    """The text without the words of asking, and what it asks."""
    for rule, asks in _ASKS:
        found = rule.search(text)
        if found is not None:
            # The end of a verb belongs to the verb.
            if asks <= _ENDING_ONLY and not text[found.start() - 1 : found.start()].isspace():
                return text, asks
            if found.group().startswith("려면"):
                return text, asks
            return f"{text[: found.start()]} {text[found.end() :]}", asks
    return text, frozenset((Asks.WHAT,))


def _read(pieces: list[str], around: tuple[str, str]) -> Iterator[Word | None]:
    """The words of what stands between two spaces; None for a negation."""
    for at, piece in enumerate(pieces):
        rest = pieces[at + 1] if at + 1 < len(pieces) else ""
        roles = frozenset(_particle(rest)[1]) if rest and not rest[0].isascii() else frozenset()
        before = pieces[at - 1] if at else ""
        if piece[0].isdigit():
            if f"{piece}월" not in TIME_WORDS_KO or not rest.startswith("월"):
                yield _fixed(piece, f"number {without_commas(piece)}", roles)
        elif piece[0].isascii() or not piece[0].isalpha():
            yield _latin(piece, before, roles)
        elif before and before[0].isdigit():
            yield from _counted(piece, before)
        elif not before or not _only_endings(piece):
            yield from _hangul(piece, around)


def without_commas(number: str) -> str:
    """`30,000` as `30000`."""
    return re.sub(r",(?=[0-9]{3}(?:[^0-9]|$))", "", number)


def _fixed(
    text: str, name: str, roles: frozenset[Role] = frozenset(), *, is_scale: bool = False
) -> Word:
    return Word(text, frozenset((name,)), Kind.FIXED, roles, is_scale)


def _latin(piece: str, before: str, roles: frozenset[Role]) -> Word:
    lower = piece.lower()
    if BITS.fullmatch(piece):
        return _fixed(lower, f"unit {lower}it", roles)
    unit = next((UNIT_WORDS[form] for form in bases(lower) if form in UNIT_WORDS), None)
    if unit and (not piece[0].isalpha() or before[:1].isdigit()):
        return _fixed(lower, unit, roles)
    scale = next((SCALES[form] for form in bases(lower) if form in SCALES), None)
    if scale:
        return _fixed(lower, scale, roles, is_scale=True)
    forms = noun_forms(lower) if piece.islower() else name_forms(piece)
    return Word(lower, forms, Kind.NAME, roles)


def _hangul(piece: str, around: tuple[str, str]) -> Iterator[Word | None]:
    before, following = around
    base, stems, roles = _stems(piece, following)
    if piece in NUMBER_WORDS_KO and any(following.startswith(one) for one in COUNTERS):
        yield _fixed(piece, NUMBER_WORDS_KO[piece])
        return
    if _NEGATION.search(piece):
        yield None
        return
    if piece in FUNCTION_WORDS_KO or base in FUNCTION_VERBS_KO or piece.startswith("싶"):
        return
    is_counted = before == "몇" or before in NUMBER_WORDS_KO
    for form in sorted(stems):
        if form in UNIT_WORDS_KO and (is_counted or form not in COUNTERS or piece == form):
            yield _fixed(form, UNIT_WORDS_KO[form], roles)
            return
        if form in TIME_WORDS_KO:
            yield _fixed(form, TIME_WORDS_KO[form], roles, is_scale=True)
            return
        if form in SCALES_KO:
            yield _fixed(form, SCALES_KO[form], roles, is_scale=True)
            return
    if not (is_counted and base in COUNTERS):
        yield Word(base, stems, Kind.PLAIN, roles)


def _counted(piece: str, number: str) -> Iterator[Word | None]:
    """What follows a number at once: a larger number's name, a counter, a unit."""
    if piece.startswith("월") and f"{number}월" in TIME_WORDS_KO:
        yield _fixed(number, TIME_WORDS_KO[f"{number}월"], is_scale=True)
        piece = piece[1:]
    while piece and piece[0] in "십백천만억":
        yield _fixed(piece[0], f"number {piece[0]}")
        piece = piece[1:]
    base, roles = _particle(piece)
    for length in range(len(piece), 0, -1):
        if piece[:length] in UNIT_WORDS_KO:
            yield _fixed(piece[:length], UNIT_WORDS_KO[piece[:length]], frozenset(roles))
            return
        if piece[:length] in COUNTERS:
            if piece[length:] in SCALES_KO:
                yield _fixed(piece, SCALES_KO[piece[length:]], is_scale=True)
            return
    if piece and not _only_endings(piece):
        yield Word(base, frozenset((base,)), Kind.PLAIN, frozenset(roles))


def _only_endings(piece: str) -> bool:
    """Whether it is particles and endings that follow a word in other letters."""
    if any(piece == particle for particle, _ in _PARTICLES) or _COPULA.fullmatch(piece):
        return True
    return bool(_ENDINGS.fullmatch(piece)) or _stems(piece, "")[0] in FUNCTION_VERBS_KO


def _particle(piece: str) -> tuple[str, tuple[Role, ...]]:
    """The word without its particle, and what that says."""
    for particle, roles in _PARTICLES:
        base = piece[: -len(particle)]
        if piece.endswith(particle) and (len(base) != 1 or particle not in _RISKY):
            return base, roles
    return piece, ()


def _stems(piece: str, following: str) -> tuple[str, frozenset[str], frozenset[Role]]:
    """The likeliest stem of a word, all that it may have, and the roles that its particle says."""
    piece = _COPULA.sub("", piece) or piece
    noun = _HADA.match(piece)
    if noun:
        return noun.group(1), frozenset((noun.group(1),)), frozenset()
    base, roles = _particle(piece)
    base = base or piece
    found = {base, piece}
    verb = piece[:-_LONGEST_ENDING] + _ENDINGS.sub("", piece[-_LONGEST_ENDING:])
    tail = piece[len(verb) :]
    # A noun of two syllables may end like a verb; what a verb alone has, says more.
    if verb and tail and (len(verb) > 1 or _VERB_TAIL.fullmatch(tail)):
        found |= _verb_stems(verb)
        if len(tail) > 1 and not roles:
            base = verb
            found -= {piece}
    if following.startswith(_AFTER_MODIFIERS):
        for form in _without_coda(base, (_NIEUN, _RIEUL)):
            found |= {form, form[:-1] + chr(ord(form[-1]) + _RIEUL)}
    return base, frozenset(found), frozenset(roles)


_LONGEST_ENDING = 8
"""Syllables; more than that is no word, and takes long to look through."""

_VERB_TAIL = re.compile(
    r"는|으?려면|으?려고|나요|어야|아야|야|고|으?면|는지|을까요?|까요|었\S+|았\S+|어요|아요|습니까|습니다|니까|는데요?|가요"
)

_AFTER_MODIFIERS = ("수", "때", "것", "거", "사람", "만한", "곳")
"""Words before which a verb ends in ㄴ or ㄹ."""


def _verb_stems(verb: str) -> set[str]:
    """A verb's stem and those that it may be contracted from: 걸려 is 걸리, 바꿔 is 바꾸."""
    codas = (_NIEUN, _RIEUL, _BIEUP, _SSANG_SIOS)
    found = {verb} | _without_coda(verb, codas)
    for form in list(found):
        at = ord(form[-1]) - 0xAC00
        if 0 <= at < 11172 and at % 28 == 0:
            vowel = _CONTRACTED.get(_VOWELS[at % 588 // 28])
            if vowel:
                found.add(form[:-1] + chr(0xAC00 + at // 588 * 588 + _VOWELS.index(vowel) * 28))
            # ㄹ is left out before ㄴ, ㅂ, ㅅ: 만드는 is 만들.
            found.add(form[:-1] + chr(ord(form[-1]) + _RIEUL))
    return found


def _without_coda(word: str, codas: tuple[int, ...]) -> set[str]:
    at = ord(word[-1]) - 0xAC00
    if 0 <= at < 11172 and at % 28 in codas:
        return {word[:-1] + chr(ord(word[-1]) - at % 28)}
    return set()
