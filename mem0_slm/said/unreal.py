"""What is not so: supposed, wished, played, made up, a sum in words; and what ends a play."""

from mem0_slm.said.asking import after_leads
from mem0_slm.said.openers import PLAYED, RETURNS, SUPPOSED, TAGS, says
from mem0_slm.said.sentences import Word
from mem0_slm.said.wording import (
    AUXILIARIES,
    CONDITIONS,
    FICTION,
    FIRST,
    HELPERS,
    INVENTED,
)
from mem0_slm.text import NUMBER_WORDS

_HEARD = frozenset("asked asks ask see check wonder wondered wonders know".split())
_DESIRES = frozenset("love like rather prefer hate appreciate never say state add be not".split())
_SAYING = frozenset("said says told promised thought hoped knew asked reckoned wondered".split())


def leans(words: list[Word]) -> bool:
    """True if what goes on in the same sentence goes on with what is supposed or wished here."""
    return sets_up(words) != "" or any(w.said in CONDITIONS or w.said in ("wish", "wishes", "imagine") for w in words)


_WOULD = frozenset("would wouldn't wouldnt wud".split())
_WOULD_BE = _WOULD | frozenset("i'd we'd he'd she'd they'd it'd could".split())
_KINDLY = frozenset("nice great good lovely cool happy grateful delighted glad thrilled".split())


def is_unreal(words: list[Word]) -> bool:
    """True for what is supposed, conditional or wished."""
    first = after_leads(words)
    if says(words, first, SUPPOSED) or says(words, 0, SUPPOSED):
        return True
    reported = False
    for j, word in enumerate(words):
        said, before = word.said, words[j - 1].said if j else ""
        if said in CONDITIONS and before not in _HEARD and before not in ("as", "even") and not says(words, j, TAGS):
            if said in ("if", "unless", "lest", "suppose") or j == first:
                return True
        if said in ("wish", "wishes") and before not in ("a", "my", "the", "best", "birthday"):
            return True
        if said in ("would've", "wouldve", "woulda", "could've", "couldve", "coulda"):
            return True
        if not reported and _would(words, j):
            return True
        reported = reported or said in _SAYING
    return False


def _would(words: list[Word], j: int) -> bool:
    """True for "would have gone", "I'd be lost", "would move"; not for a wish ("would love to")."""
    said = words[j].said
    if said not in _WOULD_BE:
        return False
    after, third = (words[k].said if k < len(words) else "" for k in (j + 1, j + 2))
    if after in ("have", "of"):
        return True
    if after == "be":
        return said != "could" and third not in _KINDLY
    return said in _WOULD and after != "" and after not in _DESIRES


_OPEN = frozenset("will 'll i'll we'll need needs have has do am is are keep can can't cant get take".split())
_CLOSED = frozenset(
    "would wouldn't wouldnt i'd we'd could should might were was had did imagine suppose say pretend wish what ask "
    "you you're your u ur won lottery".split()
)


def holds_if(words: list[Word]) -> bool:
    """True for a condition of real life with what follows from it: "if I get the job I'll need to sell the car".

    The whole clause is then the speaker's own word, condition and all.
    """
    said = [word.said for word in words]
    start = after_leads(words)
    conditions = [j for j, word in enumerate(said) if word in ("if", "unless")]
    return (
        bool(conditions)
        and len(words) - start >= 7
        and not _CLOSED & set(said)
        and bool(FIRST & set(said))
        and bool(_OPEN & set(said))
        and "?" not in said
    )


_PRAISED = frozenset(
    "best bomb goat only one legend star lifesaver genius gem angel darling dear sweetheart machine "
    "robot bot computer ai language great good real very bit little big huge champ saint godsend "
    "treasure pro wizard magician first worst".split()
)
"""What the assistant is called without being given a part."""
_PLAYING = frozenset("character protagonist roleplay role-play fanfic novel's".split())


def sets_up(words: list[Word]) -> str:
    """What a clause opens for those after it: "played", "supposed" or "told" (a fiction), "" for nothing."""
    first = after_leads(words)
    said = [word.said for word in words]
    if says(words, first, PLAYED) or says(words, 0, PLAYED):
        return "" if any(word in HELPERS or word in _PRAISED for word in said[:9]) else "played"
    if says(words, first, SUPPOSED) or says(words, 0, SUPPOSED):
        return "supposed" if said[first : first + 2] != ["what", "if"] else ""
    if is_fiction(words) or not _PLAYING.isdisjoint(said):
        return "told"
    return ""


_TOLD = frozenset("is begins starts ends goes".split())
_MADE_UP = frozenset("character protagonist villain heroine narrator antagonist backstory".split())


def is_fiction(words: list[Word]) -> bool:
    """True for a clause about somebody who is made up: "in my novel", "my character", "the hero"."""
    said = [word.said for word in words]
    for j, word in enumerate(said[:12]):
        before, lead = said[j - 1] if j else "", said[j - 2] if j > 1 else ""
        after = said[j + 1] if j + 1 < len(said) else ""
        if word not in FICTION or before not in ("my", "the", "our", "this", "a", "main", "player", "in", "her", "his"):
            continue
        if word in _MADE_UP or word == "hero" and before != "my":
            return True
        if (lead in ("in", "of") and j <= 4 or before == "in") and after not in ("club", "shop", "group", "of"):
            return True
        if before == "the" and j <= 2 and word in ("novel", "story") and after in _TOLD:
            return True
    return False


def makes_up(words: list[Word], kind: str) -> bool:
    """True for who is writing a novel, or asks for a story, poem or joke that is not about the speaker's own people."""
    said = [word.said for word in words]
    if not any(word in INVENTED for word in said):
        return False
    return "writing" in said or kind in ("request", "question") and not any(word in ("my", "our", "i") for word in said)


def returns(words: list[Word]) -> bool:
    """True for a sentence that leaves what was supposed or played."""
    return says(words, 0, RETURNS) > 0 or says(words, after_leads(words), RETURNS) > 0


_COUNTED = frozenset("left remain remaining remains altogether total".split())
_OF_OTHERS = frozenset("he she they it the".split())


def is_puzzle(words: list[Word]) -> bool:
    """True for a sum in words: numbers of somebody who is nobody's kin, and "how many" of them are left."""
    said = [word.said for word in words]
    if sum(word[0].isdigit() or word in NUMBER_WORDS for word in said) < 2:
        return False
    for j in range(len(said) - 2):
        if said[j] == "how" and said[j + 1] in ("many", "much", "far", "fast") or said[j] == "when":
            behind = said[j + 2 : j + 9]
            if any(word in _COUNTED for word in behind) and said[j] == "how" and len(said) < 60:
                return True
            others = any(
                word in AUXILIARIES and after in _OF_OTHERS for word, after in zip(said[j + 1 :], said[j + 2 : j + 9])
            )
            if others and not any(word in FIRST for word in said):
                return True
    return False
