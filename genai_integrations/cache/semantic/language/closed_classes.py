"""Words that a language has few of, in English and Korean: they must agree in two questions, whatever vectors say.

A row is what one meaning is called: its English words, then its Korean ones. Korean verbs are stems. What stands in
one row means the same in a question, and what stands in two rows does not, so `enable` agrees with `켜` and never with
`disable`. Only closed classes and words that have an opposite are here. Which nouns and verbs mean the same, vectors
and letters say.
"""

from __future__ import annotations

OPPOSITES = (
    "enable activate turn_on switch_on; 켜 활성화 | disable deactivate turn_off switch_off; 끄 비활성화",
    "up; 위 위쪽 | down; 아래 아래쪽",
    "login log_in sign_in log_on; 로그인 | logout log_out sign_out log_off; 로그아웃",
    "check_in; 체크인 | check_out; 체크아웃",
    "opt_in; | opt_out;",
    "open; 열 | close shut; 닫",
    "lock; 잠그 잠금 | unlock;",
    "increase raise; 늘리 높이 올리 인상 | decrease reduce lower; 줄이 낮추 내리 인하",
    "grow; 늘 증가 | shrink; 줄 감소",
    "rise; 오르 상승 | fall drop; 떨어지 하락",
    "add; 추가 | remove; 제거",
    "include; 포함 | exclude; 제외",
    "install; 설치 | uninstall;",
    "start begin; 시작 | stop terminate quit; 중지 멈추 종료 | end finish; 끝나 끝내",
    "create make; 만들 생성 | destroy; 부수",
    "buy purchase; 사 구매 구입 매수 | sell; 팔 판매 매도",
    "lend; 빌려주 | borrow; 빌리",
    "deposit; 입금 | withdraw withdrawal; 출금 인출",
    "send; 보내 발송 송신 | receive; 받 수신",
    "push; 밀 푸시 | pull; 당기 풀",
    "win; 이기 | lose; 지",
    "accept approve; 승인 수락 | reject decline refuse; 거절 거부",
    "allow permit; 허용 허가 | forbid prohibit; 금지",
    "connect; 연결 | disconnect;",
    "join; 가입 | leave; 탈퇴 떠나",
    "show display; 보이 표시 | hide; 숨기 감추",
    "import; 가져오 | export; 내보내",
    "upload; 업로드 | download; 다운로드 내려받",
    "upgrade; 업그레이드 | downgrade; 다운그레이드",
    "encrypt; 암호화 | decrypt; 복호화",
    "encode; 인코딩 | decode; 디코딩",
    "compress zip; 압축 | decompress unzip extract;",
    "mute; 음소거 | unmute;",
    "block; 차단 | unblock;",
    "save; 저장 | discard; 버리",
    "enter; 들어가 입장 | exit; 나가 퇴장",
    "arrive arrival; 도착 | depart departure; 출발",
    "inside indoor; 안쪽 실내 | outside outdoor; 바깥 실외",
    "inner internal; 내부 | outer external; 외부",
    "before; 전에 이전에 | after; 후에 이후 뒤에",
    "first; 첫 첫째 처음 | last; 마지막 지난 | next; 다음 | previous; 이전",
    "early; 일찍 | late; 늦",
    "old; 오래되 | new; 새 새로운 | young; 젊",
    "more; 더 | less fewer; 덜 | most; 가장 제일 | least;",
    "maximum max; 최대 최댓값 최대값 | minimum min; 최소 최솟값 최소값",
    "big large; 크 큰 커 | small little; 작 작은",
    "high tall; 높 높은 | low; 낮 낮은 | short; 짧 짧은 | long; 길 긴",
    "wide; 넓 넓은 | narrow; 좁 좁은",
    "thick; 두껍 | thin; 얇",
    "heavy; 무겁 | light; 가볍",
    "deep; 깊 | shallow; 얕",
    "fast quick rapid; 빠르 빠른 빨리 | slow; 느리 느린",
    "hot; 뜨겁 덥 더운 | cold; 차갑 춥 추운 | warm; 따뜻 | cool; 시원",
    "dry; 건조 | wet; 젖",
    "hard difficult; 어렵 어려운 | easy simple; 쉽 쉬운 간단",
    "good; 좋 좋은 | bad; 나쁘 나쁜 | better; | worse; | best; | worst;",
    "safe; 안전 | dangerous unsafe; 위험",
    "healthy; 건강 | sick ill; 아프",
    "true; 참 | false; 거짓",
    "right correct; 올바른 | wrong incorrect; 틀리 잘못",
    "cheap; 싸 싼 저렴 | expensive; 비싸 비싼",
    "rich; 부유 | poor; 가난",
    "free; 무료 | paid; 유료",
    "full; 가득 | empty; 비우 빈",
    "public; 공개 | private; 비공개",
    "local; 로컬 | remote; 원격",
    "domestic; 국내 | international; 국제 | foreign overseas; 해외 국외",
    "single; 단일 | multiple; 여러 다중",
    "fixed; 고정 | variable; 변동",
    "static; 정적 | dynamic; 동적",
    "synchronous sync; 동기 | asynchronous async; 비동기",
    "manual; 수동 | automatic; 자동",
    "ascending; 오름차순 | descending; 내림차순",
    "uppercase; 대문자 | lowercase; 소문자",
    "absolute; 절대 | relative; 상대",
    "positive; 긍정 양성 | negative; 부정 음성",
    "gross; 세전 | net; 세후",
    "asset; 자산 | liability; 부채",
    "profit; 이익 | loss; 손실",
    "credit; 신용 | debit; 체크",
    "acute; 급성 | chronic; 만성",
    "male man men; 남자 남성 | female woman women; 여자 여성",
    "boy; 소년 | girl; 소녀",
    "father; 아버지 | mother; 어머니",
    "husband; 남편 | wife; 아내",
    "parent; 부모 | child children kid; 자녀 아이 어린이 | adult; 성인 어른 | baby infant; 아기 신생아 | elderly; 노인",
    "teacher; 교사 선생님 | student; 학생",
    "buyer; 구매자 매수인 | seller; 판매자 매도인",
    "sender; 발신자 | recipient receiver; 수신자",
    "employer; 고용주 | employee; 직원",
    "question; 질문 | answer; 답 답변",
    "input; 입력 | output; 출력",
    "read; 읽 | write; 쓰",
    "client; 클라이언트 | server; 서버",
    "above over; 이상 초과 | below under; 이하 미만",
    "left; 왼쪽 | right_side; 오른쪽",
    "front; 앞 앞쪽 | back; 뒤 뒤쪽",
    "top; 상단 | bottom; 하단",
    "night; 밤 야간 | morning; 아침 오전 | afternoon; 오후 | evening; 저녁 | noon; 정오 | midnight; 자정",
    "breakfast; 조식 | lunch; 점심 중식 | dinner supper; 석식",
    "once; | twice;",
    "always; 항상 | sometimes; 가끔",
    "all every each; 모든 모두 전체 전부",
    "only; 만",
    "other another; 다른",
    "same; 같 같은 동일",
    "temporary; 임시 일시 | permanent permanently; 영구",
    "global; 전역 | regional; 지역",
    "formal; 존댓말 | informal; 반말",
    "strong; 강하 강한 | weak; 약하 약한",
    "hardware; 하드웨어 | software; 소프트웨어",
    "real actual; 실제 | fake; 가짜 | virtual; 가상",
    "online; 온라인 | offline; 오프라인",
    "north northern; 북쪽 | south southern; 남쪽 | east eastern; 동쪽 | west western; 서쪽",
    "black; 검은 검정 | white; 흰 하얀 | red; 빨간 빨강 | blue; 파란 파랑 | green; 초록 녹색 | yellow; 노란 노랑 | brown; 갈색 | gray grey; 회색",
)
"""Each line has the rows of one scale, between `|`; the languages stand between `;`."""

