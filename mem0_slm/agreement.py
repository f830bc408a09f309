"""The verbs and pronouns of a sentence that speaks of oneself, made to agree with a name in place of "I"."""

import re
from dataclasses import dataclass

from mem0_slm import elided, verbs
from mem0_slm.text import NUMBER_WORDS

_JOINT = re.compile(r"[,;:()\[\]–—/&+]|\s-+\s|\.\.|…|\n")
_AND = frozenset("and or but & n then so plus yet nor".split())
_BECAUSE = frozenset(
    "because cos coz cuz bc if when that while as than though although since until till where what".split()
)
AGREES = {
    "am": "is", "have": "has", "haven't": "hasn't", "do": "does", "don't": "doesn't", "are": "is", "aren't": "isn't",
    "were": "was", "weren't": "wasn't", "was": "was", "wasn't": "wasn't", "had": "had", "hadn't": "hadn't",
    "did": "did",    "didn't": "didn't", "been": "has been", "is": "is", "has": "has", "isn't": "isn't", "hasn't": "hasn't",
}  # fmt: skip
FINITE = frozenset("is are was were has does isn't aren't wasn't weren't hasn't doesn't".split()) | verbs.MODALS
INVERTED = (frozenset(AGREES) - {"been", "had"}) | verbs.MODALS | {"does", "doesn't", "neither", "nor"}
OTHERS = frozenset(
    "he she they who which whoever he's she's they're they've it's that's there's there who's they'll".split()
)
_SAID = frozenset("said says say saying goes went asked replied texted shouted wrote screamed yelled answered".split())
_MUST = frozenset("should need must have might could can shouldn't can't will am".split())
_LICENCE = verbs.MODALS | frozenset(
    "to do does did don't didn't doesn't i we you they who that which people kids parents children folks both rather "
    "better than not me him her them us 'd go come except let".split()
)
_STATES = frozenset(
    "hate love like want need know think have prefer believe own live mean remember am miss enjoy".split()
)
_LETS = frozenset(
    "help helps helped helping let lets letting make makes made making see watch hear saw watched heard".split()
)
LIKELY = frozenset(
    """work walk run play love like need hope plan drink sleep cook dance travel study train drive ride climb
hike cycle bike swim fish paint draw garden practice practise start stop stay visit call talk use help watch
look change move exercise ski surf camp shop volunteer coach rent share sweat worry stress wake lift row box sew
knit""".split()
)
OBJECTS = frozenset("a an the my our it him them me some one".split())
_FRAMES = {
    "work": "as at for from nights part full remotely freelance", "need": "to", "hope": "to", "plan": "to", 
    "love": "to",    "like": "to", "run": "every", "start": "at", "walk": "everywhere", "rent": "out", "cook": "for", "look": "after",
    "cycle": "everywhere", "wake": "up", "play": "in for with", "travel": "to", "study": "at", "stay": "at in with",
}  # fmt: skip
PLACES = frozenset("in on at to from for with by off up out away back into around".split())
_ORDERS = frozenset(
    """give tell show help recommend suggest find make write explain list pick choose let remind remember call
plan draft translate compare describe note ignore keep use send add put check look leave stop start forget
imagine pretend suppose say ask answer create build think wait try come get take do read rate fix correct
rewrite summarise summarize assume""".split()
)
_JOBS = frozenset("nurse doctor engineer partner pilot parent butcher model tutor coach guard captain author".split())
_SHARING = frozenset(
    "both each all together between share shared sharing split met apart half everyone us take turns".split()
)
_COUNTED = frozenset(
    """kids kid children child cats dogs boys girls sons daughters years months weeks days bedrooms rooms hens
chickens horses rabbits cars bikes minutes hours""".split()
)
_ALSO_MINE = frozenset(
    """live lived living moved moving move rent renting vegan vegetarian from jewish muslim christian catholic
hindu british english expecting planning thinking hoping looking trying considering love like hate prefer need
want loved liked hated enjoyed enjoy went go going visit visited visiting flew fly flying stay stayed staying
saw watch watched ate eat drink travel travelled traveled traveling travelling camped speak spoke use used keep
celebrate celebrated know knew think thought hope remember miss married engaged divorced bought buying adopted
adopting sold selling got""".split()
)
_PAST_CUES = frozenset("yesterday ago last".split())
_PRESENT_CUES = frozenset("every always usually often sometimes daily regularly lot never mostly weekly".split())


