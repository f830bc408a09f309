"""Whether a statement in third person says what a stretch of a user's English says: `follows`.

Both are brought into one form, and the statement must then be that stretch word for word: the same words in the same
order, but for a closed list of words that change nothing. Whoever owns, does, denies, wishes or supposes something,
every number, every word of kin is compared with the rest, because nothing may be left out in between.
"""

import re

from mem0_slm.text import NUMBER_WORDS, normal

_TOKEN = re.compile(r"[£$€¥₹#+]?\d+(?:[.,:/]\d+)*%?|[^\W\d_]+(?:'[^\W\d_]+)*|[.,;:!?()\"&…+%]|\s-+\s|-+$")

_NOT = re.compile(
    r"(do|does|did|is|are|was|were|have|has|had|could|would|should|must|need|might)n'?t\b|\b(ca|wo|sha)n'?t\b|\bcannot\b"
)
_NOT_OF = {"ca": "can", "wo": "will", "sha": "shall"}
_SHORT = {
    "im": "i am",
    "i'm": "i am",
    "ive": "i have",
    "i've": "i have",
    "i'll": "i will",
    "we're": "we are",
    "we've": "we have",
    "weve": "we have",
    "we'll": "we will",
    "theyre": "they are",
    "they're": "they are",
    "theyve": "they have",
    "they've": "they have",
    "they'll": "they will",
    "he'll": "he will",
    "she'll": "she will",
    "it'll": "it will",
    "hes": "he 's",
    "shes": "she 's",
    "its": "it 's",
    "thats": "that 's",
    "theres": "there 's",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "have got to",
    "cuz": "because",
    "cos": "because",
    "coz": "because",
    "w": "with",
    "w/": "with",
    "&": "and",
    "plus": "and",
    "r": "are",
    "pls": "please",
    "bday": "birthday",
    "thru": "through",
    "dnt": "do not",
}
"""Short forms of chat and speech, and what they stand for on both sides of a comparison."""
_ONE_FORM = {
    "am": "be",
    "is": "be",
    "are": "be",
    "was": "were",
    "has": "have",
    "does": "do",
    "named": "called",
    "i": "user",
    "me": "user",
    "myself": "user",
    "we": "user",
    "us": "user",
    "ourselves": "user",
    "my": "user's",
    "mine": "user's",
    "our": "user's",
    "ours": "user's",
    "mum": "mother",
    "mom": "mother",
    "dad": "father",
    "color": "colour",
    "favorite": "favourite",
} | {word: str(number) for word, number in NUMBER_WORDS.items()}
"""Words that mean the same here, brought into one form. Speaker and owner become Mem0's "User"."""
_STOPS = frozenset('.,;:!?()"…-')
_FILLERS = frozenset(
    "the a an really actually just honestly basically literally lol haha btw well so ok okay also too anyway tbh um uh "
    "oh yeah yes yep please sadly luckily fortunately obviously apparently currently that then".split()
)
"""Words of the stretch that a statement may leave out."""
_ADDED = frozenset("the a an that currently also and".split())
"""Words that a statement may have beyond the stretch."""
_FOR_USER = {
    "they": ("user",),
    "them": ("user",),
    "their": ("user's",),
    "theirs": ("user's",),
    "themselves": ("user",),
    "themself": ("user",),
}
"""Words by which a statement goes on to speak of the user."""
_ADVERBS = frozenset(
    "always never usually often sometimes still really only also just not currently mostly mainly generally now "
    "already rarely hardly normally typically occasionally both even actually".split()
)
_JOINS = frozenset("and or but then".split())
_WE = re.compile(r"\b(we|us|we're|we've|weve|ours|ourselves)\b")
_MANY = frozenset("all each together both half share split between other another".split())
_LIMITS = frozenset("if unless except only not than without until till when or nor never no but".split())
"""Words that take back or bind what stands before them: no statement ends in front of one."""
_DAYS = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays "
    "sundays weekends weekdays".split()
)


def follows(statement: str, said: str) -> bool:
    """Whether a statement about "User" says what a stretch of the user's own English says, or its beginning up to a stop.

    Sound before complete: True means the same words in the same order; a paraphrase that is true may be refused.
    """
    return _compare(statement, said, whole=False)


def says_all(statement: str, said: str) -> bool:
    """Whether a statement follows from a stretch and says all of it: `follows` also takes the beginning of one."""
    return _compare(statement, said, whole=True)


