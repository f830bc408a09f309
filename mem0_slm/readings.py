"""What a message says, in the forms in which a statement is compared with it: as it stands, and as it must be read.

A reading is a run of the speaker's clauses in order. Beside the words as they stand there is one with the noun in place
of "he" or "she" where the message leaves no choice, one for "my grandson, who lives in Perth" without the words around
it, and one in third person where a subject was left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mem0_slm.clauses import Clause
from mem0_slm.follows import FILLERS, begins, of_several, theirs
from mem0_slm.forms import STOPS, forms
from mem0_slm.persons import meant_by
from mem0_slm.takenback import taken_back
from mem0_slm.third_person import third_person
from mem0_slm.wording import CONDITIONS, REPORTS, UNDONE

USABLE = frozenset({"statement", "fragment"})
_HE_OR_SHE = re.compile(
    r"(?:^|[,.;:!(–—-]\s*|\b(?:and|but|so|because|bc|cause|,)\s+)(he|she|hes|shes|they|theyre)\b(?=(?:['’](?:s|re))?\s)",
    re.IGNORECASE,
)
_HE = {"he": "he", "she": "she", "hes": "he", "shes": "she", "they": "they", "theyre": "they"}
_CONTEXT = 6
"""Clauses back to which a pronoun may point."""
_JOINS = frozenset("and but so because plus".split())
_SUBJECTS = frozenset("user user's he she it they".split())
_SCOPES = (REPORTS | CONDITIONS | UNDONE) - {"want", "wants", "tell", "told", "heard"} | {
    "whether",
    "except",
    "neither",
}
"""Words on which the rest of the clause may depend."""
_NEAR_SCOPES = frozenset("when while before until since as without not only".split())
"""Words on which what follows may depend up to the next comma or subject."""


@dataclass
class Reading:
    """A run of clauses as forms."""

    forms: list[str]
    places: list[int]
    """The clause of each form."""
    starts: list[int]
    """Where a statement may begin."""
    others: frozenset[str]
    """What is somebody else's."""
    several: list[str]
    """The forms with "we" left."""


def readings(clauses: Sequence[Clause], turns: Sequence[tuple[str, str]]) -> list[Reading]:
    """Every reading of the clauses that say that something is so and that nothing takes back."""
    back = taken_back(clauses, turns)
    found: list[Reading] = []
    others = {turn: theirs(forms(turns[turn][1][:4000])) for turn in {clause.turn for clause in clauses}}
    for run in _runs(clauses, back):
        turn = clauses[run[0]].turn
        found.append(_as_it_stands(clauses, run, turns[turn][1], others[turn]))
        for k in run:
            found += _otherwise(clauses, k, turns[turn][1], others[turn])
    return found


def _runs(clauses: Sequence[Clause], back: set[int]) -> list[list[int]]:
    """The places of usable clauses in runs of neighbours of one turn, one of which the other is part of left out."""
    runs: list[list[int]] = []
    for k, clause in enumerate(clauses):
        if clause.kind not in USABLE or k in back:
            continue
        if runs and runs[-1][-1] == k - 1 and clauses[k - 1].turn == clause.turn:
            runs[-1].append(k)
        else:
            runs.append([k])
    return runs


def _as_it_stands(clauses: Sequence[Clause], run: list[int], text: str, others: frozenset[str]) -> Reading:
    said: list[str] = []
    several: list[str] = []
    places: list[int] = []
    starts: list[int] = []
    for k in run:
        clause = clauses[k]
        if k > run[0]:
            between = forms(text[clauses[k - 1].end : clause.start])
            between += ["."] if clause.sentence != clauses[k - 1].sentence and "." not in between else []
            said += between
            several += between
            places += [k] * len(between)
        own = forms(clause.text)
        starts += [len(said) + i for i in _starts(own)]
        said += own
        several += forms(clause.text, several=True)
        places += [k] * len(own)
    return Reading(said, places, starts, others, several)