TIMES = (
    ("monday", "monday", "월요일"),
    ("tuesday", "tuesday", "화요일"),
    ("wednesday", "wednesday", "수요일"),
    ("thursday", "thursday", "목요일"),
    ("friday", "friday", "금요일"),
    ("saturday", "saturday", "토요일"),
    ("sunday", "sunday", "일요일"),
    ("weekend", "weekend", "주말"),
    ("weekday", "weekday", "평일"),
    ("m1", "january jan", "1월"),
    ("m2", "february feb", "2월"),
    ("m3", "march", "3월"),
    ("m4", "april apr", "4월"),
    ("m5", "", "5월"),
    ("m6", "june jun", "6월"),
    ("m7", "july jul", "7월"),
    ("m8", "august aug", "8월"),
    ("m9", "september sept", "9월"),
    ("m10", "october oct", "10월"),
    ("m11", "november nov", "11월"),
    ("m12", "december dec", "12월"),
    ("spring", "", "봄"),
    ("summer", "summer", "여름"),
    ("autumn", "autumn fall_season", "가을"),
    ("winter", "winter", "겨울"),
    ("today", "today tonight", "오늘"),
    ("tomorrow", "tomorrow", "내일"),
    ("yesterday", "yesterday", "어제"),
    ("now", "now currently nowadays", "지금 현재"),
    ("ago", "ago", ""),
    ("last-year", "", "작년"),
    ("this-year", "", "올해 금년"),
    ("next-year", "", "내년"),
    ("past", "was were did had", ""),
    ("future", "will shall", ""),
    ("during", "during while", "동안"),
    ("until", "until till", ""),
    ("since", "since", ""),
    ("again", "again", "다시"),
    ("still", "still yet", "아직"),
    ("already", "already", "이미"),
)  # fmt: skip
"""Days, months, times, tenses: a name, its English words, its Korean ones."""

