"""Passwords, PINs, keys, card and account numbers in a message: where they stand, so that nobody stores them.

The rule is a value beside its name ("my pin is 4821"); a few values have a shape that no other thing has (keys of known
services, card numbers, IBANs) and need no name. What is found is widened to its clause: "the gate code is 4821" goes as
a whole, as "the gate code is" would be no memory either.
"""

import re
from bisect import bisect_left

from mem0_slm.language_words import ENGLISH
from mem0_slm.secret_names import (
    ACCOUNT,
    ANSWER,
    ANY_CODE,
    BESIDE,
    CARD,
    CODE,
    FILL,
    GAP,
    JOINS,
    KEY,
    NOT_A_VALUE,
    PASSWORD,
    PHRASE,
    PLAIN_CODE,
    WORD_DIGITS,
)

_AFTER, _BEFORE = 110, 48
"""Characters behind and before a name in which its value may stand."""
_TRIES = 4
"""Words like "is" behind a name that are tried for its value."""
_TOKEN = re.compile(r"[^\s,;\"'“”‘’`<>()\[\]{}|、。，；「」『』]+")
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:sk-[\w-]{16,200}|[srp]k_(?:live|test)_\w{10,200}|gh[pousr]_\w{20,200}|github_pat_\w{20,200}|"
    r"glpat-[\w-]{16,200}|A[KS]IA[0-9A-Z]{16}|xox[abeoprs]-[\w-]{10,250}|AIza[\w-]{30,60}|ya29\.[\w.-]{20,250}|"
    r"eyJ[\w-]{8,2000}\.[\w-]{8,4000}(?:\.[\w-]{0,2000})?|hf_[A-Za-z0-9]{20,60}|npm_[A-Za-z0-9]{20,60}|"
    r"pypi-[\w-]{20,250}|SG\.[\w-]{16,40}\.[\w-]{16,60}|do[opr]_v1_[0-9a-f]{32,80}|"
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{24,40}|\d{8,10}:[A-Za-z0-9_-]{35}(?![\w-])|"
    r"[a-z][a-z0-9+.-]{1,20}://[^\s:@/]{0,64}:[^\s@/]{2,128}@)|"
    r"(?<=\s)-u ?\w{1,40}:\S{3,80}|\b(?:mysql|sshpass|mysqldump)\b[^\n]{0,60} -p ?\S{3,60}"
)
"""Keys and tokens of known services, passwords in addresses and on command lines: no name needed."""
_PEM = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_DENSE = re.compile(r"(?<![\w+/=.@-])[A-Za-z0-9+/_=-]{20,400}(?!\.?[\w+/@-])")
_CARD_DIGITS = re.compile(r"(?<![\d-])(?<!\d[ .])[2-6]\d{3}(?:[ -]?\d){8,15}(?![\d-])")
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_CARD_REST = re.compile(
    r"(?:exp\w{0,8}|valid (?:thru|until|till)|good (?:thru|until)|gültig bis|válida hasta)\W{0,6}(?:date\W{0,3})?"
    r"(?:is )?\d{1,2}\s?[/-]\s?\d{2,4}|(?<!\d)(?:0[1-9]|1[0-2])\s?/\s?(?:20)?[2-4]\d(?!\d)(?:[\s,;/|"
    r"]{1,4}\d{3,4}(?!\d))?|"
    r"(?:three|3) digits[^\n.]{0,30}?\d{3,4}(?!\d)",
    re.IGNORECASE,
)
_CODE_VALUE = re.compile(
    r"[#*]?(?:[a-z]-?)?\d{3,12}[#*a-z]?|\d{1,6}(?:[-./ ]\d{1,6}){1,5}|(?=[a-z]*\d[a-z]*\d)[a-z\d]{4,12}|"
    r"[a-zа-я]-?\d{4,8}|"
    r"\d{1,4}[а-я]\d{2,6}|\d{3,12}\D{1,3}"
)
_NUMBERS = re.compile(r"\d{1,6}(?:[ .-]\d{1,6}){1,5}(?!\w)")
_ACCOUNT_VALUE = re.compile(r"[A-Z]{0,4} ?\d[\dA-Z]*(?:[ .-]?[\dA-Z]{1,8}){0,8}|[A-Z]{3,6}\d[\dA-Z]{4,16}(?: ?\d\w)?")
_QUOTED = re.compile(r"[\"'“‘`«「][^\"'”’`»」\n]{3,60}[\"'”’`»」]")
_OPEN = "\"'“‘`«「"
_HINT = re.compile(r"(?:my|our|his|her)\b[^\n.;]{0,40}\b(?:name|birthday|birth|year|date|initials)\b")
_LAST = re.compile(r"[^\s.!,;\"'”’]+(?=[\"'”’]?\s*(?:[.!,;\n]|$))")
_WORDS_RUN = re.compile(r"[a-z]{3,12}(?: [a-z]{2,12}){2,7}(?=\s*(?:[.!,;\n]|$))")
_DESCRIBES = ("ed", "ing", "able", "ible", "ly", "ous", "ful")
_MEASURE = re.compile(r"\d+(?:st|nd|rd|th|am|pm|h|min|kg|cm|km|gb|mb|x|er|e)|v?\d+(?:\.\d+)+|\w+\.\w{2,4}")
_ENDS = re.compile(r"[.!?](?=\s)|\n\n|[。！？]")
_BOUNDARY = re.compile(r"[.!?](?=\s|$)|[;\n。！？；]|,(?=\s)|，| (?=(?:and|but|so|because|und|y|et|e|en|og|och) )")
_SEED_WORDS = re.compile(r"(?:(?:\d{1,2}[.)]\s?)?[a-z]{3,8}(?:[,\s]\s{0,3}|$|(?=\W))){11,25}")
_MORE = re.compile(r"[\s,;/|]*(?:(?:and|und|y|et|or)\s+)?(?=\S)")
_BEFORE_NAME = re.compile(
    r"(\S{3,40}) (?:is|was|as|for|ist|es|est|è|é|als|comme|como|come)(?: (?:still|now))?"
    r"(?: (?:my|the|our|a|his|her|mein|meine|mi|mon|la|le|el|il|minha|meu|to|new|old|\w{3,9})){0,3} $"
)