def _starts(said: list[str]) -> list[int]:
    """Where in a clause something begins that stands by itself: its beginning, and where it goes on with a subject."""
    found = [0] if said else []
    scoped = near = False
    for i, form in enumerate(said):
        scoped = scoped or form in _SCOPES
        near = form in _NEAR_SCOPES or (near and form not in STOPS)
        if i == 0 or scoped or (near and form not in ("user", "user's")):
            continue
        after_join = said[i - 1] in STOPS or (said[i - 1] in _JOINS and not _so_that(said, i))
        if after_join or begins(said, i):
            found.append(i)
    return found


def _so_that(said: list[str], i: int) -> bool:
    """Whether a "so" tells what something is for: "so my friend can get out"."""
    return said[i - 1] == "so" and bool({"can", "could", "will", "would", "may", "do"} & set(said[i : i + 5]))


def _otherwise(clauses: Sequence[Clause], k: int, text: str, others: frozenset[str]) -> list[Reading]:
    clause = clauses[k]
    if len(clause.text) > 600 or of_several(forms(clause.text, several=True)):
        return []
    said = forms(clause.text)
    found = [(variant, True) for variant in _relative(said)]
    found += [(variant, True) for variant in _resolved(clauses, k, text)]
    if said[:1] == ["been"] and _no_one_before(clauses, k):
        found.append((["user", "have", *said], False))
    elif not any(form in _SUBJECTS for form in said[:2]) and _no_one_before(clauses, k):
        converted = third_person(clause.text)
        if converted and converted.startswith("User "):
            found.append((forms(converted), False))
    return [
        Reading(some, [k] * len(some), [0] if plain else _starts(some), others, []) for some, plain in found if some
    ]


def _no_one_before(clauses: Sequence[Clause], k: int) -> bool:
    """Whether the clause before is about the speaker, or there is none, so that a missing subject is the speaker."""
    if k == 0 or clauses[k - 1].turn != clauses[k].turn:
        return True
    before = [form for form in forms(clauses[k - 1].text[:300]) if form not in FILLERS and form not in STOPS]
    return before[:1] == ["user"] or clauses[k - 1].kind in ("small_talk", "question")


def _relative(said: list[str]) -> list[list[str]]:
    """ "my grandson, who lives in Perth": the noun with what is told of it."""
    found = []
    for k, form in enumerate(said):
        if form != "who" or k == 0 or k + 1 >= len(said):
            continue
        stop = k - 1 if said[k - 1] == "," else k
        first = next((i for i in range(stop - 1, max(-1, stop - 5), -1) if said[i] == "user's"), -1)
        if first >= 0 and not STOPS & set(said[first:stop]) and stop - first > 1 and stop < k:
            found.append(said[first:stop] + said[k + 1 :])
    return found


def _resolved(clauses: Sequence[Clause], k: int, text: str) -> list[list[str]]:
    """The clause from "he" or "she" on, the person in its place."""
    clause, found = clauses[k], []
    for match in list(_HE_OR_SHE.finditer(clause.text))[:4]:
        pronoun = match[1].casefold()
        before = text[_context(clauses, k, pronoun) : clause.start + match.start(1)]
        rest = forms(match[1] + clause.text[match.end(1) :])[1:]
        found += [forms(noun) + rest for noun in meant_by(_HE[pronoun], before)]
    return found


def _context(clauses: Sequence[Clause], k: int, pronoun: str) -> int:
    """Where the sentence before a clause begins, or that before it where it goes on about the same "he"."""
    begin = k
    while begin and clauses[begin - 1].turn == clauses[k].turn:
        near = k - begin < _CONTEXT and clauses[begin].sentence - clauses[begin - 1].sentence <= 1
        same = clauses[begin].sentence == clauses[k].sentence
        if not near or not (same or clauses[begin].text.casefold().startswith(_HE[pronoun])):
            break
        begin -= 1
    return clauses[begin].start
