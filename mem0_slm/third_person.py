"""What a user typed about themselves, turned into third person by rule, and None wherever the rules are not sure.

"I moved to Leeds in May and my wife hates it" -> "User moved to Leeds in May and User's wife hates it". Only the words
for the speaker and the verbs that agree with them change; no word of substance is added, left out or moved.
"""

import re

from mem0_slm import elided, verbs
from mem0_slm.agreement import FINITE, INVERTED, LIKELY, OBJECTS, OTHERS, PLACES, Word, turned

_WORD = re.compile(r"\d+(?:[.,:/]\d+)+\w*|\w+(?:['-]\w+)*")
_SENTENCE_END = re.compile(r"(?:[.!…]+(?=\s|$)|\s*\n)\s*")
_ABBREVIATIONS = frozenset(
    "dr mr mrs ms st vs approx e.g i.e no prof jr sr ca min max tel inc ltd a.m p.m e g i m".split()
)
_YOU = re.compile(r"\b(?:you|u|ur|yr|your|yours|yourself|ya|yall|you'\w+|y'all|thou|please|pls|plz|lets|let's)\b")
_MENDED = {
    "im": "i am", "i'm": "i am", "iam": "i am", "i'am": "i am", "ima": "i am", "ive": "i have", "i've": "i have",
    "i'll": "i will", "i'd": "i 'd", "we're": "we are", "we've": "we have", "weve": "we have", "we'll": "we will",
    "we'd": "we 'd", "dont": "don't", "don't": "don't", "cant": "can't", "wont": "won't", "isnt": "isn't",
    "doesnt": "doesn't", "didnt": "didn't", "wasnt": "wasn't", "havent": "haven't", "hasnt": "hasn't",
    "couldnt": "couldn't", "shouldnt": "shouldn't", "wouldnt": "wouldn't", "arent": "aren't", "werent": "weren't",
    "hadnt": "hadn't", "thats": "that's", "theyre": "they're", "theyve": "they've", "hes": "he's", "shes": "she's",
    "theres": "there's", "wanna": "want to", "gonna": "going to", "gotta": "got to", "dunno": "don't know",
    "hafta": "have to", "tryna": "trying to", "cannot": "cannot", "aint": "ain't", "my-self": "myself",
}  # fmt: skip


def third_person(said: str, subject: str = "User") -> str | None:
    """A stretch of a user's English in third person, without final full stop; None where the rules are not sure.

    said is one or several clauses with what stands between them. A subject left out in the first sentence ("moved to
    Leeds") is taken for the speaker: whoever calls must know that no one else is spoken of before it.
    """
    text = said.replace("’", "'").replace("‘", "'").replace("`", "'").replace("´", "'").strip()
    if "?" in text or _YOU.search(text.casefold()) or _quotes_someone(text):
        return None
    sentences: list[str] = []
    speaker = True
    for sentence, end in _sentences(text):
        words = _read(sentence)
        if not words:
            continue
        found = _sentence(words, subject, speaker)
        if found is None:
            return None
        speaker = found.startswith(subject)
        sentences += [found, end]
    return "".join(sentences[:-1]) or None


def _sentences(text: str) -> list[tuple[str, str]]:
    """Sentences, each with the mark and space after it; "Dr. Smith" is not divided."""
    found, start = [], 0
    for mark in _SENTENCE_END.finditer(text):
        before = text[start : mark.start()].split()
        if mark[0].startswith(".") and before and before[-1].casefold() in _ABBREVIATIONS:
            continue
        end = mark[0] if mark[0].strip() else ". "
        found.append((text[start : mark.start()], end))
        start = mark.end()
    return [*found, (text[start:], "")]


def _quotes_someone(text: str) -> bool:
    """True if a quotation holds words for its own speaker: who "I" is there we do not know."""
    quoted = re.findall(r'["“«]([^"”»]*)["”»]?', text) + re.findall(r"(?<![\w])'(\w[^']*)'(?!\w)", text)
    return any(re.search(r"(?i)\b(?:i|im|ive|i'\w+|me|my|mine|we|our|us)\b", quote) for quote in quoted)


def _read(sentence: str) -> list[Word]:
    """The words of a sentence without fillers and marks at its edges."""
    words: list[Word] = []
    at = 0
    for found in _WORD.finditer(sentence):
        low, gap = found[0].casefold(), sentence[at : found.start()]
        parts = _MENDED.get(low, low).split()
        if low == "of" and words and words[-1].low in verbs.MODALS:
            parts = ["have"]
        for number, part in enumerate(parts):
            out = found[0] if len(parts) == 1 and part == low else part
            words.append(Word(part, out, " " if number else gap))
        at = found.end()
    tail = sentence[at:]
    start, end = elided.edges([w.low for w in words], [*(w.gap for w in words), tail])
    tail = tail if end == len(words) else ""
    words = words[start:end]
    if words:
        words[0].gap = "(" if words[0].gap.endswith("(") and ")" in sentence else ""
        closing = re.match(r"[)\]\"'%€£$+]+", tail)
        words[-1].out += closing[0] if closing else ""
    return words


def _sentence(words: list[Word], subject: str, speaker: bool) -> str | None:
    """One sentence in third person. speaker: whether a subject that is left out can be the speaker."""
    front = elided.subject_left_out([w.low for w in words])
    if front is None or (front and not speaker):
        return None
    if front:
        words = [Word(low, low, " ") for low in front] + words
        first = words[len(front)]
        words[0].gap, first.gap, first.out = "", " ", first.low if first.out.istitle() else first.out
    elif not _begins_well(words):
        return None
    if not turned(words, subject):
        return None
    text = "".join(w.gap + w.out for w in words)
    return text if any(c.isupper() for c in words[0].out) else text[0].upper() + text[1:]


def _begins_well(words: list[Word]) -> bool:
    """False for a question, an order, and a sentence whose subject is missing or whose main clause is."""
    first, after = words[0].low, (words[1].low if len(words) > 1 else "")
    if (
        len(words) == 1
        or first in INVERTED
        or first
        in (
            "who",
            "whose",
            "why",
            "how",
            "which",
            "what",
            "where",
            "than",
            "that",
            "guess",
            "what's",
            "whats",
            "hows",
            "wheres",
            "whos",
        )
    ):
        return False
    if first in (
        "if",
        "when",
        "while",
        "although",
        "though",
        "since",
        "as",
        "unless",
        "until",
        "before",
        "after",
        "once",
    ):
        return any("," in w.gap for w in words) or sum(w.low in OTHERS | {"i", "we", "it", "my"} for w in words) > 1
    if verbs.plain(first) or verbs.past(first) or (first.endswith("ing") and not _finite(words)):
        return False
    if verbs.third_form(first) and not verbs.past(first) and after in elided.DETERMINERS | PLACES:
        return False
    if verbs.base(first) and (after in OBJECTS | {"to", "us"} or first in LIKELY):
        return False
    return _finite(words) or (first not in "for in on at with to from of by about like".split())


def _finite(words: list[Word]) -> bool:
    """True if a word is surely a verb with its subject: what has none is no sentence."""
    return any(
        w.low in FINITE
        or w.low in ("i", "we")
        or w.low in OTHERS
        or w.low.endswith("'s")
        and w.low[:-2] in ("it", "that")
        for w in words[1:]
    ) or any(verbs.past(w.low) or verbs.third_form(w.low) for w in words[1:])
