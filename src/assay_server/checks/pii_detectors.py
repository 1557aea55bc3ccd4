"""Who is who in a text: one detector for each entity type, exact, with the checks that tell a card from an id.

A detector runs only where its `candidate` (an RE2 pattern, so linear in the text) has fired; what it finds is always
within what the candidate admits. Names of the types are those of Presidio.

Most of the patterns begin by looking behind, and such a pattern is tried at every character of a text. So each is tried
only where it can match at all (`_Led`): order numbers and dates fire candidates in every second text.
"""

import ipaddress
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Found = Iterator[tuple[int, int]]


@dataclass(slots=True, frozen=True)
class Detector:
    """`find(text, before)` yields (start, end) of each entity; `before` is what stood in front of `text`."""

    entity: str
    candidate: str
    find: Callable[[str, str], Found]


@dataclass(slots=True, frozen=True)
class _Led:
    """A pattern, and where its matches may begin: `begins` gives the places in a text, at least all of them."""

    pattern: re.Pattern[str]
    begins: Callable[[str], Iterator[int]]

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """What `pattern.finditer(text)` gives."""
        done = 0
        for at in self.begins(text):
            if at >= done and (match := self.pattern.match(text, at)):
                done = match.end()
                yield match


def _at(begins: str, in_ascii: str | None = None, back: int = 0) -> Callable[[str], Iterator[int]]:
    """`back` characters before every match of `begins`; in texts of ASCII `in_ascii` does, and takes less time.

    A class stands in front (`\\d\\d*`, not `\\d+`): only then `re` skips quickly what cannot begin.
    """
    wide = re.compile(begins)
    narrow = wide if in_ascii is None else re.compile(in_ascii)

    def places(text: str) -> Iterator[int]:
        return (match.start() - back for match in (narrow if text.isascii() else wide).finditer(text))

    return places


_DIGITS = (r"\d\d*", r"[0-9][0-9]*")


def _places_of(sign: str, text: str) -> Iterator[int]:
    at = text.find(sign)
    while at >= 0:
        yield at
        at = text.find(sign, at + 1)


def _before_each(sign: str, characters: str, most: int) -> Callable[[str], Iterator[int]]:
    """Where the run of these characters begins that ends in front of a `sign`; looked at are `most` of them."""

    def places(text: str) -> Iterator[int]:
        for at in _places_of(sign, text):
            run = text[max(0, at - most) : at]
            yield at - len(run) + len(run.rstrip(characters))

    return places


# --- secrets ------------------------------------------------------------------------------------------

