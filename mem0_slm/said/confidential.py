"""Passwords, PINs, keys, card and account numbers in a message: where they stand, so that nobody stores them.

The rule is a value beside its name ("my pin is 4821"); a few values have a shape that no other thing has (keys of known
services, card numbers, IBANs) and need no name. What is found is widened to its clause: "the gate code is 4821" goes as
a whole, as "the gate code is" would be no memory either.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator

from mem0_slm.said.language_words import ENGLISH
from mem0_slm.said.secret_names import (
    ACCOUNT,
    ANSWER,
    ANY_CODE,
    BESIDE,
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
from mem0_slm.said.secret_shapes import shaped

_AFTER, _BEFORE = 110, 48
"""Characters behind and before a name in which its value may stand."""
_TRIES = 4
"""Words like "is" behind a name that are tried for its value."""
_TOKEN = re.compile(r"[^\s,;\"'“”‘’`<>()\[\]{}|、。，；「」『』]+")
_CODE_VALUE = re.compile(
    r"[#*]?(?:[a-z]-?)?\d{3,12}[#*a-z]?|\d{1,6}(?:[-./ ]\d{1,6}){1,5}|(?=[a-z]*\d[a-z]*\d)[a-z\d]{4,12}|"
    r"[a-zа-я]-?\d{4,8}|"
    r"(?=[a-z-]*\d)[a-z\d]{3,6}(?:-[a-z\d]{3,6}){1,5}|"
    r"\d{1,4}[а-я]\d{2,6}|\d{3,12}\D{1,3}"
)
_NUMBERS = re.compile(r"\d{1,6}(?:[ .-]\d{1,6}){1,5}(?!\w)")
_ACCOUNT_VALUE = re.compile(r"[A-Z]{0,4} ?\d[\dA-Z]*(?:[ .-]?[\dA-Z]{1,8}){0,8}|[A-Z]{3,6}\d[\dA-Z]{4,16}(?: ?\d\w)?")
_QUOTED = re.compile(r"[\"'“‘`«「][^\"'”’`»」\n]{3,60}[\"'”’`»」]")
_OPEN = "\"'“‘`«「"
_LOOSE_CODE = re.compile(
    r"(?<![\w.,:/£$€#-])(?!(?:19|20)\d\d(?!\d))(?:\d{3,8}[#*]?|\d{1,2}(?:[- ]\d{1,2}){2,5}|[A-Z]\d{3,6})"
    r"(?=\s*(?:$|[.,;!?)\n\"]|(?:and|but|so|or|und|y|et|e|for|-) ))"
)
_PAIR = re.compile(r"\S{2,40} ?[/|] ?([^\s,;]{4,40})")
_HINT = re.compile(r"(?:my|our|his|her)\b[^\n.;]{0,40}\b(?:name|birthday|birth|year|date|initials)\b")
_LAST = re.compile(r"[^\s.!,;\"'”’]+(?=[\"'”’]?\s*(?:[.!,;\n]|$))")
_WORDS_RUN = re.compile(r"[a-z]{3,12}(?: [a-z]{2,12}){2,7}(?=\s*(?:[.!,;\n]|$))")
_DESCRIBES = ("ed", "ing", "able", "ible", "ly", "ous", "ful")
_MEASURE = re.compile(r"\d+(?:st|nd|rd|th|am|pm|h|min|kg|cm|km|gb|mb|x|er|e)|v?\d+(?:\.\d+)+|\w+\.\w{2,4}")
_ENDS = re.compile(r"[.!?](?=\s)|\n\n|[。！？]")
_BOUNDARY = re.compile(r"[.!?](?=\s|$)|[;\n。！？；]|,(?=\s)|，| (?=(?:and|but|so|because|und|y|et|e|en|og|och) )")
_IN_SENTENCES = re.compile(r"\b(?:and|the|for|with|not|too)\b")
"""Words of sentences, none of them on the lists of words for seed phrases."""
_SEED_WORDS = re.compile(r"(?:(?:\d{1,2}[.)]\s?)?[a-z]{3,8}(?:[,\s]\s{0,3}|$|(?=\W))){11,25}")
_MORE = re.compile(r"[\s,;/|]*(?:(?:and|und|y|et|or)\s+)?(?=\S)")
_BEFORE_NAME = re.compile(
    r"(\S{3,40}) (?:is|was|as|for|ist|es|est|è|é|als|comme|como|come)(?: (?:still|now))?"
    r"(?: (?:my|the|our|a|his|her|mein|meine|mi|mon|la|le|el|il|minha|meu|to|new|old|\w{3,9})){0,3} $"
)


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


def _is_no_thing(word: str) -> bool:
    """False for addresses and for names of things with a number: "iPhone15", "windows11", "u2"."""
    return not re.search(r"@|://|^www\.|^\d+[a-z]{1,3}$|^i?[a-z]{2,9}-?\d{1,2}$|^[A-Z][a-z]{2,9}\d{1,2}$", word) and (
        word.lower().rstrip(".!?:") not in NOT_A_VALUE
    )


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
    pair = _PAIR.match(rest)
    if pair and how in ("password", "key") and _strong(pair.group(1)):
        return at + pair.end()
    quoted = _QUOTED.match(text, at - 1, end) if text[at - 1] in _OPEN else None
    if quoted and how == "password":
        return quoted.end()
    hint = _HINT.match(rest)
    if hint and how != "key":
        return at + hint.end()
    own = _word_of_its_own(rest) if how == "password" and said != "particle" else 0
    return at + own if own else -1


class _Reader:
    """A text with what joins names to values in it, looked up once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.joins = list(JOINS.finditer(text))
        self.starts = [join.start() for join in self.joins]
        self.ends = [end.start() for end in _ENDS.finditer(text)]

    def after(self, at: int, until: int, how: str, *, joined: bool = False) -> int:
        """End of the value that follows a name which ends at `at`; -1 for none. joined: only behind "is" and such."""
        stop = bisect_left(self.ends, at)
        end = min(until, at + _AFTER, self.ends[stop] if stop < len(self.ends) else len(self.text))
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
        return -1 if joined else self.loose(at, end, how)

    def loose(self, at: int, end: int, how: str) -> int:
        """End of what stands further behind a name and can hardly be anything but its value; -1 for none."""
        if how == "code":
            code = _LOOSE_CODE.search(self.text, at, min(end, at + 60))
            return code.end() if code else -1
        if how == "password":
            comma = self.text.find(", ", at + 2, end)
            for token in _TOKEN.finditer(self.text, at, min(comma if comma >= 0 else end, at + 80)):
                word = token.group()
                if _strong(word) and any(map(str.isdigit, word)) and any(map(str.isalpha, word)) and _is_no_thing(word):
                    return token.end()
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


