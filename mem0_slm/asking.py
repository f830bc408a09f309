"""What opens a question, an order or a wish for how to be answered, by its first words."""

from .openers import INSIDE, SHORT_QUESTIONS, STANDING, UNKNOWN, says
from .sentences import Word
from .verbs import base, past, plain, third_form
from .wording import (
    ALWAYS,
    ARTEFACTS,
    AUXILIARIES,
    BE,
    DETERMINERS,
    DROPPED_I,
    FINITE,
    FIRST,
    FUSED,
    LEADS,
    MODALS,
    NOUNY,
    ORDERS,
    OUTPUT_NOUNS,
    OUTPUTS,
    PAST_TIMES,
    POSSESSIVES,
    REPORTS,
    SUBJECTS,
    SUBORDINATES,
    YOU,
)

_WH = frozenset(
    "what whats what's wat wot wats how hows how's why whys where wheres where's when whens when's who whos who's "
    "whose which whom hw y".split()
)
_INVERTED = frozenset(
    "i u you we he she it they this that these those there my our your his her their the a an any anyone someone "
    "anybody everyone people all both ya ur one either".split()
)
_PERSONS = frozenset("i u you we he she they ya any anyone".split())
_ABLE = frozenset(
    "eat not only do drive speak swim read play cook walk take have be get go see stand sleep handle manage come "
    "make work drink use run hear afford remember wait even barely hardly still also never tolerate bear touch move "
    "lift bend focus concentrate".split()
)
_RATED = frozenset(
    "ok okay safe good bad better fine normal allowed possible worth best cheaper faster healthier legal dangerous "
    "true common enough too open free available bookable needed required".split()
)
_OPEN = frozenset("if whether what which how where when who why wat whats what's whether's whose".split())
_AFTER = frozenset(
    "what how where when why which who whatever however wherever whenever than as all best nor neither so only "
    "rarely never know if that whether about and or the much many long often far old soon little hardly is not of on "
    "in at for to from with by wat whom whose explain understand learn decide see until because".split()
)


def after_leads(words: list[Word], i: int = 0) -> int:
    """The place of the first word behind openers, vocatives and marks; the end for words of these alone."""
    while i < len(words) and (words[i].said in LEADS or not words[i].said[0].isalnum()):
        if words[i].said == "no" and i + 1 < len(words) and words[i + 1].said[0].isalnum():
            break
        i += 1
    return i


def _at(words: list[Word], i: int) -> str:
    return words[i].said if 0 <= i < len(words) else ""


def is_finite(word: str) -> bool:
    """True if a word is a finite verb and hardly ever a noun: "is", "lives", "went", "moved"."""
    return (
        word in AUXILIARIES
        or word in FINITE
        or word in FUSED
        or word.endswith(("n't", "'ve", "'ll", "'re", "'d"))
        or past(word)
        or word.endswith("s")
        and (plain(word[:-1]) or plain(word[:-2]) or plain(word[:-3] + "y"))
        and third_form(word)
    )


_BEHIND_IS = frozenset(
    "a an the in on at out not no off from gone nearly going getting been just very so too my our still called "
    "always never only now back here there down up over".split()
)


def has_finite(words: list[Word]) -> bool:
    """True if a finite verb stands there, as far as the lists know one, or its subject was dropped ("need a cake")."""
    first = after_leads(words)
    return first < len(words) and (
        words[first].said in DROPPED_I
        and (base(words[first].said) or past(words[first].said))
        or any(
            is_finite(word.said)
            or j
            and (words[j - 1].said in ("i", "we", "they") or j == first + 1 and words[first].said in SUBJECTS)
            and word.said[0].isalpha()
            or word.said.endswith("'s")
            and (_at(words, j + 1) in _BEHIND_IS or j == first and any(w.capital for w in words[j + 1 : j + 2]))
            for j, word in enumerate(words)
        )
    )


