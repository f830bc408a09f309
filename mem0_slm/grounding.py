"""The gate between what a model writes and what Mem0 stores: every statement has its evidence, or is not stored.

A memory's statements are looked for in what was said (said/clauses.py). One that says exactly what the user's words
say (following/backing.py) is stored as the model wrote it. For any other, the user's own clauses that it was made of
take its place: turned into third person by rule (person/third_person.py), else quoted. A statement that was made of
nothing the user asserted (a question, a request, pasted text, the assistant's words) is dropped. So the model decides
what is worth storing, and never what is true.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from mem0_slm.following.backing import Backing
from mem0_slm.following.takenback import taken_back
from mem0_slm.person.third_person import third_person
from mem0_slm.said.clauses import Clause, clauses, last_question
from mem0_slm.said.reference import points_back, spoken_of
from mem0_slm.text import claims, parts, unsaid

MEMORY_WORDS = 45
"""Words of a memory: statements of one turn are joined up to that many. Twice as many memories crowd each other out of
a search, and a longer one is not found by what it says."""
MEMORY_CHARACTERS = 600
"""Characters that no memory has more of."""
STRETCH = 4
"""Clauses in a row that one statement may be made of."""
HELD = 0.5
"""Least share of a statement's words that its clauses must hold to be its evidence."""
AGENT_HELD = 0.8
"""Least share of the words of an agent's statement that its clauses must hold for it to be stored as it stands."""
_AGENT_WORDS = frozenset({"agent", "confi", "infor", "recom"})
"""Stems by which the statements about an agent begin ("Agent is configured to")."""
WHOLE = 0.75
"""Least share of the telling words of its clauses that a statement must have to stand for them."""
_STEM = 5
"""Letters in which two forms of a word agree."""
_EMPTY = frozenset(
    "user users the and that this with from have has had was were are not for but his her their they them she him its "
    "who which what when where will would can could about into than then there been being does did".split()
)
"""Words that tell nothing of where a statement was said."""
_POINTING = frozenset("he she it they him her his hers its their theirs them this that these those there".split())
"""Words by which a clause speaks of something said before it."""
_OWN = frozenset("i i'm im ive i've i'll i'd my mine me myself we we're our ours us".split())


@dataclass(frozen=True)
class Span:
    """A stretch of what was said."""

    turn: int
    """Which turn of the conversation, from 0."""
    start: int
    end: int
    """Its characters in the turn's content."""
    text: str


@dataclass(frozen=True)
class Statement:
    """One thing that a memory says."""

    text: str
    memory: int
    """The memory that says it, by its place among those of the event."""
    evidence: tuple[Span, ...]
    """Where it was said."""
    origin: str
    """"generated" where the model wrote it, "own_words" where the speaker's own words stand in its place."""


@dataclass(frozen=True)
class Grounded:
    """What of an extraction is stored."""

    memories: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    """Of all memories, in order."""
    dropped: tuple[str, ...] = ()
    """What the model wrote without anything said to show for it."""


class _Said:
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


class _Part(NamedTuple):
    """A statement on its way into a memory."""

    places: tuple[int, ...]
    text: str
    origin: str


def ground(
    memories: Iterable[str], turns: Sequence[tuple[str, str]], *, selective: bool = False, agent: bool = False
) -> Grounded:
    """What may be stored of the memories that a model wrote for a conversation.

    turns: (role, content) in order. selective: custom instructions decide what is stored, so that nothing is added to
    what the model chose. agent: the memories are an agent's. Raises nothing.
    """
    if agent:
        return _of_agent(memories, turns)
    said = _Said(turns, ("user",))
    found: list[_Part] = []
    dropped: list[str] = []
    for statement in split(memories):
        stretch = _says(statement, said)
        places = stretch or said.backing.of(statement) or evidence(statement, said)
        if stretch:
            found.append(_Part(stretch, statement, "generated"))
            said.taken |= set(stretch)
        elif places and set(places) <= said.taken:
            continue  # said already
        elif own := _own_words(places, said):
            found += own
        else:
            dropped.append(statement)
    if not selective:
        found += _overlooked(said) if found else []
        found += _own_words([i for i, c in enumerate(said.clauses) if c.kind == "foreign"], said)
    return _joined(found, said, dropped)


def _of_agent(memories: Iterable[str], turns: Sequence[tuple[str, str]]) -> Grounded:
    """What may be stored of an agent's memories: what it was told to be, and what it said.

    Orders make up an agent, so they count here. A statement is kept where a stretch of a turn holds nearly all of its
    words and each of its names and numbers; where it holds most of them, that stretch is stored in quotation marks.
    """
    said = _Said(turns, ("user", "assistant"))
    found: list[_Part] = []
    dropped: list[str] = []
    for statement in split(memories):
        places = [i for i in evidence(statement, said) if said.clauses[i].kind not in ("pasted", "secret", "question")]
        if not places:
            dropped.append(statement)
        elif not set(places) <= said.taken:
            text = said.text(places)
            wanted = stems(statement) - _AGENT_WORDS
            told = "was told" if said.turns[said.clauses[places[0]].turn][0] == "user" else "said"
            if len(wanted & stems(text)) >= AGENT_HELD * len(wanted) and not unsaid(statement, f"agent {text}"):
                found.append(_Part(tuple(places), statement, "generated"))
            else:
                found.append(_Part(tuple(places), f'Agent {told} "{text}"', "own_words"))
            said.taken |= set(places)
    return _joined(found, said, dropped)


