"""The kind of one clause: what it does, by closed lists and by what stands where.

Sound before complete: a clause that is called a statement should be the speaker's own word about the real world.
"""

from mem0_slm.person.verbs import base
from mem0_slm.said.asking import after_leads, asks_within, has_finite, opens_question
from mem0_slm.said.openers import CHAT, CHAT_IF_SHORT, says
from mem0_slm.said.ordering import opens_order, opens_standing_order
from mem0_slm.said.sentences import Word
from mem0_slm.said.unreal import holds_if, is_fiction, is_unreal, sets_up
from mem0_slm.said.wording import (
    AUXILIARIES,
    BE,
    DROPPED_I,
    FIRST,
    JUDGED,
    MOOD_FILL,
    MOODS,
    NOUNY,
    PERSONAL,
    QUERIES,
    SMALL,
    SUBJECTS,
    YES_NO,
    YOU,
    YOU_SUBJECT,
)
from mem0_slm.text import NUMBER_WORDS

LONGEST_WORDS, LONGEST_CHARACTERS = 80, 450


_FEELINGS = frozenset(
    "love like hate appreciate thank trust bet hear hope wish knew think meant asked told see miss blame forgive "
    "believe warn owe want expect need know".split()
)


def _all_in(words: list[Word], allowed: frozenset[str] = SMALL | JUDGED) -> bool:
    return all(not word.said[0].isalnum() or word.said in allowed for word in words)


def is_small_talk(words: list[Word]) -> bool:
    """True for greetings, thanks, fillers, moods of the moment and talk about the chat itself."""
    first = after_leads(words)
    rest = words[first:]
    if not rest or _all_in(words, SMALL) and len(words) <= 14:
        return True
    if rest[0].said == "to" and first and words[first - 1].said in ("thanks", "thx"):
        return False  # "thanks to my wife I ..." tells something
    if words[0].said in ("thanks", "thank", "thx", "ty", "cheers", "tysm") and rest[0].said in ("for", "a", "so"):
        return True
    if says(words, first, CHAT) or says(words, 0, CHAT):
        return True
    known = says(words, first, CHAT_IF_SHORT)
    if known and (_all_in if words[first + known - 1].said in ("it", "that", "this") else _bare)(rest[known:]):
        return True
    if rest[0].said in YOU_SUBJECT or rest[0].said in ("your", "ur"):
        return True
    if _mood(rest) or _judgement(rest):
        return True
    return rest[0].said in FIRST and any(
        word.said in YOU and any(verb.said in _FEELINGS for verb in rest[:j]) for j, word in enumerate(rest[:9]) if j
    )


def _bare(rest: list[Word]) -> bool:
    """True if next to nothing stands there: three words, none of oneself, no name and no number."""
    return len(rest) <= 3 and not any(w.said in FIRST or w.said[0].isdigit() or w.capital for w in rest)


def _mood(rest: list[Word]) -> bool:
    """ "I'm so tired today", "feeling a bit lost rn"."""
    i = 0
    while i < len(rest) and (
        rest[i].said in ("i'm", "im", "i", "am", "we're", "we", "are", "feeling", "feel", "was", "i'm")
    ):
        i += 1
    body = rest[i:]
    return (
        bool(body) and _all_in(body, MOODS | MOOD_FILL) and any(word.said in MOODS for word in body) and len(body) <= 8
    )


def _judgement(rest: list[Word]) -> bool:
    """ "that's great", "it was so weird", "sounds awful"."""
    i = 0
    while (
        i < len(rest)
        and i < 4
        and (
            rest[i].said
            in ("that", "this", "it", "that's", "thats", "it's", "its", "those", "they", "they're", "sounds", "looks")
            or i
            and rest[i].said in BE | {"sounds", "looks", "seems", "one", "not"}
        )
    ):
        i += 1
    return i > 0 and _all_in(rest[i:], JUDGED | MOOD_FILL | SMALL) and len(rest) - i <= 7


_RIGHT = frozenset(
    "the my all just done is are was on your his her our that this to turn at not be get got go keep".split()
)


