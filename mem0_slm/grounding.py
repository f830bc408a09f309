"""The gate between what a model writes and what Mem0 stores: every statement has its evidence, or is not stored.

A memory's statements are looked for in what was said (said/clauses.py). One that says exactly what the user's words
say (following/backing.py) is stored as the model wrote it. For any other, the user's own clauses that it was made of
take its place: turned into third person by rule (person/third_person.py), else quoted. A statement that was made of
nothing the user asserted (a question, a request, pasted text, the assistant's words) is dropped. So the model decides
what is worth storing, and never what is true.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mem0_slm.own_words import MEMORY_WORDS, STRETCH, Part, Said, Span, own_words, stems
from mem0_slm.text import claims, unsaid

MEMORY_CHARACTERS = 600
"""Characters that no memory has more of."""
HELD = 0.5
"""Least share of a statement's words that its clauses must hold to be its evidence."""
AGENT_HELD = 0.8
"""Least share of the words of an agent's statement that its clauses must hold for it to be stored as it stands."""
_AGENT_WORDS = frozenset({"agent", "confi", "infor", "recom"})
"""Stems by which the statements about an agent begin ("Agent is configured to")."""
WHOLE = 0.75
"""Least share of the telling words of its clauses that a statement must have to stand for them."""
_OWN = frozenset("i i'm im ive i've i'll i'd my mine me myself we we're our ours us".split())


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


def ground(
    memories: Iterable[str], turns: Sequence[tuple[str, str]], *, selective: bool = False, agent: bool = False
) -> Grounded:
    """What may be stored of the memories that a model wrote for a conversation.

    turns: (role, content) in order. selective: custom instructions decide what is stored, so that nothing is added to
    what the model chose. agent: the memories are an agent's. Raises nothing.
    """
    if agent:
        return _of_agent(memories, turns)
    said = Said(turns, ("user",))
    found: list[Part] = []
    dropped: list[str] = []
    for statement in split(memories):
        stretch = _says(statement, said)
        places = stretch or said.backing.of(statement) or evidence(statement, said)
        if stretch:
            found.append(Part(stretch, statement, "generated"))
            said.taken |= set(stretch)
        elif places and set(places) <= said.taken:
            continue  # said already
        elif own := own_words(places, said):
            found += own
        else:
            dropped.append(statement)
    if not selective:
        found += _overlooked(said) if found else []
        found += own_words([i for i, c in enumerate(said.clauses) if c.kind == "foreign"], said)
    return _joined(found, said, dropped)


def _of_agent(memories: Iterable[str], turns: Sequence[tuple[str, str]]) -> Grounded:
    """What may be stored of an agent's memories: what it was told to be, and what it said.

    Orders make up an agent, so they count here. A statement is kept where a stretch of a turn holds nearly all of its
    words and each of its names and numbers; where it holds most of them, that stretch is stored in quotation marks.
    """
    said = Said(turns, ("user", "assistant"))
    found: list[Part] = []
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
                found.append(Part(tuple(places), statement, "generated"))
            else:
                found.append(Part(tuple(places), f'Agent {told} "{text}"', "own_words"))
            said.taken |= set(places)
    return _joined(found, said, dropped)


def split(memories: Iterable[str]) -> list[str]:
    """The statements of memories, each once."""
    return list(dict.fromkeys(part.strip() for memory in memories for part in memory.split("; ") if part.strip()))


def evidence(statement: str, said: Said) -> tuple[int, ...]:
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


def _says(statement: str, said: Said) -> tuple[int, ...]:
    """The places of the clauses from which a statement follows and of which it says nearly all; () for none.

    One that says only a part of its clauses gives way to them.
    """
    places = said.backing.of(statement)
    if not places or set(places) & said.taken or any(said.clauses[i].asked for i in places):
        return ()
    whole = set().union(*(said.stems[i] for i in places))
    return places if len(whole & stems(statement)) >= WHOLE * len(whole) else ()


def _overlooked(said: Said) -> list[Part]:
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
    return own_words(places, said)


def _tells(text: str) -> bool:
    """Whether a clause that the model did not choose tells enough to be kept beside what it did."""
    return len(text.split()) >= 4 or bool(claims(text)) or any(char.isdigit() for char in text)


def _joined(found: list[Part], said: Said, dropped: list[str]) -> Grounded:
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
