"""What a text says: its words, names, numbers and titles, one definition of each, and what of them nobody said."""

import re
from typing import NamedTuple

_PART = re.compile(r"\d+|[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_TITLE = re.compile(r"[\"“«]([^\"”»]+)[\"”»]")
_CLAIM = re.compile(r"\d[\d.,:]*\d|\d|(?<=[\w,'] )[^\W\d_][^\W_]*")
_LETTERS = re.compile(r"(?<![^\W_])[^\W\d_][^\W_]*")

NUMBER_WORDS = dict(
    zip(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
        "hundred thousand million billion".split(),
        [*range(2, 20), *range(20, 100, 10), 100, 1000, 10**6, 10**9],
    )
)
"""Numbers in words. One is left out: it is a pronoun too."""
NOT_NAMES = frozenset("user users the a an i he she it they his her its their".split())
"""Words that name nothing, also where they have a capital; "User" is the contract's own."""


class Claim(NamedTuple):
    """Something in a text that can be held against another."""

    kind: str
    """"title", "number" or "name"."""
    text: str


def normal(text: str) -> str:
    """Text for comparing what is said, not how it is typed: case, spacing and typographic marks aside."""
    for mark, plain in (("’", "'"), ("‘", "'"), ("–", "-"), ("—", "-"), ("\u00a0", " ")):
        text = text.replace(mark, plain)
    return " ".join(text.casefold().split())


def holds(text: str, key: str) -> bool:
    """True if `key` stands in `text` as whole words and numbers: "4" is in neither "42" nor "4,000"."""
    return re.search(r"(?<!\w)(?<!\d[.,:])" + re.escape(normal(key)) + r"(?!\w|[.,:]\d)", normal(text)) is not None


def words(text: str) -> list[str]:
    """The running words of a text in order, in lower case: "5kg" is one, for counting and for runs of words."""
    return re.findall(r"\w+", text.casefold())


def parts(text: str) -> list[str]:
    """What words and numbers are made of, in order, for comparing: "5kg" is 5 and kg, as "5 kg" is."""
    return _PART.findall(normal(text))


def claims(text: str) -> list[str]:
    """Names and numbers of a text. A name is a word with a capital that does not begin the text or a sentence."""
    return [c for c in _CLAIM.findall(text) if (c[0].isdigit() or c != c.lower()) and c not in ("User", "Users", "I")]


def unsaid(memory: str, conversation: str, *, any_capital: bool = False) -> list[Claim]:
    """Names, numbers and quoted titles of a memory that the conversation does not hold: what a model made up.

    any_capital: a word at the beginning of a sentence is taken for a name too, an article or pronoun aside. That is for
    choosing what may be trained on, where a doubt is enough; a count of inventions must not take "Sorted" for a name.
    Numbers are compared whole, whatever stands between their digits: 7:30 is 7.30, and neither is 7.
    """
    said, running = set(parts(conversation)), f" {' '.join(parts(conversation))} "
    numbers = {tuple(parts(number)) for number in _NUMBER.findall(conversation)}
    found = [
        Claim("title", title)
        for title in _TITLE.findall(memory)
        if parts(title) and f" {' '.join(parts(title))} " not in running
    ]
    found += [Claim("number", n) for n in _NUMBER.findall(memory) if tuple(parts(n)) not in numbers]
    found += [
        Claim("number", word)
        for word in parts(memory)
        if word in NUMBER_WORDS and not {word, str(NUMBER_WORDS[word])} & said
    ]
    names = [name for name in claims(memory) if not name[0].isdigit()]
    if any_capital:
        names = [word for word in _LETTERS.findall(memory) if word in names or word[0].isupper()]
    return found + [
        Claim("name", name) for name in names if name.lower() not in NOT_NAMES and not set(parts(name)) <= said
    ]