@dataclass
class Word:
    low: str
    """In lower case, contractions mended and taken apart: "im" is "i" and "am"."""
    out: str
    """What will stand in third person."""
    gap: str
    """What stands between the word before and this one."""


def turned(words: list[Word], subject: str) -> bool:
    """Puts every word's `out`; False where not sure."""
    who, bound, k = "", "no", 0
    while k < len(words):
        word = words[k]
        if word.low in ("i", "we"):
            if not _is_subject(words, k) or (word.low == "we" and not _true_of_one(words, k)):
                return False
            word.out = subject
            joined = _joined(words, k)
            if joined is None:
                return False
            who, bound = "other", "no"
            if not joined:
                k = _verb(words, k + 1)
                if k < 0:
                    return False
                who, bound = "me", _bound(words, k)
        elif not _pronoun(words, k, subject):
            return False
        elif not who and word.low in ("am", "have", "don't") and k and _at_joint(words, k):
            return False
        elif who:
            state = _shared(words, k, who, bound)
            if state is None:
                return False
            who, bound = state
        k += 1
    return True


def _pronoun(words: list[Word], k: int, subject: str) -> bool:
    """Turns my, me, mine, our, us and myself; False where it is not sure whose they are."""
    word = words[k]
    if word.low not in ("my", "our", "me", "us", "mine", "ours", "myself", "ourselves"):
        return not (
            word.low.startswith(("i'", "we'", "mine'")) or word.low in ("id", "ill") and not _noun_before(words, k)
        )
    if k and word.out[0].isupper() and word.low != "i":
        return False  # of a title: My Fair Lady
    before, after = (words[k - 1].low if k else ""), (words[k + 1].low if k + 1 < len(words) else "")
    if word.low == "my" and after in ("god", "goodness", "bad", "days", "word", "gosh", ""):
        return False
    if word.low in ("us", "ourselves", "ours") and (
        before in ("of", "both", "all", "two", "let", "between") or word.low != "us"
    ):
        return False
    if word.low in ("me", "us") and (k == 0 and after != "and" or before in ("let", "tell", "give", "help") and k == 1):
        return False
    if word.low == "myself":
        word.out = "themselves"
        return any(w.low == "i" for w in words[:k])
    word.out = subject if word.low in ("me", "us") else f"{subject}'s"
    if word.low == "my" and before in ("on", "of") and after == "own":
        word.out = "their"
    return True


def _noun_before(words: list[Word], k: int) -> bool:
    return k > 0 and (
        words[k - 1].low in elided.DETERMINERS or words[k - 1].low in AGREES or words[k - 1].low in ("very", "so")
    )


def _is_subject(words: list[Word], k: int) -> bool:
    """True if an "I" is the speaker as a subject: no question turned round, no "type I", no speech of someone else."""
    if not k:
        return True
    before, after = words[k - 1].low, _next(words, k)
    if _JOINT.search(words[k].gap):
        return True
    if before in INVERTED or before in ("type", "part", "act", "war", "phase", "chapter"):
        return False
    if before in _SAID and not any(w.low == "i" for w in words[:k]):
        return after in _MUST
    return not (before == "like" and k > 1 and words[k - 2].low in ("was", "is", "be", "were", "i'm", "am"))


def _next(words: list[Word], k: int) -> str:
    """The next word that is no adverb; "" at the end."""
    return next((w.low for w in words[k + 1 :] if not verbs.adverb(w.low)), "")


