"""What a message says, in the forms in which a statement is compared with it: as it stands, and as it must be read.

A reading is a run of the speaker's clauses in order. Beside the words as they stand there is one with the noun in place
of "he" or "she" where the message leaves no choice, one for "my grandson, who lives in Perth" without the words around
it, and one in third person where a subject was left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mem0_slm.following.follows import FILLERS, begins, of_several, theirs
from mem0_slm.following.forms import STOPS, forms
from mem0_slm.following.persons import FAMILY, PERSONS, meant_by, names
from mem0_slm.following.takenback import taken_back
from mem0_slm.person.third_person import third_person
from mem0_slm.said.clauses import Clause
from mem0_slm.said.wording import CONDITIONS, REPORTS, UNDONE

USABLE = frozenset({"statement", "fragment"})
_HE_OR_SHE = re.compile(
    r"(?:^|[,.;:!(–—-]\s*|\b(?:and|but|so|because|bc|cause)\s+)"
    r"(he|she|hes|shes|they|theyre)\b(?=(?:['’](?:s|re))?\s)",
    re.IGNORECASE,
)
_HE = {"he": "he", "she": "she", "hes": "he", "shes": "she", "they": "they", "theyre": "they"}
_WHEN = frozenset(
    "these days now nowadays this last next every the on in of at moment a year month week weekend morning evening day "
    "night summer winter spring autumn january february march april may june july august september october november "
    "december monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays "
    "saturdays sundays today yesterday usually normally recently lately since ago st nd rd th".split()
)
_HIM_OR_HER = re.compile(r"\b(him|her|his)\b", re.IGNORECASE)
_BEHIND_HER = frozenset(
    "a an the to at in on for with from about off out up and but because so that user user's".split()
)
_SHARED = frozenset(
    "need have be live hate prefer own can could will would were had got went made took lost sold bought moved left "
    "quit failed passed married retired started stopped met found broke did know cook eat drink teach speak "
    "keep".split()
)
"""Verbs that are no nouns, by which a clause goes on about its subject."""
_OTHER_SUBJECTS = frozenset("who which that whose he she they it user user's you".split())
_ANYONE = PERSONS | {"he", "she", "they"}
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
    """What is somebody else's, and who else there is."""
    several: list[str]
    """The forms with "we" left."""


def readings(clauses: Sequence[Clause], turns: Sequence[tuple[str, str]]) -> list[Reading]:
    """Every reading of the clauses that say that something is so and that nothing takes back."""
    back = taken_back(clauses, turns)
    found: list[Reading] = []
    others = {
        turn: theirs(forms(turns[turn][1][:4000])) | names(turns[turn][1][:4000])
        for turn in {clause.turn for clause in clauses}
    }
    back |= {k for k in range(1, len(clauses)) if _anothers(clauses, k, turns)}
    for run in _runs(clauses, back):
        turn = clauses[run[0]].turn
        found.append(_as_it_stands(clauses, run, turns[turn][1], others[turn]))
        for k in run:
            found += _otherwise(clauses, k, turns, others[turn])
    return found


def _anothers(clauses: Sequence[Clause], k: int, turns: Sequence[tuple[str, str]]) -> bool:
    """Whether a clause is what somebody else says: "my boss: I have ...", "she's like, I have ..."."""
    before, clause = clauses[k - 1], clauses[k]
    if before.turn != clause.turn or before.sentence != clause.sentence or len(before.text) > 100:
        return False
    between = turns[clause.turn][1][before.end : clause.start]
    if ":" not in between and not before.text.casefold().endswith((" like", " goes", " go")):
        return False
    return bool(_ANYONE & set(forms(before.text)))


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
        scoped = scoped or form in _SCOPES or (form == ":" and bool(_ANYONE & set(said[:i]))) or _is_like(said, i)
        near = form in _NEAR_SCOPES or (near and form not in STOPS)
        if i == 0 or scoped or (near and form not in ("user", "user's")):
            continue
        after_join = said[i - 1] in STOPS - {'"'} or (said[i - 1] in _JOINS and not _so_that(said, i))
        if after_join or begins(said, i) or (form in ("user", "user's") and _introduced(said, i)):
            found.append(i)
    return found


def _introduced(said: list[str], i: int) -> bool:
    """Whether all that stands in front is when it is so, or that it has turned out to be so."""
    if said[i - 1] == "out" and i > 1 and said[i - 2] in ("found", "turns", "turned"):
        return True
    return i <= 6 and all(form in _WHEN or form[0].isdigit() for form in said[:i])


def _is_like(said: list[str], i: int) -> bool:
    """Whether somebody's words follow: "she's like, I live in Bonn"."""
    return (
        said[i] == "like"
        and i > 0
        and said[i - 1] in ("'s", "be", "were", "all", "go", "goes")
        and said[:1] != ["user"]
    )


def _so_that(said: list[str], i: int) -> bool:
    """Whether a "so" tells what something is for: "so my friend can get out"."""
    return said[i - 1] == "so" and bool({"can", "could", "will", "would", "may", "do"} & set(said[i : i + 5]))


def _otherwise(
    clauses: Sequence[Clause], k: int, turns: Sequence[tuple[str, str]], others: frozenset[str]
) -> list[Reading]:
    clause = clauses[k]
    if len(clause.text) > 600 or of_several(forms(clause.text, several=True)):
        return []
    said = forms(clause.text)
    found = [(variant, True) for variant in _relative(said)]
    found += [(variant, True) for variant in [*_resolved(clauses, k, turns), *_it(clauses, k), *_shared(said)]]
    found += [(variant, False) for variant in _of_someone(clauses, k, turns)]
    if said[:1] == ["been"] and _no_one_before(clauses, k):
        found.append((["user", "have", *said], False))
    elif not {*said[:1], *(form for form in said[1:2] if form != "user's")} & _SUBJECTS and _no_one_before(clauses, k):
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
    before = [form for form in forms(clauses[k - 1].text[-300:]) if form not in FILLERS and form not in STOPS]
    if {"he", "she", "him", "her", "his"} & set(before) or PERSONS & set(before):
        return False
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


def _shared(said: list[str]) -> list[list[str]]:
    """The later verbs of a clause about the speaker, each with its subject: "I teach ..., and need a plan"."""
    if said[:1] != ["user"]:
        return []
    found: list[list[str]] = []
    for i in range(2, len(said) - 1):
        if said[i] in _SCOPES | _OTHER_SUBJECTS or len(found) == 4:
            break
        joined = said[i - 1] == "," or said[i - 1] in ("and", "but")
        if joined and said[i] in _SHARED:
            found.append(["user", *said[i:]])
    return found


def _of_someone(clauses: Sequence[Clause], k: int, turns: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The clause with the person in place of its one "him", "her" or "his", where the message leaves no choice."""
    clause = clauses[k]
    found: list[re.Match] = list(_HIM_OR_HER.finditer(clause.text))
    if len(found) != 1 or _HE_OR_SHE.search(clause.text):
        return []
    word, after = found[0][1].casefold(), forms(clause.text[found[0].end() :][:60])[:1]
    owned = word == "his" or (word == "her" and after and after[0] not in STOPS | _BEHIND_HER)
    here = clause.start + found[0].start(1)
    before = turns[clause.turn][1][_context(clauses, k, "he" if word != "her" else "she") : here]
    people = meant_by("she" if word == "her" else "he", before)
    head, tail = forms(clause.text[: found[0].start()]), forms(clause.text[found[0].end() :])
    return [head + forms(person) + (["'s"] if owned else []) + tail for person in people]


def _resolved(clauses: Sequence[Clause], k: int, turns: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The clause from "he" or "she" on, the person in its place."""
    clause, found = clauses[k], []
    text = turns[clause.turn][1]
    for match in list(_HE_OR_SHE.finditer(clause.text))[:4]:
        pronoun = match[1].casefold()
        first, here = _context(clauses, k, pronoun), clause.start + match.start(1)
        before = text[first:here]
        if not before.strip() and k and clauses[k - 1].turn != clause.turn:
            before = turns[clauses[k - 1].turn][1]
        rest = forms(match[1] + clause.text[match.end(1) :])[1:]
        found += [forms(noun) + rest for noun in meant_by(_HE[pronoun], before)]
    return found


def _it(clauses: Sequence[Clause], k: int) -> list[list[str]]:
    """The clause that begins with "it", the thing of the user's in its place that the clause before is about."""
    if k == 0 or clauses[k - 1].turn != clauses[k].turn or clauses[k - 1].kind != "statement":
        return []
    said, before = forms(clauses[k].text), forms(clauses[k - 1].text[:200])
    if said[:1] != ["it"] or before[:1] != ["user's"]:
        return []
    end = next((i for i, form in enumerate(before[:6]) if form in ("be", "have", "'s", "do", "were")), 0)
    if end < 2 or PERSONS & set(before[:end]) or FAMILY & set(before) or STOPS & set(before):
        return []
    return [before[:end] + said[1:]]


def _context(clauses: Sequence[Clause], k: int, pronoun: str) -> int:
    """Where the sentence before a clause begins, or that before it where it goes on about the same "he"."""
    begin = k
    while begin and clauses[begin - 1].turn == clauses[k].turn:
        near = k - begin < _CONTEXT and clauses[begin].sentence - clauses[begin - 1].sentence <= 1
        same = clauses[begin].sentence == clauses[k].sentence
        aside = clauses[begin].kind in ("fragment", "small_talk")
        if not near or not (same or aside or clauses[begin].text.casefold().startswith(_HE[pronoun])):
            break
        begin -= 1
    return clauses[begin].start
