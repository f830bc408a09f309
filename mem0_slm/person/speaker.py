"""Who is meant by "I", "we", "my" and "me": the speaker, or a person that we cannot be sure of."""

import re
from dataclasses import dataclass

from mem0_slm.person import elided, verbs
from mem0_slm.text import NUMBER_WORDS

JOINT = re.compile(r"[,;:()\[\]–—/&+!|*•→>~]|\s-+\s|\.\.|…|\n|[\u2600-\u27bf\U0001f000-\U0001faff]")
AND = frozenset("and or but & n then so plus yet nor".split())
BECAUSE = frozenset(
    """because cos coz cuz bc if when that while as than though although since until till where what after
before""".split()
)
OTHERS = frozenset(
    """he she they who which whoever he's she's they're they've it's that's there's there who's they'll
he'll she'll""".split()
)
_AMBIGUOUS = frozenset("as than since until till after before like".split())
"""Before a noun or a clause: after "since her break-up and I" we cannot tell what the "and" joins."""
_SAID = frozenset("said says say saying goes went asked replied texted shouted wrote screamed yelled answered".split())
_MUST = frozenset("should need must have might could can shouldn't can't will am 'd would".split())
_FELT = frozenset("want love hate like know think miss believe promise swear wish hope feel have do".split())
"""What is often another's own speech without marks: "my son says I want a dog"."""
_KIN = frozenset(
    """partner friend mate boyfriend girlfriend husband wife mum mom dad sister brother son daughter cousin
colleague boss flatmate roommate neighbour neighbor team family ex bf gf hubby missus fiance fiancee dog cat
twin parents kids friends mates brothers sisters sons daughters cousins boys girls colleagues flatmates
roommates dogs cats""".split()
)
_SHARING = frozenset(
    """family household couple people both each all together between share shared sharing split splitting
met apart half everyone us take turns team crew band choir club company shop cafe factory school charity
department class""".split()
)
_COUNTED = frozenset(
    """bed bedroom weeks kids kid children child cats dogs boys girls sons daughters years yrs months days
bedrooms rooms hens chickens horses rabbits cars bikes minutes hours times""".split()
)
_WE_HAVE = frozenset("a an the our my it to no two three 2 3 4 kids children twins".split())
_WE_DO = frozenset(
    """saving tried trying in at on off away home live lived living told decided chose chosen named called
booked ordered rented signed play played cook cooked walk walked cycle cycled drive drove ride swim swam
sleep slept heat avoid grow grew raise raised foster fostering started stopped switched changed painted
renovated renovating homeschool broke eat loved hope listen listened learned moved moving move rent renting
vegan vegetarian from jewish muslim christian catholic hindu expecting planning thinking hoping looking
considering love like hate prefer need want liked hated enjoyed enjoy went go going visit visited visiting
flew fly flying stay stayed staying saw watch watched ate drink travel travelled traveled traveling
travelling camped speak spoke use used keep celebrate celebrated know knew think thought remember miss
married engaged divorced bought buying adopted adopting sold selling spent""".split()
)
_OF_US = frozenset("of both all two let between the".split())
_TITLES = frozenset("god goodness bad days word gosh oh".split())


@dataclass
class Word:
    """A word of a sentence."""

    low: str
    """In lower case, contractions mended and taken apart: "im" is "i" and "am"."""
    out: str
    """What will stand in third person."""
    gap: str
    """What stands between the word before and this one."""


def following(words: list[Word], k: int) -> str:
    """The next word that is no adverb; "" at the end and where a comma or the like comes first."""
    for word in words[k + 1 :]:
        if JOINT.search(word.gap):
            return ""
        if not verbs.adverb(word.low):
            return word.low
    return ""


def is_subject(words: list[Word], k: int) -> bool:
    """True if "I" or "we" is a subject that speaks: no question turned round, no "type I", no one else's speech."""
    if not k or JOINT.search(words[k].gap):
        return True
    before = words[k - 1].low
    two_before = words[k - 2].low if k > 1 else ""
    if before in ("is", "was") and two_before and words[k].low == "i":
        return two_before not in ("where", "how", "what", "so", "neither", "who", "nor") and words[0].low not in (
            "how",
            "where",
        )
    if before in verbs.INVERTED or before == "make":
        return False
    if before in ("type", "part", "act", "war", "phase", "chapter", "level", "stage") and two_before != "the":
        return False
    if before in _SAID and not any(word.low == "i" for word in words[:k]):
        after = following(words, k)
        return after in _MUST or (before in ("says", "said") and verbs.base(after) and after not in _FELT)
    return not (before == "like" and k > 1 and words[k - 2].low in ("was", "is", "be", "were", "am", "all"))