def split(memories: Iterable[str]) -> list[str]:
    """The statements of memories, each once."""
    return list(dict.fromkeys(part.strip() for memory in memories for part in memory.split("; ") if part.strip()))


def stems(text: str) -> set[str]:
    """The telling words of a text in a form in which their inflections agree, and its numbers."""
    return {
        word if word.isdigit() else word[:_STEM]
        for word in parts(text)
        if word.isdigit() or (len(word) > 2 and word not in _EMPTY)
    }


def evidence(statement: str, said: _Said) -> tuple[int, ...]:
    """The places of the clauses in a row, of one turn, that hold most of a statement's telling words; () for none."""
    wanted = stems(statement)
    best: tuple[float, tuple[int, ...]] = (0.0, ())
    for first in range(len(said.clauses)):
        held: set[str] = set()
        for last in range(first, min(first + STRETCH, len(said.clauses))):
            if said.clauses[last].turn != said.clauses[first].turn:
                break
            held |= said.stems[last] & wanted
            score = len(held) - 0.4 * (last - first)
            if len(held) >= HELD * len(wanted) and score >= max(best[0], 0.1):
                best = (score, tuple(range(first, last + 1)))
    return best[1]


def follows_from(statement: str, said: "_Said") -> tuple[int, ...]:
    """The places of the clauses from which a statement follows, in order; () for none."""
    return said.backing.of(statement)


def _says(statement: str, said: _Said) -> tuple[int, ...]:
    """The places of the clauses from which a statement follows and of which it says nearly all; () for none.

    One that says only a part of its clauses gives way to them.
    """
    places = said.backing.of(statement)
    if not places or set(places) & said.taken or any(said.clauses[i].asked for i in places):
        return ()
    whole = set().union(*(said.stems[i] for i in places))
    return places if len(whole & stems(statement)) >= WHOLE * len(whole) else ()


def _own_words(places: Sequence[int], said: _Said) -> list[_Part]:
    """The storable clauses at the places that no memory has yet, as the speaker said them, a part for each run.

    A run that points back ("she", "one") begins with the clause that it points to, or names what it is about; where
    neither is there it says nothing to a reader, and is left.
    """
    found: list[_Part] = []
    for run in _runs([i for i in places if said.may_store(i)], said):
        run, lead = _with_antecedent(run, said)
        if not run:
            continue
        said.taken |= set(run)
        for some in _bounded(run, said):
            text = _wording(some, said)
            text = f"{lead} {text}" if lead and some[0] == run[0] else text
            found.append(_Part(tuple(some), text, "own_words"))
    return found


def _runs(places: Sequence[int], said: _Said) -> list[list[int]]:
    """The places in runs of neighbours of one turn, a clause that answers a question of its own beginning a new one."""
    found: list[list[int]] = []
    for i in places:
        clause = said.clauses[i]
        if found and found[-1][-1] == i - 1 and said.clauses[i - 1].turn == clause.turn and not clause.asked:
            found[-1].append(i)
        else:
            found.append([i])
    return found


def _bounded(run: list[int], said: _Said) -> list[list[int]]:
    """A run in pieces that are no longer than a memory may be."""
    found: list[list[int]] = []
    for i in run:
        if found and len(said.text([found[-1][0], i]).split()) <= MEMORY_WORDS:
            found[-1].append(i)
        else:
            found.append([i])
    return found


def _with_antecedent(run: list[int], said: _Said) -> tuple[list[int], str]:
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
            return run, f"About {third_person(topic) or topic}:"
    return [], ""


def _wording(run: Sequence[int], said: _Said) -> str:
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


def _overlooked(said: _Said) -> list[_Part]:
    """What the model left out of a conversation of which it stores something: what the user says beside it.

    Clauses of the turns of which something is stored, and clauses of any turn in which the user speaks of their own.
    """
    begun = {said.clauses[i].turn for i in said.taken}
    places = [
        i
        for i, clause in enumerate(said.clauses)
        if i not in said.taken
        and (
            (clause.turn in begun and clause.kind in ("statement", "fragment") and _tells(clause.text))
            or (clause.kind == "statement" and _OWN & set(clause.text.casefold().split()))
        )
    ]
    return _own_words(places, said)


def _tells(text: str) -> bool:
    """Whether a clause that the model did not choose tells enough to be kept beside what it did."""
    return len(text.split()) >= 4 or bool(claims(text)) or any(char.isdigit() for char in text)


def _joined(found: list[_Part], said: _Said, dropped: list[str]) -> Grounded:
    """The parts in the order in which they were said, neighbours of one turn joined into memories of bounded length."""
    memories: list[str] = []
    statements: list[Statement] = []
    turn = -1
    for part in sorted(found, key=lambda part: part.places):
        part_turn = said.clauses[part.places[0]].turn
        text = part.text[:MEMORY_CHARACTERS]
        joined = f"{memories[-1]}; {text}" if memories else ""
        if turn == part_turn and len(joined.split()) <= MEMORY_WORDS and len(joined) <= MEMORY_CHARACTERS:
            memories[-1] = joined
        else:
            memories.append(text)
        turn = part_turn
        statements.append(Statement(text, len(memories) - 1, said.spans(part.places), part.origin))
    return Grounded(tuple(memories), tuple(statements), tuple(dropped))