def _true_of_one(words: list[Word], k: int) -> bool:
    """True if what "we" say is so of the speaker too: "we live in Leeds", not "we split the rent", "we are twelve"."""
    lows = [w.low for w in words]
    if set(lows) & _SHARING or (k and lows[k - 1] in ("and", "or")):
        return False
    for j, low in enumerate(lows):
        number = low.isdigit() or (low in NUMBER_WORDS and low != "two")
        if (number or low == "two") and not set(lows[j + 1 : j + 3]) & _COUNTED:
            year = j and lows[j - 1] in ("in", "since", "until", "till", "by", "at", "on", "for", "the", "from")
            if not year:
                return False
    rest = [low for low in lows[k + 1 : k + 8] if not verbs.adverb(low)]
    while rest and (
        rest[0] in verbs.MODALS or rest[0] in AGREES or rest[0] in ("'d", "been", "not", "going", "to", "got", "want")
    ):
        if (
            rest[0] in ("have", "had", "got")
            and rest[1:2]
            and rest[1] in ("a", "an", "no", "two", "2", "three", "kids")
        ):
            return True
        if rest[0] in ("going", "got", "want") and rest[1:2] in (["to"], ["married"], ["engaged"], ["divorced"]):
            return True
        rest = rest[1:]
    return bool(rest) and rest[0] in _ALSO_MINE


def _joined(words: list[Word], k: int) -> bool | None:
    """True if "I" is one of several that are the subject: "my wife and I live here"; None where it may be."""
    if k + 1 < len(words) and words[k + 1].low in ("and", "&", "or"):
        return True
    if not k or words[k - 1].low not in ("and", "&", "n", "or"):
        return False
    clause = []
    for j in range(k - 2, -1, -1):
        clause.append(words[j].low)
        if _JOINT.search(words[j].gap) or words[j].low in _BECAUSE:
            break
    if any(low in AGREES or low in FINITE or low in OTHERS or low in ("i", "we") for low in clause):
        return False
    if len(clause) <= 3 and (clause[-1] in ("my", "me", "both") or (len(clause) == 1 and not verbs.base(clause[0]))):
        return True
    maybe = [low for low in clause if verbs.past(low) or verbs.third_form(low) or verbs.base(low)]
    return (
        None
        if not maybe
        or all(verbs.third_form(low) and low.endswith("s") and not verbs.past(low) for low in maybe)
        and _next(words, k) != "am"
        and len(clause) < 3
        else False
    )


def _verb(words: list[Word], k: int) -> int:
    """Makes the verb that follows "I" agree with a name; its index, -1 where not sure."""
    while k < len(words) and verbs.adverb(words[k].low) and not _JOINT.search(words[k].gap):
        k += 1
    if k >= len(words) or _JOINT.search(words[k].gap):
        return -1
    word, lows = words[k], [w.low for w in words]
    after = _next(words, k)
    if word.low == "'d":
        had = after in verbs.PARTICIPLES or after == "better" or (verbs.past(after) and not verbs.base(after))
        would = after in ("be", "rather", "have", "not", "love", "like") or (
            verbs.base(after) and after not in verbs.PARTICIPLES
        )
        if had == would or verbs.alike(after):
            return -1
        word.out = "had" if had else "would"
    elif word.low in ("were", "weren't") and set(lows[:k]) & {"if", "wish", "though"}:
        pass
    elif word.low in AGREES:
        word.out = AGREES[word.low]
    elif word.low in verbs.MODALS:
        pass
    elif word.low == "use" and after == "to":
        word.out = "used"
    elif verbs.alike(word.low):
        past, present = set(lows) & _PAST_CUES, set(lows) & _PRESENT_CUES
        if word.low in ("quit", "hurt", "upset") and not present:
            return k
        if bool(past) == bool(present):
            return -1
        word.out = word.low if past else verbs.third(word.low)
    elif verbs.past(word.low) and word.low not in verbs.PARTICIPLES:
        pass
    elif verbs.base(word.low) and word.low not in _JOBS and after != "and" or word.low in ("know", "think"):
        word.out = verbs.third(word.low)
        if word.low in ("go", "come") and verbs.plain(after):
            return -1
    else:
        return -1
    return k