UNITS = (
    ("usd", "usd dollar $ us$", "달러 불"),
    ("eur", "eur euro €", "유로"),
    ("krw", "krw won ₩", "원 원화"),
    ("jpy", "jpy yen ¥", "엔 엔화"),
    ("gbp", "gbp £", "파운드"),
    ("cny", "cny yuan rmb", "위안 위안화"),
    ("inr", "inr rupee", "루피"),
    ("percent", "% percent pct", "퍼센트 프로"),
    ("b", "byte", "바이트"),
    ("kb", "kb kilobyte", "킬로바이트"),
    ("mb", "mb megabyte", "메가바이트 메가"),
    ("gb", "gb gigabyte", "기가바이트 기가"),
    ("tb", "tb terabyte", "테라바이트"),
    ("mcg", "mcg microgram µg", "마이크로그램"),
    ("mg", "mg milligram", "밀리그램"),
    ("g", "gram", "그램"),
    ("kg", "kg kilogram kilo", "킬로그램 킬로"),
    ("lb", "lb lbs pound", ""),
    ("oz", "oz ounce", "온스"),
    ("ml", "ml milliliter millilitre", "밀리리터"),
    ("l", "liter litre", "리터"),
    ("cup", "cup", ""),
    ("gallon", "gallon", "갤런"),
    ("mm", "mm millimeter", "밀리미터"),
    ("cm", "cm centimeter", "센티미터 센티"),
    ("m", "meter metre", "미터"),
    ("km", "km kilometer kilometre", "킬로미터"),
    ("inch", "inch", "인치"),
    ("foot", "feet ft", "피트"),
    ("mile", "mile mi", "마일"),
    ("sec", "seconds sec", "초"),
    ("min", "minute", "분"),
    ("hour", "hour hourly hr", "시간"),
    ("day", "day daily", "하루 매일 일간"),
    ("week", "week weekly", "일주일 매주 주간"),
    ("month", "month monthly", "달 개월 매달 매월 월간 월"),
    ("year", "year yearly annual annually", "년 매년 연간 연"),
    ("decade", "decade", ""),
    ("century", "century", "세기"),
    ("degree", "degree °", "도"),
    ("celsius", "celsius °c", "섭씨"),
    ("fahrenheit", "fahrenheit °f", "화씨"),
    ("kcal", "kcal calorie", "칼로리 킬로칼로리"),
    ("watt", "watt w", "와트"),
    ("volt", "volt v", "볼트"),
    ("hz", "hz hertz", "헤르츠"),
    ("dozen", "dozen", ""),
    ("half", "half", "반 절반"),
    ("double", "double", "두배"),
)
"""Units and periods: a name, its English words and signs, its Korean ones."""

NUMBERS = (
    ("0", "zero", "영"),
    ("1", "one", "하나 한 첫째"),
    ("2", "two second", "둘 두"),
    ("3", "three third", "셋 세"),
    ("4", "four fourth", "넷 네"),
    ("5", "five fifth", "다섯"),
    ("6", "six sixth", "여섯"),
    ("7", "seven seventh", "일곱"),
    ("8", "eight eighth", "여덟"),
    ("9", "nine ninth", "아홉"),
    ("10", "ten tenth", "열 십"),
    ("11", "eleven", "열한"),
    ("12", "twelve", "열두"),
    ("13", "thirteen", ""),
    ("14", "fourteen", ""),
    ("15", "fifteen", ""),
    ("16", "sixteen", ""),
    ("17", "seventeen", ""),
    ("18", "eighteen", ""),
    ("19", "nineteen", ""),
    ("20", "twenty", "스물 스무"),
    ("30", "thirty", "서른"),
    ("40", "forty", "마흔"),
    ("50", "fifty", "쉰"),
    ("60", "sixty", "예순"),
    ("70", "seventy", "일흔"),
    ("80", "eighty", "여든"),
    ("90", "ninety", "아흔"),
    ("100", "hundred", "백"),
    ("1000", "thousand", "천"),
    ("10000", "", "만"),
    ("1000000", "million", "백만"),
    ("100000000", "", "억"),
    ("1000000000", "billion", ""),
)  # fmt: skip
"""Numbers as words. Korean ones count only before one of `COUNTERS`, for they are parts of other words too."""

