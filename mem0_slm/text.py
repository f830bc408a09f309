"""What a text says: its words, names and numbers, one definition of each."""

import re


def normal(text: str) -> str:
    """Text for comparing what is said, not how it is typed: case, spacing and typographic marks aside."""
    for mark, plain in (("’", "'"), ("‘", "'"), ("–", "-"), ("—", "-"), ("\u00a0", " ")):
        text = text.replace(mark, plain)
    return " ".join(text.casefold().split())


def holds(text: str, key: str) -> bool:
    """True if `key` stands in `text` as whole words and numbers: "4" is in neither "42" nor "4,000"."""
    return re.search(r"(?<!\w)(?<!\d[.,:])" + re.escape(normal(key)) + r"(?!\w|[.,:]\d)", normal(text)) is not None


_CLAIM = re.compile(r"\d[\d.,:]*\d|\d|(?<=[\w,'] )[^\W\d_][^\W_]*")


_PART = re.compile(r"\d+|[^\W\d_]+")


def parts(text: str) -> set[str]:
    """The words and numbers of a text, in lower case: "5kg" is 5 and kg, as "5 kg" is."""
    return set(_PART.findall(normal(text)))


def claims(text: str) -> list[str]:
    """Names and numbers of a text. A name is a word with a capital that does not begin the text; "User" is the contract's own word."""
    return [c for c in _CLAIM.findall(text) if (c[0].isdigit() or c != c.lower()) and c not in ("User", "Users", "I")]


def unsaid(memory: str, conversation: str) -> list[str]:
    """Names and numbers of a memory that the conversation does not hold: what a model made up."""
    said = parts(conversation)
    return [claim for claim in claims(memory) if not parts(claim) <= said]
