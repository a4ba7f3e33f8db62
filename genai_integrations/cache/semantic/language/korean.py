"""A question in Korean, read by rules: roles by particles, stems by endings, what is asked by the words of asking.

There is no dictionary: endings and particles are closed classes, and are taken off where they may be ones. A word gets
each of the stems that it may have, so two forms of one verb have a common one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from genai_integrations.cache.semantic.language.closed_classes import (
    COUNTERS,
    FUNCTION_WORDS_KO,
    NEGATIONS_KO,
)
from genai_integrations.cache.semantic.language.reading import Asks, Kind, Reading, Role, Word
from genai_integrations.cache.semantic.language.stems import stem
from genai_integrations.cache.semantic.language.tables import (
    NUMBER_WORDS_KO,
    SCALES,
    SCALES_KO,
    TIME_WORDS_KO,
    UNIT_WORDS,
    UNIT_WORDS_KO,
)

_TOKEN = re.compile(
    r"\d+(?:[.,:/]\d+)*|[A-Za-z]+(?:\+\+|#|\.[A-Za-z]{2,})|[A-Za-z][A-Za-z0-9]*|[%$€£¥₩°]|[가-힣]+|\s+"
)

_PARTICLES: tuple[tuple[str, tuple[Role, ...]], ...] = (
    ("에서부터", (Role.FROM,)), ("으로부터", (Role.FROM,)), ("에게서", (Role.FROM,)), ("한테서", (Role.FROM,)),
    ("에서는", (Role.FROM, Role.IN)), ("에서도", (Role.FROM, Role.IN)), ("에서의", (Role.FROM, Role.IN)),
    ("에서", (Role.FROM, Role.IN)), ("부터", (Role.FROM,)), ("까지는", (Role.TO,)), ("까지의", (Role.TO,)), ("까지", (Role.TO,)),
    ("에게", (Role.TO,)), ("한테", (Role.TO,)), ("에는", (Role.IN, Role.TO)), ("에도", (Role.IN, Role.TO)),
    ("으로는", (Role.TO, Role.BY)), ("으로", (Role.TO, Role.BY)), ("로는", (Role.TO, Role.BY)),
    ("로", (Role.TO, Role.BY)), ("보다", (Role.THAN,)), ("이랑", ()), ("하고", ()), ("랑", ()), ("과", ()), ("와", ()),
    ("을", (Role.OBJECT,)), ("를", (Role.OBJECT,)), ("께서", (Role.SUBJECT,)), ("이라는", ()), ("라는", ()),
    ("이란", ()), ("란", ()), ("은", ()), ("는", ()), ("이", (Role.SUBJECT,)), ("가", (Role.SUBJECT,)),
    ("의", (Role.OF, Role.FROM, Role.IN)), ("에", (Role.IN, Role.TO)), ("도", ()), ("만", ()), ("마다", ()),
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
        (r"차이|어떻게\s*다[르른]|뭐가\s*다[르른]|뭐가\s*달라|무엇이\s*다[르른]", (Asks.DIFFERENCE,)),
        (r"(?:얼마나|며칠\S*|몇\s?(?:초|분|시간|일|주|달|개월|년)\S*)\s*(?:동안\s*)?(?:\S+\s)?(?:걸리|걸려|걸립|가나요|가요|오래)", (Asks.DURATION,)),
        (r"몇\s*원", (Asks.AMOUNT,)),
        (r"얼마나\s*오래|기간(?:은|이)?\s*(?:얼마|어떻게)", (Asks.DURATION,)),
        (r"거리", (Asks.DISTANCE,)),
        (r"얼마나\s*자주|몇\s*번", (Asks.FREQUENCY,)),
        (r"몇\s*살", (Asks.AGE,)),
        (r"얼마나\s*(?:크|큰|높|넓|길|깊)", (Asks.SIZE,)),
        (r"언제|시기|몇\s*시(?!간)|몇\s*월|몇\s*년도|며칠에", (Asks.WHEN,)),
        (r"왜|이유|원인", (Asks.WHY,)),
        (r"어떻게\s*(?:되|돼)", (Asks.AMOUNT,)),
        (r"필요", (Asks.NEED,)),
        (r"어떻게|방법|절차|[는은]\s법|려면|고\s*싶", (Asks.HOW,)),
        (r"어디\s?(?:인가|야|예요|에요|입니까|인지|죠|$|\?)", (Asks.WHAT, Asks.WHERE)),
        (r"어디", (Asks.WHERE,)),
        (r"누구|누가", (Asks.WHO,)),
        (r"얼마나|몇\s*시간|며칠", (Asks.COUNT,)),
        (r"얼마", (Asks.AMOUNT,)),
        (r"몇", (Asks.COUNT,)),
        (r"무엇|뭐|뭔|뭘|무슨|어떤|어느|[^\s]란\s*(?:\?|$)|설명|대해|알려|추천", (Asks.WHAT,)),
        (r"해야|어야|아야|[가-힣]야\s*(?:하|할|되|될|돼)|필요", (Asks.NEED,)),
        (r"가능|수\s*있|되나요|되는지|돼요|될까요|되요|되죠|되니", (Asks.CAN, Asks.WHETHER)),
        (r"나요|까요|니까|어요\s*\?|인가요", (Asks.WHETHER,)),
    )
)
"""The first that is found says what a question asks."""

_ONLY_ASKED = {Asks.DIFFERENCE: "차이 차이점 다르 다른 다 달라 달 점", Asks.DISTANCE: "거리", Asks.DURATION: "걸리 걸려 오래 오래가 동안 시간", Asks.AMOUNT: "비용 가격 값", Asks.WHEN: "시기 시간", Asks.WHY: "생기", Asks.WHO: "사람"}  # fmt: skip


_REQUEST = re.compile(
    r"(?:좀\s*)?(?:에\s*대해서?\s*)?(?:알려|가르쳐|설명해|말해|추천해|설명)\s*(?:줘요?|주세요|주실\s?\S*|줄래\S*|주십시오|달라\S*|부탁\S*)?[\s.?!]*$"
    r"|(?:이\s)?궁금\S*[\s.?!]*$|(?:무엇|뭐|뭔|뭘)\S*|(?:이|가)?\s어때\S*|(?:이|가)?\s어떤가\S*"
)
"""Words that only ask to be told."""


def read_korean(text: str, quoted: tuple[str, ...] = ()) -> Reading:
    """Read a question.

    Args:
        text: In Korean, perhaps with words in Latin letters, without what stands in quotation marks.
        quoted: What stood there.
    """
    asks = _asked(text)
    said = frozenset(word for ask in asks for word in _ONLY_ASKED.get(ask, "").split())
    text = re.sub(r"[^\w\s%$€£¥₩°.+#]", " ", _REQUEST.sub(" ", text))
    parts = [found for piece in text.split() if (found := _TOKEN.findall(piece))]
    words: list[Word] = []
    negations = 0
    for at, part in enumerate(parts):
        before = parts[at - 1][-1] if at else ""
        following = parts[at + 1][0] if at + 1 < len(parts) else ""
        found = list(_read(part, (before, following), said))
        negations += sum(word is None for word in found)
        words.extend(word for word in found if word is not None)
    return Reading("ko", tuple(words), asks, negations, quoted)


def _asked(text: str) -> frozenset[Asks]:
    for rule, asks in _ASKS:
        if rule.search(text):
            return asks
    return frozenset((Asks.WHAT,))


def _read(
    pieces: list[str], around: tuple[str, str], said: frozenset[str]
) -> Iterator[Word | None]:
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
            yield from _hangul(piece, around, said)


def without_commas(number: str) -> str:
    """`30,000` as `30000`."""
    return re.sub(r",(?=[0-9]{3}(?:[^0-9]|$))", "", number)


def _fixed(
    text: str, name: str, roles: frozenset[Role] = frozenset(), *, is_scale: bool = False
) -> Word:
    return Word(text, frozenset((name,)), Kind.FIXED, roles, is_scale)


def _latin(piece: str, before: str, roles: frozenset[Role]) -> Word:
    lower = piece.lower()
    if lower in UNIT_WORDS and (not piece[0].isalpha() or before[:1].isdigit()):
        return _fixed(lower, UNIT_WORDS[lower], roles)
    if lower in SCALES:
        return _fixed(lower, SCALES[lower], roles, is_scale=True)
    return Word(lower, frozenset((lower, stem(lower))), Kind.NAME, roles)


def _hangul(
    piece: str, around: tuple[str, str], said: frozenset[str]
) -> Iterator[Word | None]:
    before, following = around
    base, stems, roles = _stems(piece, following)
    if piece in NUMBER_WORDS_KO and any(following.startswith(one) for one in COUNTERS):
        yield _fixed(piece, NUMBER_WORDS_KO[piece])
        return
    if stems & NEGATIONS_KO or piece.startswith("불가능"):
        yield None
        return
    if stems & FUNCTION_WORDS_KO or stems & said:
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
    return bool(_ENDINGS.fullmatch(piece)) or bool(_stems(piece, "")[1] & FUNCTION_WORDS_KO)


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
    verb = _ENDINGS.sub("", piece)
    if verb and verb != piece:
        found |= _verb_stems(verb)
        # One syllable may be the end of a noun; what is longer is none.
        if len(piece) - len(verb) > 1 and not roles:
            base = verb
            found -= {piece}
    if following.startswith(_AFTER_MODIFIERS) or len(base) > 1:
        for form in _without_coda(base, (_NIEUN, _RIEUL)):
            found |= {form, form[:-1] + chr(ord(form[-1]) + _RIEUL)}
    return base, frozenset(found), frozenset(roles)


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