def of_speaker(words: list[Word], k: int, subject: str) -> bool:
    """Puts the third person of my, me, mine, our, us and myself; False where it is not sure whose they are."""
    word = words[k]
    before, after = (words[k - 1].low if k else ""), (words[k + 1].low if k + 1 < len(words) else "")
    if word.low.startswith(("i'", "we'", "mine'")) or word.low in ("ourselves", "mi", "oneself"):
        return False
    if word.low in ("my", "our"):
        if (
            (k and word.out[0].isupper() and not word.out.isupper())
            or not after
            or (word.low == "my" and after in _TITLES)
        ):
            return False  # of a title, My Fair Lady; of an exclamation
        own = after == "own" and before in ("on", "of") and any(earlier.low == "i" for earlier in words[:k])
        word.out = "their" if own else f"{subject}'s"
    elif word.low in ("mine", "ours"):
        if (
            after == "is"
            and k + 2 < len(words)
            and (verbs.past(words[k + 2].low) or words[k + 2].low in verbs.PARTICIPLES)
        ):
            return False  # "mine's given me": has
        word.out = f"{subject}'s"
    elif word.low in ("me", "us"):
        if not _surely_me(words, k, before, after):
            return False
        word.out = f"{subject} that" if after == "i" and not JOINT.search(words[k + 1].gap) else subject
    elif word.low == "myself":
        word.out = "themselves"
        return any(earlier.low == "i" for earlier in words[:k])
    return True


def _surely_me(words: list[Word], k: int, before: str, after: str) -> bool:
    """False for "me" and "us" where they are not the speaker alone: a title, "both of us", an order, "me" for "my"."""
    word = words[k]
    if (k and word.out == "Me") or word.out == "US":
        return False
    if word.low == "us" and (before in _OF_US or after in NUMBER_WORDS or after in ("both", "all")):
        return False
    if k and JOINT.search(word.gap):
        return after in ("and", "", "too", "either", "neither")  # "me last one": my
    return not (not k and after != "and") and not (k == 1 and before in ("let", "tell", "give", "help", "make", "call"))


def true_of_one(words: list[Word], k: int) -> bool:
    """True if what "we" say is so of the speaker too: "we live in Leeds", not "we split the rent", "we are twelve"."""
    lows = [word.low for word in words]
    if set(lows) & _SHARING or (k and lows[k - 1] in ("and", "or")):
        return False
    for j, low in enumerate(lows):
        if (low.isdigit() or low in NUMBER_WORDS) and not set(lows[j + 1 : j + 3]) & _COUNTED:
            told_when = j and lows[j - 1] in ("in", "since", "until", "till", "by", "at", "on", "for", "the", "from")
            if not told_when or (lows[j - 1] in ("in", "for") and not low.isdigit()):
                return False
    rest = [low for low in lows[k + 1 : k + 8] if not verbs.adverb(low) or low == "not"]
    while rest and (rest[0] in verbs.MODALS or rest[0] in verbs.AGREES or rest[0] in ("'d", "been", "not", "got")):
        if rest[0] in ("have", "had", "got") and rest[1:2] and rest[1] in _WE_HAVE:
            return rest[2:3] != ["lot"]
        if rest[:2] in (["got", "married"], ["got", "engaged"], ["got", "divorced"], ["have", "to"]):
            return True
        rest = rest[1:]
    return bool(rest) and (rest[0] in _WE_DO or rest[:2] in (["getting", "married"], ["getting", "divorced"]))


def joined(words: list[Word], k: int) -> bool | None:
    """True if "I" is one of several that are the subject, "my wife and I live here"; None where it may be."""
    if k + 1 < len(words) and words[k + 1].low in ("and", "&", "or"):
        return True
    if not k or words[k - 1].low not in ("and", "&", "n", "or") or following(words, k) in ("am", "was"):
        return False
    listed = JOINT.search(words[k - 1].gap) is not None
    clause: list[Word] = []
    for j in range(k - 2, -1, -1):
        clause.append(words[j])
        if words[j].low in _AMBIGUOUS and j:
            return None
        if JOINT.search(words[j].gap) or words[j].low in BECAUSE:
            break
    lows = [word.low for word in clause]
    if listed:
        named = len(clause) <= 3 and (lows[-1] in ("my", "our", "the") or clause[-1].out[:1].isupper())
        return None if named else False
    if any(low in verbs.AGREES or low in verbs.FINITE or low in OTHERS or low in ("i", "we") for low in lows):
        return False
    names = [word.low in _KIN or (word.out[:1].isupper() and word.out != "User") for word in clause]
    maybe = [low for low, name in zip(lows, names) if not name and low not in elided.DETERMINERS]
    if any(verbs.past(low) for low in maybe):
        return False
    if any(verbs.third_form(low) for low in lows[1:] if low in maybe):
        return False
    if any(verbs.base(low) or verbs.third_form(low) for low in maybe):
        return None
    named = lows[-1] in ("my", "our", "me", "the", "his", "her", "both", "him") or names[-1] or lows[-1] in BECAUSE
    return True if len(clause) <= 5 and named else None