def ends_as_question(words: list[Word]) -> bool:
    """True for a tag behind a comma: "it's in May, isn't it", "that's fine, right"."""
    tail = [word.said for word in words[-4:]]
    if len(words) > 2 and tail[-1] == "huh":
        return True
    if len(tail) >= 3 and tail[-3] == "," and tail[-2] in AUXILIARIES and tail[-1] in SUBJECTS | {"i", "you", "u"}:
        return True
    if len(words) >= 4 and tail[-1] == "right" and tail[-2] not in _RIGHT:
        return True
    return tail[-2:] == [",", "right"] or tail[-2:] in (["you", "think"], ["u", "think"], ["u", "reckon"])


def kind_of(words: list[Word], *, first: bool = True, asked: bool = False) -> str:
    """The kind of a clause by itself: of what stands around it only whether its sentence asks is known.

    A phrase without a verb that nothing speaks against is a "fragment"; whether it says something is for
    `says_something`.
    """
    if not any(word.said[0].isalnum() for word in words):
        return "small_talk"
    if len(words) > 2 and words[0].said in "abcd" and words[1].said == ")":
        return "question"  # one of the answers to choose from
    if [word.said for word in words[-3:]] == ["(", "not", ")"]:
        return "unreal"
    start = after_leads(words)
    if not asked and opens_standing_order(words, 0):
        return "standing_request"
    if sets_up(words) or is_fiction(words):
        return "unreal"
    if opens_question(words, start, first=first, asked=asked) or ends_as_question(words) or asks_within(words, asked):
        return "question"
    if is_unreal(words) and not holds_if(words):
        return "unreal"
    if words[min(start, len(words) - 1)].said in FIRST and opens_order(words, start):
        return "request"
    if is_small_talk(words):
        return "small_talk"
    if opens_order(words, start):
        return "request"
    if any(w.said in ("please", "pls", "plz") for w in words) and not has_finite(words) and words[start].said != "no":
        return "request"
    if len(words) == 1 and words[0].said not in PERSONAL | DROPPED_I and not words[0].said[0].isdigit():
        return "lone"
    if len(words) <= start + 3 and words[start].said in FIRST and words[-1].said in AUXILIARIES:
        return "fragment"
    return "statement" if has_finite(words) else "fragment"


def says_something(words: list[Word]) -> bool:
    """True if a phrase without a verb tells of somebody's life by its own words: "nut allergy, severe"."""
    start = after_leads(words)
    if start >= len(words):
        return False
    opening = words[start].said
    if (
        opening in QUERIES
        and words[min(start + 1, len(words) - 1)].said != ":"
        or any(word.said in ("forecast", "vs", "versus") for word in words)
    ):
        return False
    if (
        opening.endswith("ing")
        and len(opening) > 4
        and opening not in ("nothing", "something", "anything", "everything")
    ):
        return True
    if (
        opening in DROPPED_I
        or base(opening)
        and opening in NOUNY
        or opening in ("no", "only", "mostly", "not", "never")
        and len(words) - start >= 2
    ):
        return True
    return any(
        word.said in FIRST
        or word.said in PERSONAL
        or word.said[0].isdigit()
        or word.said in NUMBER_WORDS
        or word.said == ","
        for word in words
    )


def is_short_answer(words: list[Word]) -> bool:
    """True for what says nothing without its question: "yes, twice", "I do", "it's diesel", "since March"."""
    start = after_leads(words)
    said = [word.said for word in words if word.said[0].isalnum()]
    if not said or said[0] in YES_NO | {"not"} and len(said) <= 6 or len(said) <= 4:
        return True
    if start < len(words) and words[start].said in (
        "it",
        "it's",
        "its",
        "they",
        "they're",
        "that",
        "that's",
        "he",
        "she",
    ):
        return len(said) <= 8
    return len(said) <= 5 and said[0] in FIRST and said[-1] in AUXILIARIES


def is_yes_or_no(words: list[Word]) -> bool:
    """True for a bare "yes", "nope" or "twice", which answers a question."""
    said = [word.said for word in words if word.said[0].isalnum()]
    return 0 < len(said) <= 2 and all(word in YES_NO - {"sure"} for word in said)


def of_oneself(words: list[Word]) -> bool:
    return any(word.said in FIRST for word in words)
