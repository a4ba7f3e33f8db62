"""Whether a text holds what belongs to one person: such a question is neither kept nor looked up."""

from __future__ import annotations

import re

_ROWS = (
    r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]",  # e-mail
    r"\b\d{6}\s?-\s?[1-8]\d{6}\b",  # Korean resident registration number
    r"\b\d{3}-\d{2}-\d{4}\b",  # US social security number
    r"(?<![\w.])\+\d{1,3}[\s.-]?(?:\(?\d{1,4}\)?[\s.-]?){2,4}\d{2,4}\b",  # telephone, international
    r"(?<![\w.-])\(?0\d{1,2}\)?[\s.-]\d{3,4}[\s.-]\d{4}\b",  # telephone, Korean
    r"(?<![\w.-])01[016789]\d{7,8}\b",
    r"(?<![\w.-])\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}\b",  # telephone, American
    r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){3,7}(?:\s?[A-Z0-9]{1,3})?\b",  # IBAN
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",  # IP address
    r"\b(?:sk|pk|rk|ghp|gho|glpat|xox[abpr]|hf|AKIA|AIza)[-_A-Za-z0-9]{12}",  # keys
    r"\beyJ[\w-]{8,200}\.[\w-]",  # JSON web token
    r"-----BEGIN ",
    r"\b(?=[A-Za-z_-]{0,64}\d)(?=[\d_-]{0,64}[A-Za-z])[A-Za-z0-9_-]{24,64}",  # what looks like a token
    r"(?i:\b(?:password|passcode|pin|secret|api key)\s*(?:is|are|:|=)\s*\S)",
    r"(?:비밀번호|암호|인증번호|주민번호|주민등록번호)[는은가이]?\s*[:=]?\s*[A-Za-z0-9]{4,}",
    r"(?i:\bmy (?:name|address|birthday|date of birth|phone number|account number|order number|ssn)\s+is\b)",
    r"(?i:\bi(?: am|'m) (?:called|named|\d+ years? old|pregnant|diabetic))",
    r"(?i:\bi (?:was|have been|am) diagnosed\b)",
    r"(?:제|내|저의|나의)\s?(?:이름|주소|생일|전화번호|계좌번호|주민번호)[은는이가]\s?(?!뭐|무엇|어디|언제)\S",
    r"(?:저는|나는|제가|내가)\s?\d+\s?(?:살|세)",
)
_PATTERNS = re.compile("|".join(_ROWS))

_DIGITS = re.compile(r"(?<![\d.])\d(?:[ -]?\d){11,18}(?![\d.])")


def looks_sensitive(text: str) -> bool:
    """Whether a text has an address, a number or a key of somebody, or says who the asker is.

    It finds e-mail and IP addresses, telephone, bank account (IBAN), social security and Korean resident numbers, payment cards (by
    their check digit), keys and tokens, passwords that are told, and sentences such as `my name is` and `제 이름은`. It
    may find too much: what it finds is only asked anew.
    """
    if _PATTERNS.search(text):
        return True
    return any(_is_card(found.group()) for found in _DIGITS.finditer(text))


def _is_card(text: str) -> bool:
    """Whether the digits have a card's check digit (Luhn, ISO/IEC 7812-1)."""
    total = 0
    for at, digit in enumerate(reversed([int(letter) for letter in text if letter.isdigit()])):
        value = digit * 2 if at % 2 else digit
        total += value - 9 if value > 9 else value
    return total % 10 == 0
