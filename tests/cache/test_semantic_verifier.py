"""What the verifier sees in two questions. None of these was among the pairs it was tuned on."""

from __future__ import annotations

import pytest
from semantic_pairs import Judge

from genai_integrations.cache.semantic.language.transliteration import sound_alike
from genai_integrations.cache.semantic.verifier import read


@pytest.fixture(scope="module")
def judge():
    """The verifier with the bundled encoder."""
    return Judge()


SAME = """
Python이란 무엇인가? | 파이썬이 뭐야?
What is Python? | 파이썬이란?
How do I reset my password? | How can I reset the password?
Could you tell me how to reset my password please? | How do I reset a password?
What's a webhook? | What is a webhook?
How do I turn the lamp on? | How do I switch on the lamp?
What is an API? | What are APIs?
What is a cache? | What are caches?
What are the steps for installing Docker? | How do I install Docker?
What is the way of hopping? | How do I hop?
how do I use cookies? | how can I use a cookie?
How many days are three weeks? | How many days are 3 weeks?
How many 1,000 dollar bills are there? | How many $1000 bills are there?
Which is the tallest tower in Asia? | What is the tallest tower in Asia?
I'd like to know where the tram stops. | Where does the tram stop?
엑셀에서 표를 만드는 방법은? | 엑셀에서 표를 어떻게 만드나요?
이 세탁기는 어떻게 켜나요? | 이 세탁기를 켜는 방법 알려주세요
Slack 알림을 끄려면? | How do I turn off notifications in Slack?
"""

OTHER = """
How do I give a loan? | How do I get a loan?
Is the light on? | Is the light off?
How long is a day on Mars? | How long is a year on Mars?
What is my name? | What is your name?
Is it red or blue? | Is it red and blue?
Do dogs eat cats? | Do cats eat dogs?
What is the price of gold in silver? | What is the price of silver in gold?
Is Russia bigger than Canada? | Is Canada bigger than Russia?
Is Russia bigger than Canada? | Is Russia smaller than Canada?
Is Go faster than Rust? | Go보다 Rust가 빠른가요?
Rust보다 Go가 빠른가요? | Go보다 Rust가 빠른가요?
Can I eat before running? | Can I run before eating?
Is it at least 5 dollars? | Is it at most 5 dollars?
What is milk chocolate? | What is chocolate milk?
Can I mix red paint with blue ink? | Can I mix blue paint with red ink?
How do I book two rooms for one night? | How do I book one room for two nights?
고양이가 개를 무나요? | 개가 고양이를 무나요?
개를 고양이가 무나요? | 개가 고양이를 무나요?
개는 고양이를 무나요? | 고양이는 개를 무나요?
Do cats bite dogs? | 개는 고양이를 무나요?
How do I pay for PayPal? | How do I pay with PayPal?
Must I pay tax? | Should I pay tax?
Do I pay tax on gifts? | Can I pay tax on gifts?
Is -5 degrees cold? | Is 5 degrees cold?
What is the weather in Oslo in May? | What is the weather in Oslo?
How tall is the tower? | How wide is the tower?
What is the tallest mountain? | What is the tall mountain?
이자는 얼마인가요? | 이자란 무엇인가요?
못을 박는 방법은? | 말을 박는 방법은?
수도는 어떻게 고치나요? | 때는 어떻게 고치나요?
Who has the ball? | Who is the ball?
Do dogs need milk? | Do dogs like milk?
What do you eat? | What do I eat?
Is he tall? | Is she tall?
How do I use a copy? | 커피를 사용하는 방법은?
Where is the exit? | Where was the exit?
What did Apple buy? | Who bought Apple?
Who did Brutus kill? | Who killed Brutus?
What causes rust? | What does rust cause?
Can I return it within 30 days? | Can I return it after 30 days?
Is parking free? | Is parking free on Sunday?
Is parking free on the 3rd of May? | Is parking free on the 5th of March?
Say "yes" in Latin. | Say "no" in Latin.
What is new in version 3.1? | What is new in version 3.10?
방 두 개를 한 명이 예약하려면? | 방 한 개를 두 명이 예약하려면?
What is Apple? | What is an apple?
누구나 가입할 수 있나요? | 누가 가입할 수 있나요?
추천 알고리즘이란? | 알고리즘이란?
언제나 무료인가요? | 언제 무료인가요?
차이나타운은 어디인가요? | 타운은 어디인가요?
Is 5 Mb enough? | Is 5 MB enough?
What is the inflation this year? | What is the inflation per year?
Do you open all days? | Do you open every day?
Who should I call? | Who should call?
How many days are in a year? | How many weeks are in a year?
1년은 며칠인가요? | 1년은 몇 시간인가요?
How many days are in a year? | 1년은 몇 주인가요?
Which day is Easter? | Which month is Easter?
Do I need a visa to fly from Oslo to Rome? | Do I need a visa to fly from Rome to Oslo?
Is coffee better than tea? | 차가 커피보다 좋은가요?
알약을 하루에 몇 번 먹나요? | 알약을 일주일에 몇 번 먹나요?
What is HTTPS? | What is HTTP?
what is https? | what is http?
What is FTPS? | What is FTP?
HTTPS가 뭐야? | HTTP가 뭐야?
HTTPS란 무엇인가? | What is HTTP?
What is Rails? | What is rail?
What is .NET? | What is NET?
.NET이 뭐야? | NET이 뭐야?
What is a plan? | What is a plane?
What is a car? | What is care?
What is pip? | What is a pipe?
What is Strip? | What is Stripe?
What is hoping? | What is hopping?
What is filing? | What is filling?
What is planning? | What is a plane?
What is physics? | What is physic?
What is news? | What is new?
What is a win? | What is wine?
What is goods? | What is good?
What is lighting? | What is a light?
What is banking? | What is a bank?
What is engineering? | What is an engineer?
How does accounting work? | How does an account work?
How do accounts work? | How does accounting work?
Why is marketing important? | Why is the market important?
How much does housing cost? | How much does a house cost?
"""


