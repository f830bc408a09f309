"""A second look at what an extraction left out.

A small model that reads a long message stores most of what it says and drops the rest. What it drops shows where it is a
name or a number: then the sentence that holds it is asked for once more, alone, and if that does not bring it, the clause
that holds it; what is new in the answer becomes a memory beside the others. The model's decision to store nothing stands,
and so do custom instructions, which may want something left out.
"""

import re

from mem0_slm import contract, scoring

_SENTENCE = re.compile(r"(?<=[.!?;…])\s+|\n")
_CLAUSE = re.compile(r"(?:[,;:–—]|\s-)\s+|\s+(?=(?:and|but|so|because|while|which|who|where|then)\s)")
_CLAUSE_WORDS = 3
"""A clause of fewer words says too little by itself: of "with Mia and Ben", Ben would become the user's own name."""
_USER = "user: "
_STEM = 5
"""Letters in which two forms of a word agree: "Wednesdays" is held by "on Wednesday"."""


def passages(messages: list[dict]) -> list[list[str]]:
    """What of a compact prompt can be asked for again: for each sentence of the user's the sentence itself, then its clauses.

    None where custom instructions or an agent's prompt decide what is stored. A sentence that is all there is would be
    answered alike: only its clauses are left.
    """
    if messages[0]["content"] != contract.SYSTEM_PROMPT or contract.CUSTOM_INSTRUCTIONS in messages[1]["content"]:
        return []
    turns = contract.turns_of(messages)
    said = [s.strip() for turn in turns if turn.startswith(_USER) for s in _SENTENCE.split(turn.removeprefix(_USER)) if s.strip()]
    alone = len(said) == len(turns) == 1
    return [([] if alone else [sentence]) + clauses(sentence) for sentence in dict.fromkeys(said)]


def clauses(sentence: str) -> list[str]:
    """The clauses of a sentence, those that can be asked for alone; none of a sentence that is one clause."""
    found = [clause.strip(" ,") for clause in _CLAUSE.split(sentence)]
    return [clause for clause in found if len(clause.split()) >= _CLAUSE_WORDS] if len(found) > 1 else []


def missing(passage: str, texts: list[str]) -> list[str]:
    """Names and numbers of a passage that no memory holds."""
    held = {word[:_STEM] for text in texts for word in scoring.parts(text)}
    return [claim for claim in scoring.claims(passage) if not {word[:_STEM] for word in scoring.parts(claim)} <= held]


def news(passage: str, answer: list[str], texts: list[str]) -> list[str]:
    """Of the memories that a passage alone was answered with, the facts that hold what was missing and nothing that it does not say."""
    found: list[str] = []
    for fact in (part for memory in answer for part in memory.split("; ")):
        left = missing(passage, texts + found)
        if len(missing(passage, [*texts, *found, fact])) < len(left) and not scoring.unsaid(fact, passage):
            found.append(fact)
    return found