def opens_question(words: list[Word], i: int, *, first: bool, asked: bool = False) -> bool:
    """True if words from `i` on open a question by their form.

    first: at the beginning of a sentence; elsewhere a relative clause may begin likewise. asked: the sentence ends
    with "?".
    """
    word, after = _at(words, i), _at(words, i + 1)
    if says(words, i, SHORT_QUESTIONS) and (after or first):
        return True
    if first and word in ("anyone", "anybody"):
        return True
    known = says(words, i, UNKNOWN)
    if known and _at(words, i + known) in _OPEN:
        return True
    if word in _WH:
        return _opens_wh(words, i, first=first, asked=asked)
    if word in AUXILIARIES:
        return _inverted(words, i, first=first, asked=asked)
    return False


def _opens_wh(words: list[Word], i: int, *, first: bool, asked: bool) -> bool:
    word, after, third = _at(words, i), _at(words, i + 1), _at(words, i + 2)
    if not after or not after[0].isalnum():
        return first or asked
    if word in ("y", "hw"):
        return after in AUXILIARIES
    if (word, after) in (("what", "a"), ("what", "an")):
        return False
    if word in ("how", "hows", "how's", "why", "whys", "whats", "what's", "wats"):
        return True
    if word in ("where", "when") and after in _INVERTED | FIRST | FUSED | {"when"} and after not in AUXILIARIES:
        return word == "where" and third in MODALS and third not in ("would", "will")
    if word in ("where", "when"):
        return after in AUXILIARIES | {"to", "abouts", "else"} or (first and not _finite(words, i + 1))
    if word in ("what", "wat", "wot"):
        if after in FIRST | SUBJECTS | FUSED and after not in ("this", "that", "these", "those"):
            return asked or third in MODALS or not any(w.said in BE for w in words[i + 2 :])
        return True
    if word in ("who", "whose", "whom", "whos", "who's"):
        return first or asked and after in AUXILIARIES
    if word == "which":
        if asked and after not in SUBJECTS | FIRST:
            return True
        if after in BE and not first:
            return third in _RATED or third.endswith("er")
        if after in AUXILIARIES:
            return third in _INVERTED
        return first or any(
            w.said in AUXILIARIES and _at(words, j + 1) in _INVERTED for j, w in enumerate(words[: i + 7]) if j > i
        )
    return True


def _finite(words: list[Word], i: int) -> bool:
    return any(is_finite(w.said) for w in words[i : i + 8])


def _inverted(words: list[Word], i: int, *, first: bool, asked: bool) -> bool:
    word, after, third = _at(words, i), _at(words, i + 1), _at(words, i + 2)
    if after in ("not", "n't"):
        after, third = third, _at(words, i + 3)
    if first and word in ("is", "are", "does", "was", "were") and after in ('"', "“", "'"):
        return True
    if not after or not after[0].isalnum():
        return False
    if word in ("had", "hadn't", "hadnt"):
        return after in _PERSONS
    if word in ("have", "haven't", "havent"):
        return after in _PERSONS | {"these", "those", "the"}
    if word in ("did", "didn't", "didnt"):
        return after in _INVERTED - {"a", "an", "all", "both", "some"}
    if word in ("was", "were", "wasn't", "weren't", "wasnt", "werent"):
        return after in _INVERTED - {"a", "an", "all", "both", "one"}
    if word in ("do", "don't", "dont"):
        return after in _INVERTED - {"this", "that", "it", "the", "a", "an", "my", "not", "all", "both", "one"} or asked
    if word in ("am", "r"):
        return after in ("i", "we", "you", "u", "they")
    if after in _INVERTED:
        return word not in ("can't", "cant", "cannot") or after in _PERSONS | {"he", "she", "it", "they"} or asked
    if asked:
        return True
    if word in MODALS:
        return first and after not in _ABLE and not after.isdigit() and word not in ("might", "must", "may")
    if first:
        return word not in ("r", "ain't", "aint") and not words[i].capital or after not in ("my",)
    return word in ("is", "are", "isn't", "does") and any(w.said in _RATED for w in words[i + 2 : i + 5])


_ASKING_PREPOSITIONS = frozenset("in at for to since by from on with of".split())


