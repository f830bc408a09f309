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
from dataclasses import dataclass, field

SUPPORTED_MEM0 = ">=2.2,<2.3"
"""The range of mem0ai whose prompt and answer shapes tests/test_mem0_contract.py has been run against."""

PROMPT_HEAD = "# ROLE\n\nYou are a Memory Extractor"
"""How Mem0's extraction prompt begins, white space in front aside."""
AGENT_HEAD = "The primary entity is an AI agent."
"""A sentence that Mem0 appends to its extraction prompt when only `agent_id` is given."""
NEW_MESSAGES = "]\n\n## New Messages\n"
"""The heading with the end of the JSON list before it: what an earlier message quotes stands before that list and is not taken for it."""
OBSERVATION_DATE = "\n\n## Observation Date\n"
CUSTOM_INSTRUCTIONS = "\n\n## Custom Instructions\n"
OUTPUT = "\n\n# Output:"

SYSTEM_PROMPT = "Extract lasting facts as JSON memories."
"""What the model is told in place of Mem0's prompt. Short: each token here is paid in every training example and call."""
AGENT_PROMPT = SYSTEM_PROMPT + " The agent is the subject."

SCHEMA = {
    "type": "object",
    "properties": {
        "memory": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"text": {"type": "string", "minLength": 1}},
                "required": ["text"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["memory"],
    "additionalProperties": False,
}
"""JSON schema of a well-formed answer, for schema-constrained decoding."""

OUTCOMES = ("stored", "nothing", "wrong_shape", "unparsable", "truncated", "context_overflow", "engine_error")
"""The ways in which an extraction can end; each ends in exactly one.

stored: well-formed, at least one memory. nothing: well-formed, empty list. wrong_shape: JSON, but not of the contract's
shape (facts under another key, strings in place of objects, a bare list). unparsable: no JSON. truncated: JSON that
stops before its end. context_overflow: the prompt did not fit, nothing was generated. engine_error: the engine raised.
"""


class ContractError(ValueError):
    """Mem0 sent its extraction prompt in a form that this version does not know."""


@dataclass(frozen=True)
class Extraction:
    """An answer as the contract sees it: its outcome, the memories in it, and whether it took a repair to get them."""

    outcome: str
    memories: list[dict] = field(default_factory=list)
    repaired: bool = False

    @property
    def texts(self) -> list[str]:
        return [memory["text"] for memory in self.memories]

    @property
    def well_formed(self) -> bool:
        """True if Mem0 would have read the answer as it stands."""
        return self.outcome in ("stored", "nothing")

    def to_json(self) -> str:
        """The answer Mem0 reads."""
        return dump(self.texts)


def dump(texts: list[str]) -> str:
    """The exact answer the model is trained to write for these memories."""
    return json.dumps({"memory": [{"text": text} for text in texts]}, ensure_ascii=False)


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


def last_turns(messages: list[dict], n: int) -> list[dict]:
    """The compact prompt with only the last `n` turns of its conversation."""
    return [messages[0], {"role": "user", "content": "".join(turns_of(messages)[-n:])}]


# --- what is answered ----------------------------------------------------------------------------------------------

_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"\A```[a-zA-Z0-9]*\s*(.*?)(?:```)?\Z", re.DOTALL)
_LIST_KEYS = ("memory", "memories", "facts", "results", "data")
_TEXT_KEYS = ("text", "memory", "fact", "content", "data")


def classify(answer: str, *, cut: bool = False) -> Extraction:
    """Say what a model's answer is under Mem0's contract, and hold the memories that can be read from it.

    `cut` tells that generation stopped at its token limit. Any string gives an Extraction; nothing is raised. Answers
    that Mem0 could not have read are repaired where their facts are plain (`repaired` is True, the outcome names the
    fault); what cannot be repaired has no memories.
    """
    text = _THOUGHT.sub("", answer).strip()
    fenced = _FENCE.match(text)
    body = fenced.group(1).strip() if fenced else text
    value, wrapped = _parse(body)
    if value is None:
        if body[:1] in ("{", "[") and (cut or _unclosed(body)):
            memories = _complete_items(body)
            return Extraction("truncated", memories, repaired=bool(memories))
        return Extraction("unparsable")
    if isinstance(value, dict) and isinstance(value.get("memory"), list):
        items = value["memory"]
        if all(isinstance(item, dict) and isinstance(item.get("text"), str) and item["text"].strip() for item in items):
            memories = _unique(item["text"] for item in items)
            return Extraction(
                "stored" if memories else "nothing",
                memories,
                repaired=bool(fenced or wrapped or text != answer.strip()),
            )
    memories = _unique(_texts(value))
    return Extraction("wrong_shape", memories, repaired=bool(memories))