_TOKEN_SHAPES = (
    r"sk[-_][A-Za-z0-9_\-]{16,200}",  # OpenAI, Anthropic, Langfuse, Stripe, Assay
    r"gh[opusr]_[A-Za-z0-9]{30,255}",
    r"github_pat_[A-Za-z0-9_]{22,255}",
    r"glpat-[A-Za-z0-9_\-]{20,64}",
    r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    r"AIza[0-9A-Za-z_\-]{35}",
    r"xox[abprs]-[A-Za-z0-9\-]{10,200}",
    r"hf_[A-Za-z0-9]{30,64}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-[A-Za-z0-9_\-]{50,255}",
    r"eyJ[A-Za-z0-9_\-]{10,900}\.eyJ[A-Za-z0-9_\-]{10,900}\.[A-Za-z0-9_\-]{10,900}",
)
_CREDENTIAL_NAMES = (
    r"(?:password|passwd|pwd|passphrase|client[_\-]?secret|secret[_\-]?key|private[_\-]?key|api[_\-]?key|"
    r"access[_\-]?token|auth[_\-]?token|refresh[_\-]?token|bearer[_\-]?token)"
)
_TOKEN = _Led(
    re.compile(r"(?<![A-Za-z0-9])(?:" + "|".join(_TOKEN_SHAPES) + r")"),
    _at(r"sk[-_]|gh[opusr]_|github_pat_|glpat-|AKIA|ASIA|AIza|xox|hf_|npm_|pypi-|eyJ"),
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[A-Za-z0-9+/=\s]{0,20000}(?:-----END [A-Z ]{0,30}-----)?"
)
_BEARER = _Led(re.compile(r"(?i)\b(?:bearer|basic)\s{1,3}([A-Za-z0-9._~+/\-]{16,900}={0,2})"), _at(r"(?i)bearer|basic"))
_ASSIGNED = _Led(
    re.compile(r"(?i)(?<![a-z])" + _CREDENTIAL_NAMES + r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?([^\s\"',;<>{}\[\]()]{6,200})"),
    _at(r"(?i)pass|pwd|client|secret|private|api|access|auth|refresh|bearer"),
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,30}$")
_USER_IN_URL = re.compile(r"://([^\s/@:\"'<>]{1,256}:[^\s/@\"'<>]{1,256})@")
_LONGEST_NAME = 32  # characters of a name of credentials with all that may follow it
_NAME_ENDS = re.compile(r"pass|pwd|secret|key|token")
_NAMED_BEFORE = re.compile(r"(?i)(?:^|[^a-z])" + _CREDENTIAL_NAMES + r"[\"']?\s{0,3}[:=]?\s{0,3}[\"']?$")

_SECRET_CANDIDATE = (
    r"(?:sk[-_]|gh[opusr]_|github_pat_|glpat-|AKIA|ASIA|AIza|xox[abprs]-|hf_|npm_|pypi-|eyJ)[A-Za-z0-9_\-]{10}"
    r"|PRIVATE KEY-----|(?i:bearer|basic)\s{1,3}[A-Za-z0-9._~+/\-]{16}|://[^\s/@:\"'<>]+:[^\s/@\"'<>]+@"
    # JSON inside a text of JSON escapes its quotes, once more at every depth
    r"|(?i:" + _CREDENTIAL_NAMES.replace("(?:", "(") + r")\\{0,15}[\"']?\s{0,3}[:=]"
)


def _secrets(text: str, before: str) -> Found:
    if text and named_secret(before) and _is_secret_value(text):
        yield 0, len(text)
        return
    for match in (*_TOKEN.finditer(text), *_PRIVATE_KEY.finditer(text)):
        yield match.span()
    for match in _BEARER.finditer(text):
        yield match.span(1)
    yield from _users_in_urls(text)
    for match in _ASSIGNED.finditer(text):
        if _is_secret_value(match[1]):
            yield match.span(1)


def _users_in_urls(text: str) -> Found:
    """`name:password` of `https://name:password@host`."""
    for at in _places_of("://", text):
        match = _USER_IN_URL.match(text, at)
        if match and _SCHEME.search(text[max(0, at - 31) : at]):
            yield match.span(1)


def _is_secret_value(text: str) -> bool:
    """`password: required` names no secret; a value with a digit or a sign may be one. Templates are not values."""
    return not text.isalpha() and not text.startswith(("{", "[", "$", "%", "<")) and len(text.split()) == 1


def named_secret(name: str) -> bool:
    """Does a key of this name hold a secret? `name` may be the text in front of a value, which ends in its key."""
    return _NAME_ENDS.search(name[-_LONGEST_NAME:].lower()) is not None and _NAMED_BEFORE.search(name) is not None


# --- e-mail, IBAN, card, SSN ---------------------------------------------------------------------------

# Letters with accents, Greek and Cyrillic ones: of `jörg@example.org` everything goes. Not those of scripts that put no
# spaces between words, where the sentence before an address would go with it.
_ACCENTED = "".join(map(chr, (*range(0xC0, 0xD7), *range(0xD8, 0xF7), *range(0xF8, 0x250), *range(0x300, 0x530))))
_LETTER = r"A-Za-zÀ-ÖØ-öø-\u024f\u0300-\u052f"
_EMAIL = _Led(
    re.compile(
        rf"(?<![{_LETTER}0-9._%+\-])[{_LETTER}0-9._%+\-]{{1,64}}@(?:[{_LETTER}0-9\-]{{1,63}}\.){{1,8}}[{_LETTER}]{{2,24}}"
        rf"(?![{_LETTER}0-9])"
    ),
    _before_each("@", string.ascii_letters + string.digits + "._%+-" + _ACCENTED, 64),
)
_IBAN = _Led(
    re.compile(
        r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]{4}){2,7}(?:[ \-]?[A-Za-z0-9]{1,4})?(?![A-Za-z0-9])"
    ),
    _at(*_DIGITS, back=2),
)
_CARD = _Led(
    re.compile(
        r"(?<![\w.\-])(?:\d{12,19}|\d{4}([ \-])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ \-])\d{6}\2\d{4,5})"
        r"(?![\w\-]|\.\d)"
    ),
    _at(*_DIGITS),
)
_SSN = _Led(re.compile(r"(?<![\w.\-])(\d{3})([- ])(\d{2})\2(\d{4})(?![\w\-]|\.\d)"), _at(*_DIGITS))