def asks_within(words: list[Word], asked: bool) -> bool:
    """True if the clause asks behind an adverbial: "in general, is a diesel ...", "in which year did"."""
    said = [word.said for word in words]
    if len(said) > 2 and said[0] in _ASKING_PREPOSITIONS and said[1] in ("which", "what", "how", "when", "where"):
        return any(word in AUXILIARIES for word in said)
    return any(
        said[i - 1] == "," and opens_question(words, i, first=False, asked=asked) or question_inside(words, i)
        for i in range(1, len(words) - 1)
    )


def _rates(words: list[Word], i: int) -> bool:
    """ "im on warfarin is cranberry juice safe": what is asked about stands between "is" and how it is rated."""
    left = words[:i]
    return (
        _at(words, i) in ("is", "are")
        and words[0].said in FIRST
        and _at(words, i - 1) not in SUBJECTS | _AFTER
        and len(words) - i <= 7
        and any(w.said in _RATED for w in words[i + 2 :])
        and any(is_finite(w.said) for w in left)
        and not any(w.said in REPORTS or w.said in SUBORDINATES or w.said == "know" for w in left)
    )


def question_inside(words: list[Word], i: int) -> bool:
    """True if an unmistakable question begins at `i` with no mark before it ("14 weeks along is it ok if")."""
    if opens_question(words, after_leads(words), first=True):
        return False
    if _rates(words, i):
        return True
    return says(words, i, INSIDE) > 0 and _at(words, i - 1) not in _AFTER and _at(words, i - 1)[:1].isalnum()


_ASKED_OF_YOU = frozenset("can could would will cud wud may kan".split())
_WISHES = frozenset("need want like love appreciate prefer".split())
_STATES = frozenset(
    "eat drink like want have drive know mind own sleep work live care need understand speak watch smoke wear trust "
    "believe cook feel see remember celebrate exercise sweat tolerate digest do".split()
)
_FORBIDDEN = frozenset("let forget judge laugh worry ask be make get think even go come bother remind spoil".split())


def _names_artefact(words: list[Word], i: int, reach: int) -> bool:
    """True if what is asked for is something that an assistant makes, before any verb."""
    for j in range(i, min(i + reach, len(words))):
        said = words[j].said
        if said in ARTEFACTS:
            return _at(words, j + 1) not in AUXILIARIES | {":"} and not (
                _at(words, j + 1) == "of" and said in ("name", "names")
            )
        if (
            said in AUXILIARIES
            or said in FINITE
            or said in FIRST
            or said in ("for", "to", "about", "from", "with", ",")
        ):
            return False
    return False


def opens_order(words: list[Word], i: int) -> bool:
    """True if words from `i` on open an order or ask for something to be made."""
    i = after_leads(words, i)
    word, after, third = _at(words, i), _at(words, i + 1), _at(words, i + 2)
    if word in _ASKED_OF_YOU and after in ("you", "u", "ya", "someone", "somebody", "anyone", "anybody"):
        return True
    if word in ("i", "i'd", "id", "we", "we'd", "i'm", "im", "would"):
        return _wishes(words, i)
    if word in ("don't", "dont") or (word, after) == ("do", "not"):
        verb = third if word == "do" else after
        return verb in _FORBIDDEN or verb in ORDERS - _STATES or verb not in _STATES and not verb.endswith("ed")
    if word in ("need", "want", "looking", "after", "needing", "wanting") or (word == "searching" and after == "for"):
        return after in ("you", "u") or _names_artefact(words, i + 1 + (after == "for"), 5)
    if word == "quit":
        return after.endswith("ing") and after not in _GIVEN_UP
    if word in ALWAYS:
        return after in ORDERS | OUTPUTS and after not in ("take", "cook", "bake", "like", "hit", "work", "come")
    if word not in ORDERS:
        owned = word in POSSESSIVES or word in FIRST or word in ("the", "that", "this")
        return not owned and _names_artefact(words, i, 4) and not any(is_finite(w.said) for w in words[i : i + 25])
    if word == "lets":
        return after not in DETERMINERS | {"me", "him", "them", "us", "you"}
    return word not in NOUNY and (plain(word) or not base(word)) or _is_verb(words, i)


