"""The form in which two English texts are compared: spelling, short forms and grammar of person brought into one."""

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
    "yo": "year old",
    "yrs": "year",
    "yr": "year",
    "bc": "because",
    "cause": "because",
    "til": "until",
    "till": "until",
    "wkends": "weekends",
    "wkend": "weekend",
    "tho": "though",
    "mins": "minutes",
    "hrs": "hours",
    "uni": "university",
    "bf": "boyfriend",
    "gf": "girlfriend",
    "ya": "you",
    "hubby": "husband",
    "roomate": "roommate",
    "arent": "are not",
    "isnt": "is not",
    "n": "and",
    "tbh": "",
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
    "kid": "child",
    "kids": "children",
    "years": "year",
    "feb": "february",
    "jan": "january",
    "aug": "august",
    "sept": "september",
    "oct": "october",
    "nov": "november",
    "dec": "december",
    "mon": "monday",
    "tue": "tuesday",
    "tues": "tuesday",
    "thu": "thursday",
    "thurs": "thursday",
    "fri": "friday",
    "euros": "euro",
    "color": "colour",
    "favorite": "favourite",
} | {word: str(number) for word, number in NUMBER_WORDS.items()}
"""Words that mean the same here, brought into one form. Speaker and owner become Mem0's "User"."""
WE = frozenset("we us ours ourselves".split())
STOPS = frozenset('.,;:!?()"…-')


def forms(text: str, *, several: bool = False) -> list[str]:
    """The words, numbers and stops of a text in the form in which two texts are compared.

    several: "we" and "us" stay, in their places, so that it can be seen where someone speaks for several people.
    """
    plain = _NOT.sub(_negation, normal(text).replace("e-mail", "email").replace("years of age", "years old"))
    found: list[str] = []
    for token in _TOKEN.findall(plain):
        for piece in _SHORT.get(token.strip(), token.strip()).split():
            bare = piece.strip("-") or "-"
            found += [bare] if several and bare in WE else _possessive(bare)
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