def _parse(body: str):
    """The JSON value in `body` and whether text stood around it; (None, False) if there is none."""
    start, end = body.find("{"), body.rfind("}")
    if body[:1] == "[" and _unclosed(body):  # a bare list cut short: its one whole object is not the answer
        start = end
    for candidate, wrapped in ((body, False), (body[start : end + 1] if -1 < start < end else "", True)):
        try:
            value = json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, (dict, list)):
            return value, wrapped
    return None, False


def _texts(value):
    """Facts in a JSON value of the wrong shape, in order; only shapes that are plain are read."""
    while isinstance(value, dict):  # no recursion: a model can nest as deep as it likes
        lists = [value[key] for key in _LIST_KEYS if value.get(key)]
        if not lists or isinstance(lists[0], str):
            value = [value]
        else:
            value = lists[0]
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from [item[key] for key in _TEXT_KEYS if isinstance(item.get(key), str)][:1]


def _unique(texts) -> list[dict]:
    """Memories of the non-empty texts, each once. Lone surrogates, which cannot be hashed or stored, become `?`."""
    clean = (text.encode("utf-8", "replace").decode("utf-8").strip() for text in texts)
    return [{"text": text} for text in dict.fromkeys(clean) if text]


def _complete_items(body: str) -> list[dict]:
    """Memories of the objects that are whole in a JSON text that stops early."""
    decoder, texts = json.JSONDecoder(strict=False), []
    position = body.find("[") + 1
    while position and (position := body.find("{", position)) != -1:
        try:
            item, position = decoder.raw_decode(body, position)
        except (ValueError, RecursionError):
            break
        texts.extend(_texts([item]))
    return _unique(texts)


def _unclosed(body: str) -> bool:
    """True if a bracket or a string is still open at the end of `body`."""
    depth, quoted, escaped = 0, False, False
    for character in body:
        if quoted:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
    return quoted or depth > 0


# --- the same swap inside exported chat templates --------------------------------------------------------------------


def jinja_template(base: str) -> str:
    """`base` (a model's Jinja chat template) with the swap of `compact` in front of it.

    Stock Mem0 then gets the compact prompt from whatever renders the template: vLLM, llama.cpp's server, transformers.
    """
    q = json.dumps  # JSON's escapes are Jinja's
    return (
        "{%- if messages | length == 2 and messages[0]['role'] == 'system' and messages[0]['content'] is string"
        f" and messages[0]['content'].lstrip().startswith({q(PROMPT_HEAD)})"
        " and messages[1]['content'] is string"
        f" and {q(OBSERVATION_DATE)} in messages[1]['content'].split({q(NEW_MESSAGES)}, 1)[1:] | join -%}}"
        f"{{%- set mem0_rest = messages[1]['content'].split({q(NEW_MESSAGES)})[1:] | join({q(NEW_MESSAGES)}) -%}}"
        f"{{%- set mem0_parts = mem0_rest.split({q(OBSERVATION_DATE)}) -%}}"
        f"{{%- set mem0_text = mem0_parts[:-1] | join({q(OBSERVATION_DATE)}) -%}}"
        f"{{%- set mem0_custom = mem0_parts[-1].split({q(CUSTOM_INSTRUCTIONS)})[1:] | join({q(CUSTOM_INSTRUCTIONS)}) -%}}"
        f"{{%- set mem0_custom = mem0_custom.split({q(OUTPUT)})[:-1] | join({q(OUTPUT)}) -%}}"
        f"{{%- set mem0_text = mem0_text.rstrip({q(chr(10))}) ~ (({q(CUSTOM_INSTRUCTIONS)} ~ mem0_custom) if mem0_custom else '') -%}}"
        "{%- set messages = [{'role': 'system', 'content': "
        f"{q(AGENT_PROMPT)} if {q(AGENT_HEAD)} in messages[0]['content'] else {q(SYSTEM_PROMPT)}}},"
        " {'role': 'user', 'content': mem0_text.replace('<|', '< |')}] -%}"
        "{%- endif -%}\n"
    ) + base
