"""The verbs of a sentence that speaks of oneself, made to agree with a name in place of "I"."""

from mem0_slm.person import elided, verbs
from mem0_slm.person.speaker import (
    AND,
    BECAUSE,
    JOINT,
    OTHERS,
    Word,
    following,
    is_subject,
    joined,
    of_speaker,
    true_of_one,
)

_LICENCE = verbs.MODALS | frozenset(
    """to do does did don't didn't doesn't i we you they who that which people kids parents children folks
both rather better than not me him her them us 'd go come except let""".split()
)
_STATES = frozenset(
    """hate love like want need know think have prefer believe own live mean remember am miss enjoy hope
wish feel""".split()
)
_LETS = frozenset(
    """help helps helped helping let lets letting make makes made making see watch hear saw watched heard""".split()
)
ACTIVITIES = frozenset(
    """sleep work rest eat swim run walk drive ride climb hike cook cycle bike train visit jog bake lift
hunt camp garden volunteer teach knit sew skip sing coach tutor babysit sail""".split()
)
_ACTIVE = frozenset("play watch drink study use want need love hate enjoy cook visit".split())
_NO_OBJECT = frozenset("of is are was were here there time for in at on with and or to from too as".split())
_FRAMES = verbs.table(
    """work: as at for from nights part full remotely freelance; need: to; hope: to; plan: to; love: to;
like: to; run: every; start: at; walk: everywhere; rent: out; cook: for; look: after; cycle: everywhere;
wake: up; end: up; dream: in of about; play: in for with; travel: to; study: at; stay: at in with home;
sleep: in badly on; swim: on every twice; drink: loads; help: out with; hang: out; work out; chill: out;
eat: out"""
)
_LIKELY = frozenset(
    """work run walk swim shower stretch dress brush rest sleep dance drink train study travel drive ride
cook cycle garden paint draw fish camp clean wash shop meet visit call talk help watch play use need want
love hate practice""".split()
)
_PLACES = frozenset("in on at to from for with by off up out away back into around".split())
_BEFORE_MONTHS = frozenset(
    """in since last next this of until till by early late mid on to for from before after and""".split()
)
_DONT = _STATES | frozenset("eat drink smoke drive speak understand work do see get use watch care really".split())
"""What "don't" after "and" or a comma can say of the speaker: "don't ask" is an order."""
_RATHER_ORDERS = frozenset("make keep give tell let put add use show send call".split())
_JOBS = frozenset("nurse doctor engineer partner pilot parent butcher model tutor coach guard captain author".split())
_TO_NOUNS = frozenset("work market court camp practice land home sleep class church school lunch watch bed".split())
_PAST_CUES = frozenset("yesterday ago last".split())
_PRESENT_CUES = frozenset("every always usually often sometimes daily regularly lot never mostly weekly".split())
_NO_TENSE = frozenset("have do think know remember feel still want need wish hope guess believe mean love like".split())


def turned(words: list[Word], subject: str) -> bool:
    """Puts what every word is in third person; False where the rules are not sure."""
    who, bound, k = "", "no", 0
    while k < len(words):
        word = words[k]
        if word.low in ("i", "we"):
            together = joined(words, k)
            if not is_subject(words, k) or (word.low == "we" and not true_of_one(words, k)) or together is None:
                return False
            word.out = subject
            who, bound = "other", "no"
            if together and following(words, k) == "'d":
                return False
            if not together:
                k = _verb(words, k + 1)
                if k < 0:
                    return False
                who, bound = "me", _bound(words, k)
        elif not of_speaker(words, k, subject):
            return False
        elif who != "me" and k and _ordered(words, k):
            return False
        elif who:
            state = _shared(words, k, who, bound)
            if state is None:
                return False
            who, bound = state
        k += 1
    return True


