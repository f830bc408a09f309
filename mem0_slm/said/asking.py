"""What opens a question, by its first words; and where the verb of a clause is, as far as lists know it."""

from mem0_slm.person.verbs import base, past, plain, third_form
from mem0_slm.said.openers import INSIDE, SHORT_QUESTIONS, UNKNOWN, says
from mem0_slm.said.sentences import Word
from mem0_slm.said.wording import (
    AUXILIARIES,
    BE,
    DROPPED_I,
    FINITE,
    FIRST,
    FUSED,
    LEADS,
    MODALS,
    REPORTS,
    SUBJECTS,
    SUBORDINATES,
)

WH = frozenset(
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
    "lift bend focus concentrate love like rather prefer hate appreciate say recommend".split()
)
_DONE = frozenset(
    "a an some so well ok okay nothing everything most half too all both two three yoga not once twice".split()
)
"""What was done, behind "did" where the subject was dropped."""
_RATED = frozenset(
    "ok okay safe good bad better fine normal allowed possible worth best cheaper faster healthier legal dangerous "
    "true common enough too open free available bookable needed required".split()
)
OPEN = frozenset("if whether what which how where when who why wat whats what's whether's whose".split())
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


def at(words: list[Word], i: int) -> str:
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


OBJECTS = frozenset("me us him her it them my our his their the a an you".split())
"""What stands behind a verb, and hardly behind a noun."""
_BEHIND_IS = frozenset(
    "a an the in on at out not no off from gone nearly going getting been just very so too my our still "
    "called always never only now back here there down up over under near behind with by around about due".split()
)


def has_finite(words: list[Word]) -> bool:
    """True if a finite verb stands there, as far as the lists know one, or its subject was dropped ("need a cake")."""
    first = after_leads(words)
    return first < len(words) and (
        words[first].said == "its"
        and at(words, first + 1) in _BEHIND_IS | {"for", "about", "this", "that"}
        or words[first].said in DROPPED_I
        and (base(words[first].said) or past(words[first].said))
        or any(
            is_finite(word.said)
            or j
            and (words[j - 1].said in ("i", "we", "they") or j == first + 1 and words[first].said in SUBJECTS)
            and word.said[0].isalpha()
            or j > first
            and at(words, j + 1) in OBJECTS
            and (third_form(word.said) or base(word.said) and words[j - 1].said.endswith("s"))
            or word.said.endswith("'s")
            and (at(words, j + 1) in _BEHIND_IS or j == first and any(w.capital for w in words[j + 1 : j + 2]))
            for j, word in enumerate(words)
        )
    )


def opens_question(words: list[Word], i: int, *, first: bool, asked: bool = False) -> bool:
    """True if words from `i` on open a question by their form.

    first: at the beginning of a sentence; elsewhere a relative clause may begin likewise. asked: the sentence ends
    with "?".
    """
    word, after = at(words, i), at(words, i + 1)
    if says(words, i, SHORT_QUESTIONS) and (after or first):
        return True
    if first and word in ("anyone", "anybody"):
        return True
    if word == "any" and asked:
        return True
    if word == "idk" and after[:1].isalnum():
        return True
    known = says(words, i, UNKNOWN)
    if known and at(words, i + known) in OPEN:
        return True
    if word in WH:
        return _opens_wh(words, i, first=first, asked=asked)
    if word in AUXILIARIES:
        return _inverted(words, i, first=first, asked=asked)
    return False


def _opens_wh(words: list[Word], i: int, *, first: bool, asked: bool) -> bool:
    word, after, third = at(words, i), at(words, i + 1), at(words, i + 2)
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
        if after in BE:
            return third in _RATED or third.endswith("er") or asked
        if after in AUXILIARIES:
            return third in _INVERTED
        return first or any(
            w.said in AUXILIARIES and at(words, j + 1) in _INVERTED for j, w in enumerate(words[: i + 7]) if j > i
        )
    return True


def _finite(words: list[Word], i: int) -> bool:
    return any(is_finite(w.said) for w in words[i : i + 8])


def _inverted(words: list[Word], i: int, *, first: bool, asked: bool) -> bool:
    word, after, third = at(words, i), at(words, i + 1), at(words, i + 2)
    if after in ("not", "n't"):
        after, third = third, at(words, i + 3)
    if first and word in ("is", "are", "does", "was", "were") and after in ('"', "“", "'"):
        return True
    if not after or not after[0].isalnum():
        return False
    if word in ("had", "hadn't", "hadnt"):
        return after in _PERSONS
    if word in ("have", "haven't", "havent"):
        return after in _PERSONS | {"these", "those", "the"}
    if word in ("did", "didn't", "didnt"):
        open_ = first and word == "did" and not after.isdigit() and after not in _DONE and not past(after)
        return open_ or after in _INVERTED - {"a", "an", "all", "both", "some"}
    if word in ("has", "have") and first and (third == "been" or past(third)) and after not in ("also", "just", "not"):
        return True
    if word in ("was", "were", "wasn't", "weren't", "wasnt", "werent"):
        rated = first and (third in _RATED or third == "any")
        return rated or after in _INVERTED - {"a", "an", "all", "both", "one"}
    if word in ("do", "don't", "dont"):
        return after in _INVERTED - {"this", "that", "it", "the", "a", "an", "my", "not", "all", "both", "one"} or asked
    if word in ("am", "r"):
        return after in ("i", "we", "you", "u", "they")
    if word in ("has", "have") and not (first or asked) and after not in _PERSONS | {"he", "she", "it", "this", "that"}:
        return False
    if after in ("a", "an", "the", "my", "our", "his", "her") and not (first or asked) and i:
        # "is a diesel better" asks; in "the hero, Oren, is a blind swordsman" the sentence goes on
        rated = any(w.said in _RATED for w in words[i + 3 : i + 8])
        return rated or any(is_finite(w.said) for w in words[:i])
    if after in _INVERTED:
        return word not in ("can't", "cant", "cannot") or after in _PERSONS | {"he", "she", "it", "they"} or asked
    if asked:
        return True
    if word in MODALS:
        return (
            first
            and after not in BE
            and after not in _ABLE
            and not after.isdigit()
            and word not in ("might", "must", "may")
        )
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
    if words[i].said not in ("is", "are"):
        return False
    left = words[:i]
    return (
        words[0].said in FIRST
        and at(words, i - 1) not in SUBJECTS | _AFTER
        and len(words) - i <= 7
        and any(w.said in _RATED for w in words[i + 2 :])
        and any(is_finite(w.said) for w in left)
        and not any(w.said in REPORTS or w.said in SUBORDINATES or w.said == "know" for w in left)
    )


def question_inside(words: list[Word], i: int) -> bool:
    """True if an unmistakable question begins at `i` with no mark before it ("14 weeks along is it ok if")."""
    asks = says(words, i, INSIDE) > 0 and at(words, i - 1) not in _AFTER and at(words, i - 1)[:1].isalnum()
    return (asks or _rates(words, i)) and not opens_question(words, after_leads(words), first=True)
