"""Clauses that say nothing without what stands before them: "she's 6 now", "one of them", "mine is bigger"."""

import re

_SUBJECTS = (
    "he she it they that this these those one ones both neither mine ours his hers theirs he's she's it's they're hes "
    "shes its theyre that's thats they've he'll she'll it'll they'll him her them such so"
)
_OPENING = frozenset(_SUBJECTS.split())
_OBJECTS = frozenset(
    "he she him them one ones hers theirs mine ours it he's she's hes shes they they're theyre".split()
)
_WHICH = frozenset("the this that which each every no any only last first".split())
_LEADS = frozenset("and but so because also then or well ok okay yeah yes no not never just apparently i'm im".split())
_EXPECTED = re.compile(
    r"^(?:it|that|this)(?:'s| is| was|s) (?:been |a |about |so |very |too |really |quite )*"
    r"(?:raining|snowing|sunny|cold|hot|monday|tuesday|wednesday|thursday|friday|saturday|sunday|my|our|me|hard|easy|"
    r"true|time|because|why|how|what|where|when)\b",
    re.IGNORECASE,
)
"""Where "it" points at nothing before it."""
_NOUN = re.compile(
    r"\b(?:[Mm]y|[Oo]ur|[Aa]n?|[Tt]he|some|another|[Tt]his|two|three|four|five|\d+) (?:[\w'’-]+ ){0,3}?[a-z][\w'’-]{2,}"
    r"|(?<=[\w,] )[A-Z][\w'’-]+|^[A-Z][\w'’-]*(?= (?:is|was|has|says|said|wants|\())"
    r"|\b(?i:wife|husband|hubby|mum|mom|dad|son|daughter|brother|sister|partner|boss|landlord|kids?|gran|nan)(?:'s)?\b",
)
_WORD = re.compile(r"[\w'’-]+|[.,;:?!()]")
_DETERMINERS = frozenset("my our a an the this these those his her some any".split())
_ADJECTIVES = frozenset(
    "old new good best late little big small own younger older elder oldest youngest first second third last "
    "next dead nice cheap cheaper better decent proper used spare sick whole entire local main only same right "
    "left red blue green black white grey brown yellow wooden digital electric cast-iron retired adopted great "
    "grand step half ex teenage baby".split()
)
_ENDINGS = ("-old", "ish", "ous", "ful", "ese", "ean", "ian")
_NOT_NOUNS = frozenset(
    "is are was were be been has have had do does did can could will would should to for from with in on at of and "
    "or but if when that which who what how why i you it he she they we best good nice new same right way thing things "
    "lot bit off up down out over near like worth than without before after now".split()
)


def points_back(text: str) -> bool:
    """Whether a clause speaks of something that it does not name, so that it needs what was said before it."""
    said = [word.strip(',.;:!?()"“”').replace("’", "'") for word in text.casefold().split()]
    while said and (said[0] in _LEADS or not said[0]):
        said = said[1:]
    if not said:
        return True
    if said[0] in _OPENING and not _EXPECTED.match(" ".join(said)):
        return True
    for k, word in enumerate(said):
        if word in _OBJECTS and not (word in ("one", "ones") and said[k - 1 : k] and said[k - 1] in _WHICH):
            before = " ".join(text.split()[: max(0, k + len(text.split()) - len(said))])
            if not _NOUN.search(before) and not _EXPECTED.match(" ".join(said[k:])):
                return True
    return False


def spoken_of(text: str) -> str:
    """The last thing or person that a question or request names by a noun with "my", "the" or "a"; "" for none."""
    said = _WORD.findall(text)
    asks_how_it_is = said[:1] and said[0].casefold() in ("is", "are", "was")
    found = ""
    for at, word in enumerate(said):
        if word.casefold() not in _DETERMINERS:
            continue
        k = at + 1
        while k < len(said) and _describes(said[k]):
            k += 1
        if k >= len(said) or not _is_noun(said[k]):
            continue
        behind = said[k + 2 : k + 3]
        if not asks_how_it_is and _is_noun("".join(said[k + 1 : k + 2])) and (not behind or not _is_noun(behind[0])):
            k += 1
        found = " ".join(said[at : k + 1])
    return found


def _is_noun(word: str) -> bool:
    return len(word) > 2 and word.casefold() not in _NOT_NOUNS and not _describes(word)


def _describes(word: str) -> bool:
    """Whether a word before a noun only describes it."""
    plain = word.casefold()
    return plain in _ADJECTIVES or plain.endswith(_ENDINGS) or plain[:1].isdigit()
