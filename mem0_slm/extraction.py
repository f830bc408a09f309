"""One extraction, from the messages to its `Event`: the model is asked, and its answer held against what was said."""

import contextlib
import re
import time
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from mem0_slm import answers, contract, engines, grounding

CONSTRAINTS: dict[str, dict | None] = {"free": None, "json": {"type": "object"}, "schema": contract.SCHEMA}


@dataclass(frozen=True)
class Event:
    """How one extraction ended. Token counts and seconds are 0 when the engine did not get to work."""

    outcome: str
    """One of `answers.OUTCOMES`."""
    memories: tuple[str, ...] = ()
    """What Mem0 is given to store, in order."""
    repaired: bool = False
    """Whether Mem0 itself could not have read the model's answer."""
    turns_dropped: int = 0
    """Oldest turns of the conversation that were left out because they did not fit the context window."""
    prompt_tokens: int = 0
    """Tokens read."""
    output_tokens: int = 0
    """Tokens written."""
    seconds: float = 0.0
    """Time spent in the engine, waiting for a free place included."""
    answer: str = ""
    """What the model wrote; `memories` is what the gate leaves of it."""
    statements: tuple[grounding.Statement, ...] = ()
    """What the memories say, one by one, each with where it was said; none where the gate is off."""
    dropped: tuple[str, ...] = ()
    """What the model wrote without anything said to show for it."""
    error: str = ""
    """Why nothing came of it, in the engine's words; empty unless the outcome is context_overflow or engine_error."""

    @property
    def own_words(self) -> int:
        """Statements that are the user's own words in place of the model's."""
        return sum(statement.origin == "own_words" for statement in self.statements)


def extract(engine: str, handle: Any, messages: list[dict], *, max_tokens: int, schema: dict | None) -> Event:
    """One extraction: the compact chat messages in, the outcome out. Raises nothing that the engine raises."""
    run = engines.module(engine)
    started = time.perf_counter()
    try:
        answer, dropped = _answer(run, handle, messages, max_tokens, schema)
    except engines.ContextOverflow as error:
        return Event(
            "context_overflow",
            prompt_tokens=error.prompt_tokens,
            seconds=time.perf_counter() - started,
            error=str(error),
        )
    except Exception as error:  # whatever it was, the add is accounted for
        text = str(error) if isinstance(error, engines.EngineError) else f"{type(error).__name__}: {error}"
        return Event("engine_error", seconds=time.perf_counter() - started, error=text)
    seconds = time.perf_counter() - started
    found = answers.classify(answer.text, cut=answer.finish_reason == "length")
    return Event(
        found.outcome,
        tuple(found.texts),
        found.repaired,
        dropped,
        answer.prompt_tokens,
        answer.output_tokens,
        seconds,
        answer.text,
    )


def gate(event: Event, messages: list[dict]) -> Event:
    """The extraction with what may be stored of it (mem0_slm/grounding.py). `messages` are the compact ones.

    What fails to ground leaves nothing stored; a text in a language that the model cannot read is kept in its own words
    though the model stored nothing of it.
    """
    if event.error:
        return event
    turns = [(role, _storable(content)) for role, content in contract.roles_and_contents(messages)]
    found = grounding.ground(
        event.memories,
        turns,
        selective=contract.CUSTOM_INSTRUCTIONS in messages[1]["content"],
        agent=messages[0]["content"] == contract.AGENT_PROMPT,
    )
    outcome = event.outcome
    if outcome in ("stored", "nothing"):
        outcome = "stored" if found.memories else "nothing"
    return replace(event, outcome=outcome, memories=found.memories, statements=found.statements, dropped=found.dropped)


def _storable(text: str) -> str:
    """A text of the same length that UTF-8 can hold: halves of surrogate pairs become replacement characters."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _answer(
    run: ModuleType, handle: Any, messages: list[dict], max_tokens: int, schema: dict | None
) -> tuple[engines.Answer, int]:
    """The answer to a prompt, and how many of its conversation's oldest turns were left out to make it fit.

    Raises ContextOverflow when even the last turn does not fit.
    """
    turns = kept = len(contract.turns_of(messages)) if contract.is_compact(messages) else 1
    while True:
        asked = messages if kept == turns else contract.last_turns(messages, kept)
        try:
            return run.generate(handle, asked, max_tokens=max_tokens, schema=schema), turns - kept
        except engines.ContextOverflow as overflow:
            kept = _fewer_turns(run, handle, messages, kept, overflow) if kept > 1 else 0
            if not kept:
                raise


def _fewer_turns(
    run: ModuleType, handle: Any, messages: list[dict], kept: int, overflow: engines.ContextOverflow
) -> int:
    """How many of the last turns to send where `kept` are too many; 0 if even the last one is known not to fit.

    By halving where the engine counts tokens; a server that does not is asked again with what its refusal lets expect.
    """
    if hasattr(run, "tokenize"):
        with contextlib.suppress(engines.EngineError):  # the server at hand has no tokenizer
            low, high = 0, kept - 1
            while low < high:
                middle = (low + high + 1) // 2
                if len(run.tokenize(handle, contract.last_turns(messages, middle))) <= overflow.limit:
                    low = middle
                else:
                    high = middle - 1
            return low
    return max(1, min(kept - 1, kept * overflow.limit // overflow.prompt_tokens))