def _bound(words: list[Word], k: int) -> str:
    """Whether a later verb without "to" may hang on this one: "can", "don't" and "help" bind it ("yes"), "live" not."""
    low, after = words[k].low, _next(words, k)
    if low in verbs.MODALS or low in ("don't", "didn't", "'d") or low in _LETS:
        return "yes"
    if low in ("do", "did"):
        return "yes" if verbs.plain(after) or after == "not" else "maybe" if verbs.base(after) else "no"
    return "no"


def _shared(words: list[Word], k: int, who: str, bound: str) -> tuple[str, str] | None:
    """What a later word of a sentence with "I" is: a verb that shares the subject is made to agree.

    who: whose clause it is, "me" or "other". Gives who and bound from here on; None where not sure.
    """
    word, after = words[k], _next(words, k)
    low, before, joint = word.low, words[k - 1].low, _at_joint(words, k)
    noun = before in elided.DETERMINERS or before in ("my", "our")
    if low in OTHERS or (
        low in ("it", "this", "that", "these", "those") and (after in FINITE or verbs.third_form(after))
    ):
        return "other", "no"
    if low == "to" and (after == "be" or verbs.base(after)):
        return who, "yes" if after == "be" or verbs.plain(after) else "maybe"
    if low in _LETS and not noun:
        bound = "yes"
    if low in FINITE or low in ("did", "had", "didn't"):
        return ("other" if not joint else who), "yes" if low in verbs.MODALS or low.startswith("did") else bound
    if noun:
        return who, bound
    if low in ("am", "have", "haven't", "don't", "do"):
        if not joint or who != "me" or (low in ("have", "do") and bound != "no"):
            free = before in _LICENCE or before.endswith("s") or who == "other" and not joint
            return (who, bound) if free and low != "am" and not joint else None
        word.out = AGREES[low]
        return who, "yes" if low == "don't" else "no"
    if not verbs.base(low) or low in _BECAUSE:
        return who, bound
    verb = (
        verbs.plain(low)
        or (before == "but" and low in _STATES)
        or after in OBJECTS
        or after in _FRAMES.get(low, "").split()
        or after.endswith("ing")
        and low in _STATES
    )
    if not joint:
        hangs = bound != "no" or before in _LICENCE or before.endswith("s") or who == "other" or verbs.adverb(before)
        run_on = verb and (verbs.plain(low) or low in _STATES | {"work"})
        return None if run_on and not hangs else (who, bound)
    if not verb:
        return (
            None
            if bound == "no" and (low in LIKELY or after in PLACES - {"in", "for", "at", "from", "with"})
            else (who, bound)
        )
    return _one_more_verb(words, k, who, bound)


def _one_more_verb(words: list[Word], k: int, who: str, bound: str) -> tuple[str, str] | None:
    """The same for a word that is surely a verb, after "and" or a comma."""
    word = words[k]
    comma = words[k - 1].low not in _AND and not verbs.adverb(words[k - 1].low)
    ordered = word.low in _ORDERS and (
        comma or words[k - 1].low in ("so", "then") or _next(words, k) in ("it", "me", "them")
    )
    if (
        who != "me"
        or bound == "maybe"
        or verbs.alike(word.low)
        or ordered
        or (comma and word.low not in _STATES | {"work"})
    ):
        return None
    if bound == "no":
        word.out = verbs.third(word.low)
        return who, _bound(words, k)
    negated = any(w.low in ("don't", "can't", "won't", "didn't", "never") for w in words[:k])
    conjunction = words[k - 1].low
    if word.low in _STATES and conjunction == "but":
        word.out = verbs.third(word.low)
        return who, "no"
    if word.low in _STATES or conjunction not in ("and", "or") or (negated and conjunction == "and"):
        return None
    return who, bound


def _at_joint(words: list[Word], k: int) -> bool:
    """True if a word follows "and", a comma or the like, adverbs aside."""
    while k > 1 and not _JOINT.search(words[k].gap) and verbs.adverb(words[k - 1].low):
        k -= 1
    return words[k - 1].low in _AND or _JOINT.search(words[k].gap) is not None