def _compare(statement: str, said: str, whole: bool) -> bool:
    if _of_several(said):
        return False
    have, want = forms(said), [form for form in forms(statement) if form not in _STOPS]
    return bool(want) and len(want) <= 120 and len(have) <= 240 and _aligned(want, have, whole)


def forms(text: str) -> list[str]:
    """The words, numbers and stops of a text in the form in which two texts are compared."""
    plain = _NOT.sub(_negation, normal(text).replace("e-mail", "email"))
    found: list[str] = []
    for token in _TOKEN.findall(plain):
        for piece in _SHORT.get(token.strip(), token.strip()).split():
            found += _possessive(piece.strip("-") or "-")
    return found


def _negation(match: re.Match) -> str:
    stem = match[1] or _NOT_OF.get(match[2] or "", "can")
    return f"{stem} not"


def _possessive(piece: str) -> list[str]:
    """A word in its one form, a possessive or short "is" as a token of its own; "user's" is one token."""
    if piece in ("user's", "users'"):
        return ["user's"]
    stem, mark, tail = piece.rpartition("'")
    if mark and stem and tail in ("s", "d", "re", "ve", "ll"):
        return [_ONE_FORM.get(stem, stem), {"re": "be", "ve": "have", "ll": "will"}.get(tail, "'" + tail)]
    return [_ONE_FORM.get(piece, piece)]


def _of_several(said: str) -> bool:
    """Whether the stretch says something of several people that is not true of the user alone."""
    plain = normal(said)
    if not _WE.search(plain):
        return False
    found = set(forms(plain))
    return bool(found & _MANY) or any(form[-1:].isdigit() for form in found)


def _aligned(want: list[str], have: list[str], whole: bool) -> bool:
    """Whether `want` can be read off `have` from its beginning to its end or to a stop at which one may leave.

    `reached` holds, for the forms of `want` read so far, the places in `have` that they may have come to.
    """
    start = _skip({0}, have)
    reached = set(start)
    for at, form in enumerate(want):
        following = {i + 1 for i in reached if i < len(have) and _same(form, have, i)}
        if form in _ADDED or _may_be_added(want, at):
            following |= reached
        reached = _skip(following, have)
        if not reached:
            return False
    return len(have) in reached or (not whole and any(_may_leave(have, i) for i in reached))


def _skip(places: set[int], have: list[str]) -> set[int]:
    """The places, and those behind fillers and stops that follow them."""
    found, open_ = set(places), list(places)
    while open_:
        i = open_.pop()
        if i < len(have) and i + 1 not in found and (have[i] in _FILLERS or have[i] in _STOPS):
            found.add(i + 1)
            open_.append(i + 1)
    return found


def _same(form: str, have: list[str], i: int) -> bool:
    """Whether a form of the statement is the form at a place of the stretch."""
    said = have[i]
    if form == said or said in _FOR_USER.get(form, ()):
        return True
    if said == "'s" and form in ("be", "have"):
        return True
    if form[0].isdigit() or said[0].isdigit():
        return form.lstrip("0") == said.lstrip("0")
    return _third(said) == form and _of_user(have, i)


def _third(verb: str) -> str:
    """The third person of a regular verb."""
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def _of_user(have: list[str], i: int) -> bool:
    """Whether the word at a place can be a verb of which the user is the subject: directly behind, or after a join."""
    before = [form for form in have[:i] if form not in _ADVERBS]
    if before and before[-1] == "user":
        return True
    return bool(before) and before[-1] in _JOINS | _STOPS and "user" in before


def _may_be_added(want: list[str], at: int) -> bool:
    """Whether a word of the statement may stand there though it was not said."""
    form, following = want[at], want[at + 1] if at + 1 < len(want) else ""
    before = want[at - 1] if at else ""
    if form == "on":
        return following in _DAYS or following[:1].isdigit()
    if form == "be":
        return at > 0 and before not in ("user", "they") and not before.endswith("'s")
    if form in ("years", "year"):
        return before.isdigit() and following == "old"
    return form == "old" and before in ("years", "year")


def _may_leave(have: list[str], i: int) -> bool:
    """Whether a statement may end before this place: at the end, or at a stop behind which nothing takes it back."""
    if i >= len(have):
        return True
    last = have[i - 1] if i else ""
    if last not in _STOPS or last == "?":
        return False
    return have[i] not in _LIMITS and not {"?"} & set(have[i:][:1])
