"""What Mem0 asks an extraction model, and what it must be answered: the one definition that training, serving and the
exported chat templates share.

Mem0 (2.x) sends one call per `add`: a system message of about 34 KB that begins with `PROMPT_HEAD`, and a user message
of Markdown sections (see `mem0.configs.prompts.generate_additive_extraction_prompt`). A small model can neither hold
nor follow that. `compact` replaces it with the short form that the model is trained on: `SYSTEM_PROMPT` and the new
messages alone. The answer must be `{"memory": [{"text": "..."}]}`; everything else Mem0 2.2 turns into an empty list or
an AttributeError, so `classify` says what an answer really is.

Nothing but the standard library is imported here.
"""

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

SUPPORTED_MEM0 = ">=2.2,<2.3"
"""The range of mem0ai whose prompt and answer shapes tests/unit/mem0_slm/test_mem0_contract.py has been run against."""

PROMPT_HEAD = "# ROLE\n\nYou are a Memory Extractor"
"""How Mem0's extraction prompt begins, white space in front aside."""
AGENT_HEAD = "The primary entity is an AI agent."
"""A sentence that Mem0 appends to its extraction prompt when only `agent_id` is given."""
NEW_MESSAGES = "]\n\n## New Messages\n"
"""The heading with the end of the JSON list before it: what an earlier message quotes stands before that list, and is
not taken for it."""
OBSERVATION_DATE = "\n\n## Observation Date\n"
CUSTOM_INSTRUCTIONS = "\n\n## Custom Instructions\n"
OUTPUT = "\n\n# Output:"

SYSTEM_PROMPT = "Extract lasting facts as JSON memories."
"""What the model is told in place of Mem0's prompt. Short: every example and call pays for each token."""
AGENT_PROMPT = SYSTEM_PROMPT + " The agent is the subject."

SCHEMA = {
    "type": "object",
    "properties": {
        "memory": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"text": {"type": "string"}},
                "required": ["text"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["memory"],
    "additionalProperties": False,
}
"""JSON schema of a well-formed answer, for schema-constrained decoding.

No length bound: xgrammar, vLLM's default, allows no escape in a string that has one, and cuts a memory at its first
quotation mark (0.2.8). `classify` drops blank texts instead."""


class ContractError(ValueError):
    """Mem0 sent its extraction prompt in a form that this version does not know."""


def dump(texts: list[str]) -> str:
    """The exact answer the model is trained to write for these memories."""
    return json.dumps({"memory": [{"text": text} for text in texts]}, ensure_ascii=False)


def for_mem0(texts: Iterable[str]) -> str:
    """The answer for Mem0, which cuts <think>...</think> out of it, also where a memory quotes that."""
    return dump(list(texts)).replace("<", "\\u003c")


# --- what is asked -----------------------------------------------------------------------------------------------


def is_extraction(messages: list[dict]) -> bool:
    """True if these chat messages are Mem0's extraction call."""
    return (
        len(messages) == 2
        and messages[0].get("role") == "system"
        and isinstance(messages[0].get("content"), str)
        and messages[0]["content"].lstrip()[: len(PROMPT_HEAD)] == PROMPT_HEAD
        and isinstance(messages[1].get("content"), str)
    )


def prompt_for(conversation: str, *, agent: bool = False, instructions: str = "") -> list[dict]:
    """The compact chat messages for a conversation given as Mem0's lines (`user: ...`, `assistant: ...`).

    `<|` is broken up, so that no text of a user's can stand for a control token of the chat template.
    """
    content = conversation.rstrip("\n") + (CUSTOM_INSTRUCTIONS + instructions if instructions else "")
    return [
        {"role": "system", "content": AGENT_PROMPT if agent else SYSTEM_PROMPT},
        {"role": "user", "content": content.replace("<|", "< |")},
    ]


def conversation_of(messages: list[dict]) -> str:
    """Chat messages as the lines that Mem0 makes of them (`mem0.memory.utils.parse_messages`)."""
    return "".join(
        f"{m['role']}: {m['content']}\n"
        for m in messages
        if m.get("role") in ("system", "user", "assistant") and m.get("content") is not None
    )


def compact(messages: list[dict]) -> list[dict]:
    """Replace Mem0's extraction prompt by the compact one; other messages are returned as they are.

    Of Mem0's sections only the new messages and the custom instructions are kept. Raises ContractError if the prompt is
    Mem0's but its sections are not where they were.
    """
    if not is_extraction(messages):
        return messages
    content = messages[1]["content"]
    _, found, rest = content.partition(NEW_MESSAGES)
    conversation, ended, tail = rest.rpartition(OBSERVATION_DATE)
    if not found or not ended:
        missing = (NEW_MESSAGES if not found else OBSERVATION_DATE).strip("]\n")
        raise ContractError(
            f"mem0's extraction prompt has no {missing!r} section any more; "
            f"mem0-slm supports mem0ai {SUPPORTED_MEM0}. Install such a version."
        )
    _, custom, instructions = tail.partition(CUSTOM_INSTRUCTIONS)
    return prompt_for(
        conversation,
        agent=AGENT_HEAD in messages[0]["content"],
        instructions=instructions.rpartition(OUTPUT)[0] if custom else "",
    )


_TURN = re.compile(r"^(?=(?:user|assistant|system): )", re.MULTILINE)


def is_compact(messages: list[dict]) -> bool:
    """True if these messages are a compact prompt as `prompt_for` makes it."""
    return len(messages) == 2 and messages[0]["content"] in (SYSTEM_PROMPT, AGENT_PROMPT)


def turns_of(messages: list[dict]) -> list[str]:
    """The turns of a compact prompt's conversation, each with its line break."""
    return [turn for turn in _TURN.split(messages[1]["content"]) if turn]


def roles_and_contents(messages: list[dict]) -> list[tuple[str, str]]:
    """The turns of a compact prompt's conversation as (role, content), without the custom instructions behind them.

    What stands before the first role, in a conversation that names none, is the user's.
    """
    conversation, _, _ = messages[1]["content"].partition(CUSTOM_INSTRUCTIONS)
    found = []
    for turn in _TURN.split(conversation):
        role, separator, content = turn.partition(": ")
        if separator and role in ("user", "assistant", "system"):
            found.append((role, content.rstrip("\n")))
        elif turn.strip():
            found.append(("user", turn.rstrip("\n")))
    return found


def last_turns(messages: list[dict], n: int) -> list[dict]:
    """The compact prompt with only the last `n` turns of its conversation."""
    return [messages[0], {"role": "user", "content": "".join(turns_of(messages)[-n:])}]


def __getattr__(name: str) -> Any:
    """`classify` was defined here before it got a module of its own, and is still found here."""
    if name == "classify":
        return sys.modules["mem0_slm"].classify
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