COUNTERS = frozenset(
    "가지 개 개월 곳 권 달 대 도 명 배 번 번째 분 사람 살 시 시간 알 원 인 일 잔 장 주 차 층 편 회 박 년 월 초 단계 호 인분 킬로".split()
)
"""What follows a Korean number."""

NEGATIONS = frozenset(
    "not no never none nobody nothing nowhere neither nor without cannot cant dont doesnt didnt isnt arent wasnt werent "
    "wont wouldnt shouldnt couldnt hasnt havent hadnt except unable impossible instead".split()
)
NEGATIONS_KO = frozenset("안 못 없 없이 않 아니 아닌 말 말고 불가능 불가 제외하고".split())

FUNCTION_WORDS = frozenset(
    "a an the this that these those i you we they he she it me us them my your our their his her its mine yours ours "
    "myself yourself one ones someone somebody people do does done doing am is are be been being has have having can "
    "could may might would as so such than then there here if when and or but because just really actually please "
    "kindly hi hello hey thanks thank ok okay get got getting gets let lets want wants wanted like know tell me give "
    "help need needs what whats which who whom whose where why how way ways about of for with by in into on at to from "
    "over under through between among via per upon off out up down any some something anything much many lot very "
    "quite called kind sort type bit exactly basically mean means meaning stand stands available offer offers".split()
)
"""English words that carry no content of their own. Prepositions among them say the role of what follows."""

FUNCTION_WORDS_KO = frozenset(
    "그 이 저 나 내 제 우리 너 당신 것 거 게 수 때 경우 좀 그냥 혹시 및 또는 그리고 하고 대해 대해서 관해 관해서 관하여 대하여 "
    "무엇 뭐 뭔 뭘 무슨 어떤 어느 어떻게 왜 언제 어디 어디서 누구 누가 얼마 얼마나 몇 며칠 알려 말해 가르쳐 설명 설명해 주 줘 "
    "주세요 부탁 궁금 궁금하 싶 있 하 되 해 돼 이 입 이란 란 인 인지 건 건가 위해 위한 방법 법 절차 가능 필요 이유 원인 시기 정도 "
    "안녕하세요 어때 어떤가 어떻 꼭 가 오 감사 바랍니다 드립니다 여기 거기 점 중".split()
)

IRREGULAR = {
    form: base
    for base, forms in {
        "child": "children", "person": "persons people", "man": "men", "woman": "women", "foot": "feet",
        "tooth": "teeth", "mouse": "mice", "be": "was were", "write": "wrote written", "send": "sent",
        "buy": "bought", "take": "took taken", "go": "went gone", "make": "made", "break": "broke broken",
        "begin": "began begun", "build": "built", "pay": "paid", "lose": "lost", "find": "found",
        "speak": "spoke spoken", "give": "gave given", "see": "saw seen", "run": "ran", "drive": "drove driven",
        "eat": "ate eaten", "drink": "drank drunk", "sell": "sold", "think": "thought", "win": "won",
        "choose": "chose chosen", "fly": "flew flown", "grow": "grew grown", "hold": "held", "keep": "kept",
        "rise": "rose risen", "fall": "fell fallen", "sleep": "slept", "spend": "spent", "steal": "stole stolen",
        "teach": "taught", "throw": "threw thrown", "wear": "wore worn", "forget": "forgot forgotten",
        "hide": "hid hidden", "bring": "brought", "catch": "caught", "come": "came", "feel": "felt", "leave": "left",
        "meet": "met", "say": "said", "swim": "swam swum", "understand": "understood", "draw": "drew drawn",
        "analysis": "analyses", "crisis": "crises", "criterion": "criteria", "index": "indices indexes",
        "matrix": "matrices", "vertex": "vertices", "datum": "data", "virus": "viruses",
    }.items()
    for form in forms.split()
}  # fmt: skip
"""Forms that no rule of English makes."""