def _is_card(digits: str) -> bool:
    from stdnum import luhn

    return 13 <= len(digits) <= 19 and luhn.is_valid(digits) and len(set(digits)) > 1


def _is_iban(value: str) -> bool:
    from stdnum import iban

    return iban.is_valid(value, check_country=False)


def _mixed(token: str) -> bool:
    """True for a token as keys have them: letters and digits in many changes, not words or a file's name in a chain."""
    if not any(c.isdigit() for c in token) or not any(c.isalpha() for c in token):
        return False
    if re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", token.lower()):
        return False  # an identifier, of nothing that it opens
    runs = re.findall(r"[a-z]+|[A-Z]+|\d+|[^a-zA-Z\d]+", token)
    longest_word = max((len(run) for run in runs if run.isalpha()), default=0)
    return len(runs) * 4 >= len(token) and longest_word <= 7 and "//" not in token


def _strong(token: str) -> bool:
    """True for what nobody says as a word: "bar1", "Sommer-2024", "x9!k"; false for "2024", "10:30" and "don't"."""
    token = token.rstrip(".!?:")
    letters, digits = any(c.isalpha() for c in token), any(c.isdigit() for c in token)
    if len(token) < 4 or _MEASURE.fullmatch(token.lower()):
        return False
    if letters and digits:
        return True
    odd = sum(not c.isalnum() and c not in "-'’./:&" for c in token)
    return odd > 0 and (letters or digits) and not token.startswith(("$", "£", "€", "#", "@"))