def _each(
    names: list[tuple[str, re.Pattern[str], list[re.Match[str]]]], end: int
) -> Iterator[tuple[re.Match[str], int, str, bool]]:
    """Each name with how far its value is looked for: not behind the next name but one of its sort."""
    for how, listed, found in names:
        for name, beyond in zip(found, [*found[2:], None, None]):
            yield name, beyond.start() if beyond else end, how, listed in (ANY_CODE, PLAIN_CODE)


def _named(text: str) -> list[tuple[int, int]]:
    """Values beside their names, each with its name."""
    found: list[tuple[int, int]] = []
    names = [(how, listed, list(listed.finditer(text))) for how, listed in _NAMES]
    reader = _Reader(text) if any(listed for _, _, listed in names) else None
    for name, until, how, joined in _each(names, len(text)):
        assert reader is not None
        end = reader.after(name.end(), until, how, joined=joined)
        if end >= 0:
            found.append((name.start(), reader.more(end)))
            continue
        start = reader.before(name.start(), how)
        if start >= 0:
            found.append((start, name.end()))
    for name in PHRASE.finditer(text):
        run = _SEED_WORDS.search(text, name.end(), name.end() + 400)
        if run and run.start() - name.end() < 60 and not _IN_SENTENCES.search(run.group()):
            found.append((name.start(), run.end()))
    return found + [(answer.start(), answer.end()) for answer in ANSWER.finditer(text)]


def secret_spans(text: str) -> list[tuple[int, int]]:
    """Characters of `text` that hold secrets, sorted and not overlapping, each widened to its clause."""
    found = _named(text) + shaped(text)
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