_IBAN_LENGTHS = {
    "AD": 24,
    "AE": 23,
    "AL": 28,
    "AT": 20,
    "AZ": 28,
    "BA": 20,
    "BE": 16,
    "BG": 22,
    "BH": 22,
    "BR": 29,
    "BY": 28,
    "CH": 21,
    "CR": 22,
    "CY": 28,
    "CZ": 24,
    "DE": 22,
    "DK": 18,
    "DO": 28,
    "EE": 20,
    "EG": 29,
    "ES": 24,
    "FI": 18,
    "FO": 18,
    "FR": 27,
    "GB": 22,
    "GE": 22,
    "GI": 23,
    "GL": 18,
    "GR": 27,
    "GT": 28,
    "HR": 21,
    "HU": 28,
    "IE": 22,
    "IL": 23,
    "IQ": 23,
    "IS": 26,
    "IT": 27,
    "JO": 30,
    "KW": 30,
    "KZ": 20,
    "LB": 28,
    "LC": 32,
    "LI": 21,
    "LT": 20,
    "LU": 20,
    "LV": 21,
    "LY": 25,
    "MC": 27,
    "MD": 24,
    "ME": 22,
    "MK": 19,
    "MR": 27,
    "MT": 31,
    "MU": 30,
    "NL": 18,
    "NO": 15,
    "PK": 24,
    "PL": 28,
    "PS": 29,
    "PT": 25,
    "QA": 29,
    "RO": 24,
    "RS": 22,
    "SA": 24,
    "SC": 31,
    "SD": 18,
    "SE": 24,
    "SI": 19,
    "SK": 24,
    "SM": 27,
    "ST": 25,
    "SV": 28,
    "TL": 23,
    "TN": 24,
    "TR": 26,
    "UA": 29,
    "VA": 22,
    "VG": 24,
    "XK": 20,
}  # fmt: skip  (SWIFT's IBAN registry)


def _emails(text: str, _before: str) -> Found:
    for match in _EMAIL.finditer(text):
        yield match.span()


def _ibans(text: str, _before: str) -> Found:
    """The pattern is greedy and may take a following word along, so the country's length decides where it ends."""
    for match in _IBAN.finditer(text):
        start, found = match.start(), match[0]
        length = _IBAN_LENGTHS.get(found[:2].upper())
        end = None if length is None else _end_of_nth(found, length)
        if end is not None and iban_is_valid(found[:end]):
            yield start, start + end


def _end_of_nth(text: str, n: int) -> int | None:
    """Where the n-th letter or digit of `text` ends."""
    seen = 0
    for place, char in enumerate(text, start=1):
        seen += char.isalnum()
        if seen == n:
            return place
    return None


def iban_is_valid(text: str) -> bool:
    """ISO 13616: the country and check digits moved to the end, letters as numbers, modulo 97 is 1."""
    plain = text.replace(" ", "").replace("-", "").upper()
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _cards(text: str, _before: str) -> Found:
    for match in _CARD.finditer(text):
        if card_is_valid(match[0]):
            yield match.span()


def card_is_valid(text: str) -> bool:
    """A known issuer's prefix and length (ISO/IEC 7812), and Luhn's check digit."""
    digits = text.replace(" ", "").replace("-", "")
    return _issued(digits) and luhn(digits)


def luhn(digits: str) -> bool:
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _issued(digits: str) -> bool:
    length, two = len(digits), int(digits[:2])
    if digits[0] == "4":
        return length in {13, 16, 19}
    if digits[:4] in {"1800", "2131"} or two in {34, 37}:
        return length == 15
    if two in {30, 36, 38, 39}:
        return 14 <= length <= 19
    if 51 <= two <= 55 or 2221 <= int(digits[:4]) <= 2720:
        return length == 16
    if two == 35:
        return 16 <= length <= 19
    return two == 50 or 56 <= two <= 69


def _ssns(text: str, _before: str) -> Found:
    """The number ranges the Social Security Administration never issues to persons are left out; 9xx are ITINs."""
    for match in _SSN.finditer(text):
        area, group, serial = match[1], match[3], match[4]
        if area not in {"000", "666"} and area[0] != "9" and group != "00" and serial != "0000":
            yield match.span()


# --- IP addresses -------------------------------------------------------------------------------------

_IP4 = _Led(re.compile(r"(?<![\w.\-])(?:\d{1,3}\.){3}\d{1,3}(?![\w\-]|\.\d)"), _at(*_DIGITS))
_IP6 = _Led(
    re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:]|\.\d)"),
    _before_each(":", string.hexdigits, 4),
)


def _ips(text: str, _before: str) -> Found:
    for match in (*_IP4.finditer(text), *_IP6.finditer(text)):
        if _is_personal_ip(match[0]):
            yield match.span()