def _value_is(token: str, how: str, said: str) -> bool:
    """True if `token`, which `said` ("is", "mark", "") joins to a name of the sort `how`, is that name's value."""
    bare = token.rstrip(".!?:。").lower()
    if not bare or bare in NOT_A_VALUE or (bare.endswith(_DESCRIBES) and bare.isalpha() and said != "mark"):
        return False
    if how == "code":
        year = len(bare) == 4 and bare.isdigit() and 1900 <= int(bare) <= 2099 and not said
        return not year and (_CODE_VALUE.fullmatch(bare) is not None or (said == "mark" and _strong(token)))
    if how == "account":
        return sum(c.isdigit() for c in bare) >= 5
    if _strong(token):
        return True
    if said == "mark" and how == "password":
        return len(bare) >= 3
    if bare.isdigit():
        return len(bare) >= 4 and (bool(said) or len(bare) > 4 or not 1900 <= int(bare) <= 2100)
    return False


def _spelled(words: list[str]) -> bool:
    """True if words begin with a code in words: "four eight two one"."""
    return len(words) >= 3 and all(word.lower().strip(".,!") in WORD_DIGITS for word in words[:3])


def _word_of_its_own(rest: str) -> int:
    """Length of the plain words that end a clause and describe nothing ("the password is sunflower"); 0 for none."""
    several = _WORDS_RUN.match(rest)
    if several and not any(word in ENGLISH or word.endswith("ly") for word in several.group().split()):
        return several.end()
    last = _LAST.match(rest)
    word = last.group().lower() if last else ""
    plain = len(word) >= 4 and word.isalpha() and word not in NOT_A_VALUE and not word.endswith(_DESCRIBES)
    return len(word) if plain else 0


def _value_at(text: str, at: int, end: int, how: str, said: str) -> int:
    """End of the value of a name of the sort `how` that stands at `at`, before `end`; -1 for none."""
    rest = text[at:end]
    token = _TOKEN.match(rest)
    if token is None:
        return -1
    value = token.group()
    numbers = {"code": _NUMBERS, "account": _ACCOUNT_VALUE}[how].match(rest) if how in ("code", "account") else None
    if (
        numbers
        and len(numbers.group()) > len(value)
        and (how == "account" or sum(map(str.isdigit, numbers.group())) >= 3)
    ):
        value = numbers.group()
    if _value_is(value, how, said):
        return at + len(value)
    if how == "code" and _spelled(rest.split()[:4]):
        return at + len(" ".join(rest.split()[:4]))
    if how == "account" or not said:
        return -1
    quoted = _QUOTED.match(text, at - 1, end) if text[at - 1] in _OPEN else None
    if quoted and how == "password":
        return quoted.end()
    hint = _HINT.match(rest)
    if hint and how != "key":
        return at + hint.end()
    own = _word_of_its_own(rest) if how == "password" else 0
    return at + own if own else -1