def _verb(words: list[Word], k: int) -> int:
    """Makes the verb that follows "I" agree with a name; its index, -1 where not sure."""
    first = k
    while k < len(words) and not JOINT.search(words[k].gap):
        if k + 1 < len(words) and (words[k].low, words[k + 1].low) in verbs.ADVERB_PAIRS:
            k += 2
        elif verbs.adverb(words[k].low):
            k += 1
        else:
            break
    if k >= len(words) or JOINT.search(words[k].gap):
        return -1
    word, lows = words[k], [w.low for w in words]
    after = following(words, k)
    if "not" in lows[first:k] and word.low not in verbs.AGREES:
        return -1
    if word.low in ("'d", "ain't"):
        word.out = _would_or_had(after) if word.low == "'d" else _isnt_or_hasnt(after)
        return k if word.out else -1
    if word.low in verbs.AGREES:
        if k + 1 == len(words) and word.low not in ("do", "did", "don't", "didn't"):
            return -1
        if not (word.low in ("were", "weren't") and set(lows[:k]) & {"if", "wish", "though"}):
            word.out = verbs.AGREES[word.low]
        if word.low == "have" and "years" in lows[k + 2 : k + 3] and lows[k + 3 : k + 4] in ([], ["old"], ["and"]):
            return -1
        return k
    if word.low in verbs.MODALS:
        return (
            k
            if k + 1 < len(words) or set(lows[: k - 1]) & (verbs.MODALS | verbs.FINITE | {"but", "as", "than", "'d"})
            else -1
        )
    if word.low == "use" and after == "to":
        word.out = "used"
        return k
    return _lexical(words, k, after)


def _would_or_had(after: str) -> str:
    """What "'d" is before a word: "would love", "had been"; "" where it can be both."""
    had = (
        (after in verbs.PARTICIPLES and not verbs.base(after))
        or after == "better"
        or (verbs.past(after) and not verbs.base(after))
    )
    would = after in ("be", "rather", "not", "say") or (verbs.base(after) and after not in verbs.PARTICIPLES)
    return "" if had == would or verbs.alike(after) else "had" if had else "would"


def _isnt_or_hasnt(after: str) -> str:
    """The same for "ain't"."""
    if after in ("got", "had", "been", "seen", "done"):
        return "hasn't"
    return "isn't" if after.endswith("ing") or after in ("a", "the", "sure", "afraid", "from", "allowed", "in") else ""


def _lexical(words: list[Word], k: int, after: str) -> int:
    """`_verb` for a verb that is no auxiliary."""
    word, lows = words[k], {w.low for w in words}
    past, present = bool(lows & _PAST_CUES), bool(lows & _PRESENT_CUES)
    if word.low in ("lay", "need") and (
        word.low == "lay" or after == "not" or "not" in {w.low for w in words[k + 1 : k + 2]}
    ):
        return -1
    if verbs.alike(word.low):
        if word.low in ("quit", "hurt", "upset") and not present:
            return k
        if past == present:
            return -1
        word.out = word.low if past else verbs.third(word.low)
        return k
    if verbs.past(word.low) and word.low not in verbs.PARTICIPLES:
        return k
    if verbs.third_form(word.low) and not verbs.base(word.low):
        return k
    if not verbs.base(word.low) or word.low in _JOBS or (word.low in ("go", "come", "try") and verbs.plain(after)):
        return -1
    if word.low == "try" and after == "and":
        return -1
    if past and word.low not in _NO_TENSE and not any(verbs.past(w.low) for w in words[k + 1 :]):
        return -1
    word.out = verbs.third(word.low)
    ends = k + 1 == len(words) or JOINT.search(words[k + 1].gap)
    if ends and k > 2 and word.low in ("guess", "think", "suppose", "believe", "reckon", "hope"):
        words[k - 1].gap = ", " if words[k - 1].gap == " " else words[k - 1].gap
    return k