def split(text):
    return [tuple(side.strip() for side in line.split("|")) for line in text.strip().splitlines()]


@pytest.mark.parametrize(("one", "other"), split(SAME))
def test_the_same_is_seen(judge, one, other):
    """In other words, with other endings, in the other script."""
    assert judge.same(one, other)
    assert judge.same(other, one)


def test_a_small_difference_is_seen(judge):
    """A word, a role, a number, a sign, a tense: each is another question."""
    wrong = [pair for pair in split(OTHER) if judge.same(*pair) or judge.same(*pair[::-1])]

    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "What is the?",
        "Qu'est-ce que l'été à Paris, déjà ?",
        "Python とは何ですか?",
        "What does x = f(y) do?",
        "What is 3+5?",
        "What is 7 - 5?",
        "What is 5! in words?",
        "Read https://example.com please",
        "Is this 🙂 good?",
        "word " * 100,
        " ".join(f"word{at}" for at in range(30)),
    ],
)
def test_what_cannot_be_read_is_never_the_same(text):
    """Nothing, other languages, code, sums, addresses, and what is long."""
    assert read(text) is None


@pytest.mark.parametrize(
    "text",
    ["어서" * 140 + "밥", "차이 " * 90, "의 " * 140, "what is " * 36, "1-" * 149, "?" * 299 + "a"],
)
def test_hostile_questions_take_no_time(text):
    """However often an ending or a word of asking is repeated: the test ends."""
    read(text)


@pytest.mark.parametrize(
    ("latin", "hangul"),
    [
        ("Docker", "도커"), ("Kubernetes", "쿠버네티스"), ("JavaScript", "자바스크립트"), ("Google", "구글"),
        ("London", "런던"), ("Brazil", "브라질"), ("vaccine", "백신"), ("printer", "프린터"), ("Windows", "윈도우"),
        ("Facebook", "페이스북"), ("Jenkins", "젠킨스"), ("Ubuntu", "우분투"), ("taxi", "택시"), ("Nigeria", "나이지리아"),
    ],
)  # fmt: skip
def test_a_name_sounds_alike_in_both_scripts(latin, hangul):
    """By the rules for foreign words, without a list of names."""
    assert sound_alike(latin, hangul)


@pytest.mark.parametrize(
    ("latin", "hangul"),
    [
        ("Niger", "나이지리아"), ("Iran", "이라크"), ("Austria", "오스트레일리아"), ("Redux", "레디스"),
        ("Java", "자바스크립트"), ("ruby", "로비"), ("Mali", "말라위"), ("Zambia", "감비아"), ("Ireland", "아이슬란드"),
        ("Guinea", "가이아나"), ("Slovakia", "슬로베니아"), ("Go", "고"), ("C++", "시"), ("x", ""),
    ],
)  # fmt: skip
def test_names_that_only_look_alike_do_not(latin, hangul):
    """Names of other countries and programs, and what is too short to tell."""
    assert not sound_alike(latin, hangul)