def _wishes(words: list[Word], i: int) -> bool:
    """ "I need you to", "I'd like some ideas", "I'm looking for tips", "would love a poem"."""
    j = i
    while j < min(i + 5, len(words)) and words[j].said not in _WISHES | {"looking", "after", "searching", "hoping"}:
        if words[j].said not in FIRST and words[j].said not in (
            "would",
            "am",
            "are",
            "just",
            "really",
            "also",
            "do",
            "only",
        ):
            return False
        j += 1
    if j >= len(words) or j == i + 5:
        return False
    j += 1 + (_at(words, j + 1) == "for")
    return _at(words, j) in ("you", "u", "ya") or _names_artefact(words, j, 6)


_OBJECTS = frozenset("me us it them him this that these those the a an my our some something all one two three".split())
_GIVEN_UP = frozenset("smoking drinking vaping gambling eating working drugs sugar".split())
_LIVED = frozenset("work live play run cook bake walk".split())


_TIMES = frozenset("every most times twice weekly daily regularly once".split())


def _habit(words: list[Word], i: int) -> bool:
    """ "go to the gym three times a week", "come from a family of bakers"."""
    return any(w.said in _TIMES for w in words[i + 1 :]) or (_at(words, i), _at(words, i + 1)) == ("come", "from")


def _is_verb(words: list[Word], i: int) -> bool:
    """True if a word that may be a noun or a past form as well gives an order here."""
    word, after, third = _at(words, i), _at(words, i + 1), _at(words, i + 2)
    if any(w.said in PAST_TIMES for w in words[i:]):
        return False
    if not after or not after[0].isalnum():
        return after != ":"
    if word in _LIVED | {"go", "do", "take", "have", "come"} and _habit(words, i):
        return False
    if word in _LIVED:
        return after in _OBJECTS - {"a", "an", "one", "two", "three"} or after in ("again", "through", "along", "along")
    if after in AUXILIARIES or after == "of" or after[0].isdigit() and not third[:1].isalnum():
        return False
    if after in _OBJECTS or after in DETERMINERS or after in _OPEN:
        return True
    return not any(w.said in AUXILIARIES or w.said in FINITE for w in words[i + 1 : i + 7])


_NAMES = frozenset("back later when on if at tomorrow a an up out in crazy old".split())
_REFUSALS = frozenset("don't dont stop quit no avoid without".split())


def opens_standing_order(words: list[Word], i: int) -> bool:
    """True if words from `i` on say how the assistant is to answer from now on."""
    i = after_leads(words, i)
    i = after_leads(words, i + says(words, i, STANDING))
    word, after, third = _at(words, i), _at(words, i + 1), _at(words, i + 2)
    rest = [w.said for w in words[i:]]
    standing = any(says(words, j, STANDING) for j in range(len(words)))
    always = any(said in ALWAYS for said in rest)
    nouns = any(said in OUTPUT_NOUNS for said in rest)
    if (word, after) == ("call", "me") or (word, after) == ("address", "me"):
        return third not in _NAMES and third != ""
    if (word, after) == ("do", "not"):
        word, after, third = "don't", third, _at(words, i + 3)
    if word in _REFUSALS and after in ("calling", "call", "addressing") and third == "me":
        return True
    if word in ("don't", "dont", "stop", "quit", "avoid"):
        verb = after.removesuffix("ing")
        output = after in OUTPUTS or any(verb in (o, o.removesuffix("e"), o + o[-1]) for o in OUTPUTS)
        return output and (always or standing or nouns or "again" in rest or word == "stop")
    if word in ALWAYS:
        return after in OUTPUTS or standing
    if word == "no":
        return nouns and len(rest) <= 8
    if word in OUTPUTS or word in ORDERS:
        return standing or (always and word in OUTPUTS) or (word == "keep" and nouns)
    if word in ("your", "ur"):
        return after in OUTPUT_NOUNS and third in MODALS
    if word in FIRST:
        reach = rest[:7]
        return any(said in _WISHES for said in reach) and (
            any(said in YOU for said in reach)
            and (standing or always)
            or any(said in ("answers", "replies", "responses") for said in reach)
            and "love" not in reach
        )
    return standing and word in YOU