def _is_personal_ip(text: str) -> bool:
    """Loopback and `::` say nothing about anybody."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 6 and not any(char.isdigit() for char in text):
        return False  # `dead::beef` is a name in code more often than an address
    return not (address.is_loopback or address.is_unspecified)


# --- phone numbers ------------------------------------------------------------------------------------

_PHONE = _Led(
    re.compile(
        r"(?<![\w.,:/+@#$€£=\-])(?:\+|\(\+?)?\d(?:[ .\-()]{0,2}\d){6,16}(?: ?(?:x|ext\.? ?)\d{1,6})?"
        r"(?![\w%]|[.,:/\-]\d)"
    ),
    _at(r"[+(\d](?:(?<=\d)\d*)?", r"[+(0-9](?:(?<=[0-9])[0-9]*)?"),
)
_CLEAR_PHONE = re.compile(
    r"\+\d(?:[ .\-()]{0,2}\d){7,14}"  # international
    r"|00[1-9](?:[ .\-()]{1,2}\d+){2,6}"
    r"|(?:1[ .\-])?\(?[2-9]\d{2}\)?[ .\-]?\d{3}[.\-]\d{4}"  # North America, 1-212-555-0100
    r"|(?:1[ .\-])?\(?[2-9]\d{2}\)? \d{3} \d{4}"
    r"|\(\+?\d{1,4}\)[ .\-]?\d{2,4}(?:[ .\-]?\d{2,4}){1,3}"  # (37) 788-063
    r"|0\d{1,4}(?:[ .\-]\d{2,4}){2,4}"  # 0490 75 40 81
)
_NO_PHONE = re.compile(
    r"(?:19|20)\d\d[-. ](?:0[1-9]|1[0-2])[-. ](?:0[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[-. ](?:0?[1-9]|1[0-2])[-. ](?:19|20)\d\d"
    r"|\d{3}-\d{2}-\d{4}$"  # of the shape of a US_SSN: that detector has said no
)
_PHONE_WORD = (
    r"(?:tele)?phone|(?<![a-z])(?:tel|mobile|cell|fax|whatsapp|desk|office|sms)(?![a-z])"
    r"|(?<![a-z])(?:call|ring|reach|text|contact|dial)(?:ing|ed)? (?:me|us|him|her|them|someone|back)(?![a-z])"
    r"|(?:messages? to|answering at|contact number|call(?: someone)?(?: me)? (?:on|at))(?![a-z])"
)
_PHONE_WORD_PARTS = re.compile(
    r"phone|tel|mobile|cell|fax|whatsapp|desk|office|sms|call|ring|reach|text|contact|dial|message|answering"
)
_BEFORE = re.compile(r"(?is)(?:" + _PHONE_WORD + r").{0,24}$")
_AFTER = re.compile(r"(?i)^[ \-,(]{0,3}(?:office|fax|mobile|cell|phone|desk)(?![a-z])")


def _phones(text: str, before: str) -> Found:
    """A clear shape, or a plain number beside a word that says it is one: ids, times and counts stay as they are."""
    for match in _PHONE.finditer(text):
        number, (start, end) = match[0], match.span()
        bare = number.isdigit()  # most are: order numbers, ids
        digits = len(number) if bare else sum(map(str.isdigit, number.partition("x")[0]))
        if not 7 <= digits <= 15 or (not bare and _NO_PHONE.match(number)):
            continue
        if (not bare and _CLEAR_PHONE.match(number)) or _said_to_be_one(
            number, (before + text[max(0, start - 48) : start])[-48:], text[end : end + 16]
        ):
            yield start, end


def _said_to_be_one(number: str, before: str, after: str) -> bool:
    if number.isdigit() and len(number) in {10, 13} and number[0] == "1":
        return False  # seconds or milliseconds since 1970
    return _is_told(before) or _AFTER.match(after) is not None


def may_tell(name: str) -> bool:
    """Whether the name of a field says something of its value to any detector: a secret, or a telephone number."""
    return named_secret(name) or _PHONE_WORD_PARTS.search(name.lower()) is not None


def _is_told(before: str) -> bool:
    return _PHONE_WORD_PARTS.search(before.lower()) is not None and _BEFORE.search(before) is not None


# --- all, in the order in which they are taken out ------------------------------------------------------

DETECTORS = (
    Detector("SECRET", _SECRET_CANDIDATE, _secrets),
    Detector("EMAIL_ADDRESS", r"[A-Za-z0-9._%+\-\x80-\xff]@[A-Za-z0-9\-\x80-\xff]+\.", _emails),
    Detector("IBAN_CODE", r"[A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]){8}", _ibans),
    Detector("CREDIT_CARD", r"\d(?:[ \-]?\d){11}", _cards),
    Detector("US_SSN", r"\d{3}[- ]\d{2}[- ]\d{4}", _ssns),
    Detector(
        "IP_ADDRESS",
        r"\d\.\d{1,3}\.\d{1,3}\.\d|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){7}|::[0-9A-Fa-f]|[0-9A-Fa-f]::",
        _ips,
    ),
    Detector("PHONE_NUMBER", r"\d(?:[ .\-()]{0,2}\d){6}", _phones),
)

SECRET, CREDIT_CARD = 0, 3
"""Where these two stand in `DETECTORS`. What that of secrets finds may be letters alone."""
