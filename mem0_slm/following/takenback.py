"""What a speaker takes back: clauses that later words of the same message withdraw or correct."""

import re
from collections.abc import Sequence

from mem0_slm.following.forms import STOPS, forms
from mem0_slm.said.clauses import Clause

_WITHDRAWS = re.compile(
    r"[\s.,;:!…)\-–—]*(?:(?:and|but|oh|ah|um|uh|erm|lol|haha|ok|okay|so)\b[\s,]*){0,2}"
    r"(?:well\b|no,? wait|wait\b|hang on|hold on|(?:oh )?sorry\b(?!,? (?:for|if|about|to|that))|i mean\b|i meant\b|"
    r"scratch that|strike that|actually,? no\b|no,|no\.|no actually|let me (?:restart|start over|rephrase|correct)|"
    r"i lied|correction|or rather|rather,|make that|not any ?more|just kidding|jk\b|kidding|joking|never ?mind|nvm|"
    r"or maybe|i take that|that'?s a lie|that'?s not true|that'?s wrong|not really|psych\b|nah\b|oops|my bad|"
    r"my mistake|or so (?:i|he|she|they)\b|excuse me|not\s*[.!])",
    re.IGNORECASE,
)
_MENDS = re.compile(
    r"[,.(\-–—]\s*(?:oh )?(?:no|sorry|wait|i mean|excuse me|scratch that|strike that|correction|or rather|make that|"
    r"i meant)\s*[,.:]|\b(?:sorry|no) i mean\b|\bi meant\b|\bno wait\b|\bwait no\b|\bactually no\b|\bscratch that\b",
    re.IGNORECASE,
)
_WITHDRAWS_ALL = re.compile(
    r"\blet me (?:restart|start (?:again|over))|\bignore (?:all )?(?:that|what i)|"
    r"\bforget (?:all )?(?:that|what i said)|"
    r"\b(?:scratch|strike) (?:all|everything)|\bi lied\b|\bjust kidding\b|\bnone of (?:that|this) is true",
    re.IGNORECASE,
)


def taken_back(clauses: Sequence[Clause], turns: Sequence[tuple[str, str]]) -> set[int]:
    """The places of the clauses that are withdrawn or corrected, by what follows them or within them."""
    found: set[int] = set()
    for k, clause in enumerate(clauses):
        text = turns[clause.turn][1]
        if _MENDS.search(clause.text) or _WITHDRAWS.match(text[clause.end : clause.end + 80]):
            found.add(k)
        following = clauses[k + 1] if k + 1 < len(clauses) else None
        if following and following.turn == clause.turn and _denies(clause.text, following.text):
            found |= {k, k + 1}
    last = {
        turn: max((match.start() for match in _WITHDRAWS_ALL.finditer(turns[turn][1])), default=-1)
        for turn in {clause.turn for clause in clauses}
    }
    return found | {k for k, clause in enumerate(clauses) if clause.start < last[clause.turn]}


def _denies(said: str, then: str) -> bool:
    """Whether two neighbours are the same words but for a "not"."""
    if len(said) > 200 or len(then) > 200:
        return False
    first, second = ([form for form in forms(text) if form not in STOPS] for text in (said, then))
    plain, denied = ([form for form in some if form != "not"] for some in (first, second))
    return plain == denied and len(first) != len(second)