def _bound(words: list[Word], k: int) -> str:
    """Whether a later verb without "to" may hang on this one: "can", "don't" and "let" bind it ("yes"), "live" not."""
    low, after = words[k].low, following(words, k)
    if low in verbs.MODALS or low in ("don't", "didn't", "'d"):
        return "yes"
    if low in ("do", "did"):
        return "yes" if verbs.plain(after) or after == "not" else "maybe" if verbs.base(after) else "no"
    if low in _LETS and _lets_do(words, k):
        return "yes" if low.startswith("help") else "maybe"
    return "no"


def _lets_do(words: list[Word], k: int) -> bool:
    """True if a verb hangs on "let", "help", "make" or "see": "I help my dad run the farm"."""
    for j in range(k + 1, min(k + 5, len(words))):
        if JOINT.search(words[j].gap) or words[j].low in AND:
            return False
        if verbs.base(words[j].low) and words[j - 1].low not in elided.DETERMINERS:
            return True
    return False


def _shared(words: list[Word], k: int, who: str, bound: str) -> tuple[str, str] | None:
    """What a later word of a sentence with "I" is: a verb that shares the subject is made to agree.

    who: whose clause it is, "me" or "other". Gives who and bound from here on; None where not sure.
    """
    low, before, after, joint = words[k].low, words[k - 1].low, following(words, k), _at_joint(words, k)
    if low in OTHERS or (
        low in ("it", "this", "that", "these", "those") and (after in verbs.FINITE or verbs.third_form(after))
    ):
        return "other", "no"
    if low == "to" and (after == "be" or verbs.base(after)):
        return who, "maybe" if after in _TO_NOUNS else "yes"
    if low == "may" and before in _BEFORE_MONTHS:
        return who, bound
    noun = before in elided.DETERMINERS
    if low in _LETS and not noun and _lets_do(words, k):
        bound = "yes" if low.startswith("help") else "maybe"
    if low in verbs.FINITE or low in ("did", "had", "didn't"):
        return ("me" if joint and who == "me" else "other"), "yes" if low in verbs.MODALS or "did" in low else bound
    if noun:
        return who, bound
    if low in ("am", "have", "haven't", "don't", "do"):
        return _auxiliary(words, k, who, bound)
    if not verbs.base(low) or low in BECAUSE:
        return who, bound
    if not joint:
        hangs = bound != "no" or before in _LICENCE or before.endswith("s") or who == "other" or verbs.adverb(before)
        run_on = verbs.plain(low) or (low in _STATES | {"work"} and low != "like" and _sure_verb(words, k))
        return None if run_on and not hangs else (who, bound)
    if not _sure_verb(words, k):
        if after in verbs.FINITE:
            return "other", "no"
        listed = before not in AND and not verbs.adverb(before) and low not in _LIKELY
        noun = bound == "yes" or ((low in verbs.ONLY_NOUNS or listed) and after not in _PLACES)
        return (who, bound) if noun else None
    return _one_more_verb(words, k, who, bound)


def _auxiliary(words: list[Word], k: int, who: str, bound: str) -> tuple[str, str] | None:
    """`_shared` for am, have, do and their negations."""
    low, before = words[k].low, words[k - 1].low
    if _at_joint(words, k):
        if who != "me" or (low in ("have", "do") and bound != "no") or (low == "do" and following(words, k) == "it"):
            return None
        negated = low == "don't" or (low == "do" and words[k + 1 : k + 2] and words[k + 1].low == "not")
        if negated and (before == "so" or following(words, k) not in _DONT):
            return None
        words[k].out = verbs.AGREES[low]
        return who, "yes" if low == "don't" else "no"
    hangs = before in _LICENCE or before.endswith("s") or who == "other" or bound == "yes" or verbs.adverb(before)
    if low == "don't" and following(words, k) in verbs.ORDERS | {"worry", "judge", "laugh", "ask", "tell", "forget"}:
        hangs = before in _LICENCE or before.endswith("s")
    return (who, bound) if hangs and low != "am" else None


