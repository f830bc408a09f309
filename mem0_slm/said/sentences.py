"""Where the sentences of a chat message begin and end, and the words of one, with their places."""

import re
from typing import NamedTuple


class Word(NamedTuple):
    """A word or a mark of a text."""

    said: str
    """In lower case, with a straight apostrophe."""
    start: int
    end: int
    capital: bool


_WORD = re.compile(r"\d+(?:[.,:/]\d+)*[^\W_]*|[^\W\d_][^\W_]*(?:['’][^\W_]+)*|[^\w\s]|_")
_END = re.compile(r"[.!?…。！？؟;؛\n]+")
_SHIELDED = re.compile(r'"[^"\n]{1,300}"|“[^”\n]{1,300}”|«[^»\n]{1,300}»|\([^()\n]{1,300}\)')
_BULLET = re.compile(r"(?:[-*•·–—>]|\(?\d{1,2}[.)]|[a-h]\))[ \t]+")
_BEFORE_DOT = re.compile(r"(?:[^\W\d_]\.)*[^\W_]+\Z")
ABBREVIATIONS = frozenset(
    "dr mr mrs ms prof st sr jr vs etc e.g i.e eg ie approx no nr inc ltd co cf fig vol ca a.m p.m dept est tel ext "
    "min max sgt rev capt lt gen hon u.s u.k".split()
)
"""What a dot may follow in the middle of a sentence."""
_TITLES = frozenset("dr mr mrs ms prof st sgt rev capt lt gen hon".split())
_BARE = " \t\r\n,;:.!…-–—*•·_~|/\\"


def words_of(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """The words and marks of `text[start:end]` with their places in `text`."""
    return [
        Word(m.group().lower().replace("’", "'"), m.start(), m.end(), m.group()[0].isupper())
        for m in _WORD.finditer(text, start, len(text) if end is None else end)
    ]


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without marks, emoji and blanks around it; a question mark, quotes and brackets stay."""
    while start < end and not _carries(text[start], opening=True):
        start += 1
    while end > start and not _carries(text[end - 1], opening=False):
        end -= 1
    return start, end


def _carries(char: str, *, opening: bool) -> bool:
    return (
        char.isalnum()
        or (char in "\"'“‘«(#@£$€¥¿[{<+&" if opening else char in "\"'”’»)?？؟%°€$£]}>+")
        or (ord(char) > 127 and char.isprintable() and char not in _BARE and char.isidentifier())
    )


def _ends(text: str, mark: re.Match[str]) -> bool:
    """True if a sentence ends with this run of marks."""
    run, after = mark.group(), text[mark.end() : mark.end() + 2]
    if "\n" in run or any(char in run for char in "。！？؟؛"):
        return True
    if not after or after[0] in "\"”»)'’" and (len(after) == 1 or after[1].isspace()):
        return True
    if run == ";":
        return after[0].isspace()
    before = _BEFORE_DOT.search(text, max(0, mark.start() - 24), mark.start())
    last = before.group().lower() if before else ""
    if not after[0].isspace():  # "4.9", "node.js" and addresses go on; "fine.I" does not
        return (
            (run[0] in "?!" and (after[0].isalpha() or after[0] in "(\"'") and "/" not in last)
            or (run == "." and after[0].isupper() and len(last) > 2 and last.isalpha() and after[1:].isalpha() is False)
            or ord(after[0]) > 0x2000
        )
    following = text[mark.end() : mark.end() + 12].lstrip()
    if last.isdigit() and len(last) <= 2 and _opens_line(text, mark.start() - len(last)):
        return False
    if run != ".":
        return run[0] in "?!" or not following or following[0].isupper() or _begins(following)
    if last in _TITLES and following[:1].isupper():
        return False
    if last in ABBREVIATIONS:
        if last in ("no", "nr"):
            return not any(char.isdigit() for char in following.split(" ")[0])
        return following[:1].isupper() and last not in ("vs", "e.g", "i.e", "eg", "ie", "approx", "ca")
    return not (len(last) == 1 and last.isalpha() and last != "i" and following[:1].isupper())


def _opens_line(text: str, start: int) -> bool:
    """True if nothing but blanks stands before that place on its line."""
    while start and text[start - 1] in " \t(":
        start -= 1
    return start == 0 or text[start - 1] == "\n"


_BEGINNING = re.compile(
    r"(?:i|im|i'm|ive|i've|we|he|she|it|its|it's|they|my|our|the|this|that|so|and|but|then|also|anyway|no|yes|any|"
    r"what|how|can|could|should|is|are|do|does|who|why|when|where|please|pls|not|just|oh|ok|well)\b",
    re.I,
)


def _begins(following: str) -> bool:
    return _BEGINNING.match(following) is not None


def sentences(text: str) -> list[tuple[int, int]]:
    """The spans of the sentences of a message, bullets and blanks around them left out.

    A line ends a sentence, unless it is long, its end is bare and the next goes on in lower case (a wrapped paragraph).
    Nothing ends within quotes or brackets on one line.
    """
    shields = [m.span() for m in _SHIELDED.finditer(text)]
    found, start, shield = [], 0, 0
    for mark in _END.finditer(text):
        while shield < len(shields) and shields[shield][1] <= mark.start():
            shield += 1
        if shield < len(shields) and shields[shield][0] < mark.start() and mark.end() < shields[shield][1] - 1:
            continue
        if mark.end() < len(text) and _wrapped(text, start, mark) or not _ends(text, mark):
            continue
        end = mark.end()
        if end < len(text) and text[end] in '"”»)':
            end += 1
        found.append((start, end))
        start = end
    found.append((start, len(text)))
    return [span for span in (_unbulleted(text, *span) for span in found) if span[0] < span[1]]


def _wrapped(text: str, start: int, mark: re.Match[str]) -> bool:
    if mark.group() != "\n" or text[mark.start() - 1 : mark.start()] in ",:;":
        return False
    line = mark.start() - max(start, text.rfind("\n", start, mark.start()) + 1)
    return line > 60 and text[mark.end()].islower()


def _unbulleted(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    bullet = _BULLET.match(text, start, end)
    if bullet and (start == 0 or "\n" in text[max(0, start - 8) : start]):
        start = bullet.end()
    return trimmed(text, start, end)