class _Reader:
    """A text with what joins names to values in it, looked up once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.joins = list(JOINS.finditer(text))
        self.starts = [join.start() for join in self.joins]
        self.ends = [end.start() for end in _ENDS.finditer(text)]

    def after(self, at: int, how: str, *, joined: bool = False) -> int:
        """End of the value that follows a name which ends at `at`; -1 for none. joined: only behind "is" and such."""
        stop = bisect_left(self.ends, at)
        end = min(len(self.text), at + _AFTER, self.ends[stop] if stop < len(self.ends) else len(self.text))
        for direct in () if joined else (FILL.match(self.text, at, end), BESIDE.match(self.text, at, end)):
            found = _value_at(self.text, direct.end(), end, how, "") if direct else -1
            if direct and found >= 0 and "\n" not in direct.group():
                return found
        first = bisect_left(self.starts, at)
        for join in self.joins[first : first + _TRIES]:
            if join.end() > end:
                break
            said, near = str(join.lastgroup), join.start() - at <= (12 if join.lastgroup == "particle" else 40)
            gap = GAP.match(self.text, at, join.start())
            if said != "free" and (not near or (gap is None and said != "particle")):
                continue
            fill = FILL.match(self.text, join.end(), end)
            found = _value_at(self.text, fill.end() if fill else join.end(), end, how, said)
            if found >= 0:
                return found
        return -1

    def before(self, at: int, how: str) -> int:
        """Start of the value that stands before a name which begins at `at` ("4821 is my pin"); -1 for none."""
        window = self.text[max(0, at - _BEFORE) : at]
        found = _BEFORE_NAME.search(window) if how in ("code", "password") else None
        if found is None:
            return -1
        token = found.group(1).strip("\"'“”(").lower()
        good = _CODE_VALUE.fullmatch(token) is not None if how == "code" else _strong(token)
        return max(0, at - _BEFORE) + found.start() if good else -1

    def more(self, end: int) -> int:
        """End of the values that follow a first one: "backup codes: 1111-2222 3333-4444"."""
        while True:
            skip = _MORE.match(self.text, end)
            token = _TOKEN.match(self.text, skip.end() if skip else end)
            if token is None or not (_strong(token.group()) or re.fullmatch(r"\d{4,}(?:-\d+)*\.?", token.group())):
                return end
            end = token.end()


_NAMES = (
    ("password", PASSWORD),
    ("key", KEY),
    ("code", CODE),
    ("account", ACCOUNT),
    ("code", ANY_CODE),
    ("code", PLAIN_CODE),
)


def _named(text: str) -> list[tuple[int, int]]:
    """Values beside their names, each with its name."""
    found: list[tuple[int, int]] = []
    names = [(how, listed, name) for how, listed in _NAMES for name in listed.finditer(text)]
    reader = _Reader(text) if names else None
    for how, listed, name in names:
        assert reader is not None
        end = reader.after(name.end(), how, joined=listed in (ANY_CODE, PLAIN_CODE))
        if end >= 0:
            found.append((name.start(), reader.more(end)))
            continue
        start = reader.before(name.start(), how)
        if start >= 0:
            found.append((start, name.end()))
    for name in PHRASE.finditer(text):
        run = _SEED_WORDS.search(text, name.end(), name.end() + 400)
        if run and run.start() - name.end() < 60:
            found.append((name.start(), run.end()))
    return found + [(answer.start(), answer.end()) for answer in ANSWER.finditer(text)]


def _shaped(text: str) -> list[tuple[int, int]]:
    """Values that need no name: keys of known shapes, card numbers with what stands beside them, IBANs."""
    found = [(shape.start(), shape.end()) for shape in _SHAPES.finditer(text)]
    for pem in _PEM.finditer(text):
        end = text.find("-----END", pem.end())
        close = text.find("\n", end) if end >= 0 else -1
        found.append((pem.start(), close if close >= 0 else len(text)))
    found += [(dense.start(), dense.end()) for dense in _DENSE.finditer(text) if _mixed(dense.group())]
    found += [(iban.start(), iban.end()) for iban in _IBAN.finditer(text) if _is_iban(iban.group())]
    for number in _CARD_DIGITS.finditer(text):
        start, end = number.span()
        if _is_card(re.sub(r"\D", "", number.group())) or CARD.search(text, max(0, start - 60), start):
            found.append((start, end))
            found += [(rest.start(), rest.end()) for rest in _CARD_REST.finditer(text, max(0, start - 80), end + 120)]
    return found


def secret_spans(text: str) -> list[tuple[int, int]]:
    """Characters of `text` that hold secrets, sorted and not overlapping, each widened to its clause."""
    found = _named(text) + _shaped(text)
    bounds = [bound.start() for bound in _BOUNDARY.finditer(text)] if found else []
    spans: list[tuple[int, int]] = []
    for start, end in sorted(found):
        left, right = bisect_left(bounds, start) - 1, bisect_left(bounds, end)
        start = bounds[left] + 1 if left >= 0 else 0
        end = max(end, bounds[right] if right < len(bounds) else len(text))
        start += len(text[start:end]) - len(text[start:end].lstrip())
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans
