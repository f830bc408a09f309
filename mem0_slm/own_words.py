"""A speaker's own words in place of a statement: the clauses that it was made of, in third person or quoted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from mem0_slm.following.backing import Backing
from mem0_slm.following.takenback import taken_back
from mem0_slm.person.third_person import third_person
from mem0_slm.said.clauses import Clause, clauses, last_question
from mem0_slm.said.reference import points_back, spoken_of
from mem0_slm.text import parts

MEMORY_WORDS = 45
"""Words of a memory: statements of one turn are joined up to that many. Twice as many memories crowd each other out of
a search, and a longer one is not found by what it says."""
STRETCH = 4
"""Clauses in a row that one statement may be made of."""
_STEM = 5
"""Letters in which two forms of a word agree."""
_EMPTY = frozenset(
    "user users the and that this with from have has had was were are not for but his her their they them she him its "
    "who which what when where will would can could about into than then there been being does did".split()
)
"""Words that tell nothing of where a statement was said."""


@dataclass(frozen=True)
class Span:
    """A stretch of what was said."""

    turn: int
    """Which turn of the conversation, from 0."""
    start: int
    end: int
    """Its characters in the turn's content."""
    text: str


class Said:
    """The speaker's clauses, and which of them are in a memory already."""

    def __init__(self, turns: Sequence[tuple[str, str]], speakers: tuple[str, ...]):
        self.turns = turns
        found = [clause for speaker in speakers for clause in clauses(list(turns), speaker)]
        self.clauses: list[Clause] = sorted(found, key=lambda clause: (clause.turn, clause.start))
        self.stems = [stems(clause.text) for clause in self.clauses]
        self.taken: set[int] = set()

    @cached_property
    def backing(self) -> Backing:
        """What these clauses can back."""
        return Backing(self.clauses, self.turns)

    @cached_property
    def withdrawn(self) -> set[int]:
        """The clauses that the speaker takes back or corrects."""
        return taken_back(self.clauses, self.turns)

    def may_store(self, i: int) -> bool:
        """Whether a clause may be stored in its own words, and is in no memory yet."""
        return self.clauses[i].storable and i not in self.taken and i not in self.withdrawn

    def text(self, places: Sequence[int]) -> str:
        """What was said from the first of the places to the last, which are of one turn."""
        first, last = self.clauses[places[0]], self.clauses[places[-1]]
        return self.turns[first.turn][1][first.start : last.end]

    def spans(self, places: Sequence[int]) -> tuple[Span, ...]:
        return tuple(Span(c.turn, c.start, c.end, c.text) for c in (self.clauses[i] for i in places))


class Part(NamedTuple):
    """A statement on its way into a memory."""

    places: tuple[int, ...]
    text: str
    origin: str


def stems(text: str) -> set[str]:
    """The telling words of a text in a form in which their inflections agree, and its numbers."""
    return {
        word if word.isdigit() else word[:_STEM]
        for word in parts(text)
        if word.isdigit() or (len(word) > 2 and word not in _EMPTY)
    }


def follows_from(statement: str, said: "Said") -> tuple[int, ...]:
    """The places of the clauses from which a statement follows, in order; () for none."""
    return said.backing.of(statement)


def own_words(places: Sequence[int], said: Said) -> list[Part]:
    """The storable clauses at the places that no memory has yet, as the speaker said them, a part for each run.

    A run that points back ("she", "one") begins with the clause that it points to, or names what it is about; where
    neither is there it says nothing to a reader, and is left.
    """
    found: list[Part] = []
    for run in _runs([i for i in places if said.may_store(i)], said):
        run, lead = _with_antecedent(run, said)
        if not run:
            continue
        said.taken |= set(run)
        for some in _bounded(run, said):
            text = _wording(some, said)
            text = f"{lead} {text}" if lead and some[0] == run[0] else text
            found.append(Part(tuple(some), text, "own_words"))
    return found


def _runs(places: Sequence[int], said: Said) -> list[list[int]]:
    """The places in runs of neighbours of one turn, a clause that answers a question of its own beginning a new one."""
    found: list[list[int]] = []
    for i in places:
        clause = said.clauses[i]
        if found and found[-1][-1] == i - 1 and said.clauses[i - 1].turn == clause.turn and not clause.asked:
            found[-1].append(i)
        else:
            found.append([i])
    return found


def _bounded(run: list[int], said: Said) -> list[list[int]]:
    """A run in pieces that are no longer than a memory may be."""
    found: list[list[int]] = []
    for i in run:
        if found and len(said.text([found[-1][0], i]).split()) <= MEMORY_WORDS:
            found[-1].append(i)
        else:
            found.append([i])
    return found


def _with_antecedent(run: list[int], said: Said) -> tuple[list[int], str]:
    """A run with the clauses before it that it points back to, and what leads to it where nothing storable does.

    That is what the question before it names ("About User's niece:"), or the other speaker's question. ([], "") where
    what the run points to is not to be had. What begins a conversation points to nothing before it.
    """
    first = said.clauses[run[0]]
    if first.asked or run[0] == 0 or not points_back(first.text):
        return run, ""
    for before in range(run[0] - 1, max(-1, run[0] - 1 - STRETCH), -1):
        earlier = said.clauses[before]
        if earlier.turn != first.turn:
            question = last_question(said.turns[first.turn - 1][1])
            return (run, f'Asked "{question}",') if question else ([], "")
        if earlier.kind in ("pasted", "secret", "unreal", "foreign"):
            break
        if before in said.taken:  # stands in the memory before
            return run, ""
        if said.may_store(before) and "?" not in said.text([before, run[0]]):
            return _with_antecedent([*range(before, run[0]), *run], said) if before == run[0] - 1 else ([], "")
        if topic := spoken_of(earlier.text):
            told = third_person(topic) or topic
            return run, f"About {told if told.startswith('User') else topic}:"
    return [], ""


def _wording(run: Sequence[int], said: Said) -> str:
    """The clauses of a run in third person where that is sure, else in quotation marks."""
    text, first = said.text(run), said.clauses[run[0]]
    if first.asked:
        return f'Asked "{first.asked.strip()}", User said "{text}"'
    if all(said.clauses[i].kind in ("statement", "wish") for i in run):
        converted = third_person(text)
        if converted:
            return converted
        if len(run) > 1:
            pieces = [third_person(said.clauses[i].text) for i in run]
            if all(pieces):
                return "; ".join(str(piece) for piece in pieces)
    return f'User said "{text}"'
