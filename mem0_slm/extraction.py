"""One extraction, from the messages to its `Event`: ask the model, look again at what it left out, quote."""

import contextlib
import logging
import time
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from mem0_slm import answers, contract, engines, second_look

logger = logging.getLogger("mem0_slm")
CONSTRAINTS: dict[str, dict | None] = {"free": None, "json": {"type": "object"}, "schema": contract.SCHEMA}


@dataclass(frozen=True)
class Event:
    """How one extraction ended. Token counts and seconds are 0 when the engine did not get to work."""

    outcome: str
    """One of `answers.OUTCOMES`."""
    memories: tuple[str, ...] = ()
    """What Mem0 is given to store, in order."""
    repaired: bool = False
    """Whether Mem0 itself could not have read the model's first answer."""
    turns_dropped: int = 0
    """Oldest turns of the conversation that were left out because they did not fit the context window."""
    prompt_tokens: int = 0
    """Tokens read, second looks included."""
    output_tokens: int = 0
    """Tokens written, second looks included."""
    seconds: float = 0.0
    """Time spent in the engine, waiting for a free place included."""
    answer: str = ""
    """The model's first answer; `memories` has what a second look and quotes added to it."""
    added: int = 0
    """Memories that a second look added. Its tokens and seconds are in the counts above."""
    quoted: int = 0
    """Memories behind which the user is quoted, since they leave out words of the sentence."""
    failed_looks: int = 0
    """Sentences and clauses of a second look whose answer was not well-formed; they added nothing."""
    error: str = ""
    """Why nothing came of it, in the engine's words; empty unless the outcome is context_overflow or engine_error."""


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


def look_again(
    event: Event, engine: str, handle: Any, messages: list[dict], *, max_tokens: int, schema: dict | None
) -> Event:
    """The extraction with the memories that a second look at what it overlooked adds (mem0_slm/second_look.py).

    A second look that fails adds nothing and costs nothing of the first; it is logged and counted.
    """
    found, looks = list(event.memories), []
    for passages in second_look.passages(messages) if event.outcome == "stored" else ():
        for passage in passages:
            if not second_look.missing_claims(passage, found):
                continue
            look = extract(
                engine, handle, contract.prompt_for(f"user: {passage}\n"), max_tokens=max_tokens, schema=schema
            )
            looks.append(look)
            if look.outcome == "stored":
                found += second_look.new_facts(passage, list(look.memories), found)
            elif look.outcome == "nothing":
                break  # that decision stands for the clauses of a sentence too
            else:
                logger.warning("second look: %s%s", look.outcome, f": {look.error}" if look.error else "")
    if not looks:
        return event
    total = {
        name: getattr(event, name) + sum(getattr(look, name) for look in looks)
        for name in ("prompt_tokens", "output_tokens", "seconds")
    }
    return replace(
        event,
        memories=tuple(found),
        added=len(found) - len(event.memories),
        failed_looks=sum(look.outcome not in ("stored", "nothing") for look in looks),
        **total,
    )


def quote(event: Event, messages: list[dict]) -> Event:
    """The extraction with the sentences that its memories hold in part quoted behind them (mem0_slm/second_look.py)."""
    if event.outcome != "stored":
        return event
    texts = second_look.with_quotes(messages, list(event.memories))
    return replace(event, memories=tuple(texts), quoted=sum(a != b for a, b in zip(event.memories, texts)))


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
