"""What a model's answer is under Mem0's contract: `classify`, and the outcomes in which every extraction ends.

Nothing but the standard library is imported here.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mem0_slm.contract import dump

OUTCOMES = ("stored", "nothing", "wrong_shape", "unparsable", "truncated", "context_overflow", "engine_error")
"""The ways in which an extraction can end; each ends in exactly one.

stored: well-formed, at least one memory. nothing: well-formed, empty list. wrong_shape: JSON, but not of the contract's
shape (facts under another key, strings in place of objects, a bare list). unparsable: no JSON. truncated: JSON that
stops before its end. context_overflow: the prompt did not fit, nothing was generated. engine_error: the engine raised.
"""


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


_THOUGHT = re.compile(r"\A\s*(?:<think>|(?![\s{\[`])).*?</think>", re.DOTALL)
"""What a model says to itself first. Chat templates that open the thought leave its beginning out of the answer."""
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
"""A string, so that it is passed over, or a comma before a bracket that closes."""
_TRIES = 64
"""Places of a text at which an object is looked for."""


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
        if all(isinstance(item, dict) and isinstance(item.get("text"), str) for item in items):
            memories = _unique(item["text"] for item in items)
            blank = any(not item["text"].strip() for item in items)
            return Extraction(
                "stored" if memories else "nothing",
                memories,
                repaired=bool(fenced or wrapped or blank or text != answer.strip()),
            )
    memories = _unique(_texts(value))
    return Extraction("wrong_shape", memories, repaired=bool(memories))


def _parse(body: str) -> tuple[Any, bool]:
    """The JSON value in `body`, and whether it took a repair to read it: text around it, a comma before a bracket that
    closes, several objects in a row (their memories are put together). (None, False) if there is none."""
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(body, strict=False)
        if isinstance(value, (dict, list)):
            return value, False
    if body[:1] in ("{", "[") and _unclosed(body):  # cut short: an object that is whole is not the answer
        return None, False
    found = _objects(_TRAILING_COMMA.sub(lambda m: m[1] or "", body))
    if len(found) > 1 and all(isinstance(value.get("memory"), list) for value in found):
        return {"memory": [item for value in found for item in value["memory"]]}, True
    return (found[0], True) if found else (None, False)


def _objects(body: str) -> list[dict]:
    """The JSON objects that stand one after the other in a text; at most `_TRIES` places are tried."""
    decoder = json.JSONDecoder(strict=False)
    found: list[dict] = []
    position = -1
    for _ in range(_TRIES):
        position = body.find("{", position + 1)
        if position == -1:
            break
        with contextlib.suppress(ValueError, RecursionError):
            value, end = decoder.raw_decode(body, position)
            found.append(value)
            position = end - 1
    return found


def _texts(value: Any) -> Iterator[str]:
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


def _unique(texts: Iterable[str]) -> list[dict]:
    """Memories of the non-empty texts, each once. Lone surrogates, which cannot be hashed or stored, become `?`."""
    clean = (text.encode("utf-8", "replace").decode("utf-8").strip() for text in texts)
    return [{"text": text} for text in dict.fromkeys(clean) if text]


def _complete_items(body: str) -> list[dict]:
    """Memories of the objects that are whole in a JSON text that stops early."""
    decoder = json.JSONDecoder(strict=False)
    texts: list[str] = []
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