def _sure_verb(words: list[Word], k: int) -> bool:
    """True if a word that can be a verb's base form is one here, and no noun."""
    low, before, after = words[k].low, words[k - 1].low, following(words, k)
    if low == "like" and before != "but":
        return after in ("it", "him", "them", "to")
    if verbs.plain(low) or (before == "but" and low in _STATES) or after in elided.OBJECTS:
        return True
    if after in _FRAMES.get(low, "").split() or (after.endswith("ing") and low in _STATES):
        return True
    if verbs.adverb(before) and before not in AND and before not in ("early", "not", "too"):
        return True
    two_before = words[k - 2].low if k > 1 else ""
    if low in ACTIVITIES and before in ("and", "but"):
        return not (verbs.base(two_before) and k > 2 and words[k - 3].low in elided.DETERMINERS)
    return low in _ACTIVE and bool(after) and after not in _NO_OBJECT and two_before not in ("food", "eat", "eating")


def _one_more_verb(words: list[Word], k: int, who: str, bound: str) -> tuple[str, str] | None:
    """`_shared` for a word that is surely a verb, after "and" or a comma."""
    word, conjunction, after = words[k], words[k - 1].low, following(words, k)
    comma = conjunction not in AND and not verbs.adverb(conjunction)
    ordered = word.low in verbs.ORDERS and (
        comma or conjunction in ("so", "then") or (after in ("it", "me", "them") and word.low in _RATHER_ORDERS)
    )
    if verbs.alike(word.low) and who == "me" and bound == "no" and word.low != "read":
        told = [w.low for w in words[:k] if verbs.past(w.low) and not verbs.alike(w.low)]
        return (who, bound) if told and not {w.low for w in words} & _PRESENT_CUES else None
    if who != "me" or bound == "maybe" or verbs.alike(word.low) or ordered or (comma and word.low not in _STATES):
        return None
    now = conjunction in ("now", "still", "currently", "nowadays")
    if bound == "no" or now or (word.low in _STATES and conjunction == "but"):
        word.out = verbs.third(word.low)
        return who, _bound(words, k)
    negated = any(w.low in ("don't", "can't", "won't", "didn't", "never", "not") for w in words[:k])
    if word.low in _STATES or conjunction not in ("and", "or") or (negated and conjunction == "and"):
        return None
    return who, bound


def _ordered(words: list[Word], k: int) -> bool:
    """True if a verb without a subject of its own stands where "I" is not the subject: "so make it short"."""
    low, before, after = words[k].low, words[k - 1].low, following(words, k)
    if not _at_joint(words, k):
        return False
    if not verbs.base(low) or verbs.alike(low):
        return low in ("am", "don't") and not before.endswith("s")
    if low == "pray" and verbs.base(after):
        return True
    started = k > 1 and words[k - 2].low == "so" and before in ("always", "never", "just", "only")
    if started or (before in ("so", "then") and low in verbs.ORDERS):
        return True
    if low in ("am", "don't") or (low in _STATES and low != "like"):
        return not before.endswith("s") and (before not in AND or low in ("am", "don't", "have"))
    if after in ("me", "us") and verbs.base(low) and before != "or":
        return True
    orders = verbs.plain(low) or low in verbs.ORDERS or low in ("pray",)
    return (
        orders
        and verbs.base(low)
        and (before not in ("and", "or", "&", "n") or after in ("it", "me"))
        and (after in elided.DETERMINERS | elided.OBJECTS | {"for", "to", "sure"})
    )


def _at_joint(words: list[Word], k: int) -> bool:
    """True if a word follows "and", a comma or the like, adverbs aside."""
    while k > 1 and not JOINT.search(words[k].gap) and verbs.adverb(words[k - 1].low) and words[k - 1].low not in AND:
        k -= 1
    return words[k - 1].low in AND or JOINT.search(words[k].gap) is not None
