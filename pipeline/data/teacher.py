"""Training conversations asked of a larger model, through any engine, and kept only when they can be trusted.

A teacher is asked for one conversation and its memories at a time. An answer is kept if it is of the asked form and
every name, number and quoted title of its memories occurs in the conversation: a model trained on memories that say
more than was said learns to invent.
"""

import collections
import concurrent.futures
import json
import random
from collections.abc import Callable

from mem0_slm import contract, engines
from mem0_slm.io import DataError
from mem0_slm.text import unsaid, words
from pipeline import params
from pipeline.data.training_rows import extraction_example

Mended = Callable[[list[str], list[tuple[str, str]]], list[str] | None]
"""(memories, (role, content) of each turn) -> what of them may be taught; None where nothing can take one's place."""

REASONS = (
    "engine_error",
    "truncated",
    "wrong_form",
    "no_user_turn",
    "unstated_name",
    "unstated_number",
    "unstated_title",
    "refused_by_gate",
    "duplicate",
    "repeats_evaluation",
)
"""Why an answer is not kept; the first that applies counts."""

SCHEMA = {
    "type": "object",
    "properties": {
        "messages": {
            "type": "array",
            "minItems": 1,
            "maxItems": 8,
            "items": {
                "type": "object",
                "properties": {"role": {"enum": ["user", "assistant"]}, "content": {"type": "string"}},
                "required": ["role", "content"],
                "additionalProperties": False,
            },
        },
        "memories": {"type": "array", "maxItems": 6, "items": {"type": "string"}},
    },
    "required": ["messages", "memories"],
    "additionalProperties": False,
}

STYLES = (
    "writes one short plain sentence",
    "writes in lower case with a typo or two",
    "rambles, and mentions a fact in passing",
    "asks for help and mentions facts about themselves in the request",
    "says several facts in one message",
    "corrects something said earlier in the conversation",
    "tells of a change: what was, and what is now",
    "says what is not so, or no longer so",
    "names people, places and dates",
    "names a book, film, song or game in quotation marks",
    "gives quantities, prices or times",
    "only makes small talk; there is nothing to remember",
    "asks a general question; there is nothing to remember",
    "confirms a fact that the assistant asks about",
)

REQUEST = """Write one natural conversation between a user and an assistant, 1 to 4 messages, \
beginning with the user. Topic: {topic}. The user {style}.
Then list the lasting facts about the user that the conversation states: each one sentence that begins with "User", \
close to the user's words, naming nothing that the conversation does not say. If there is nothing worth remembering, \
the list is empty.
Answer with JSON only: {{"messages": [{{"role": "user", "content": "..."}}], "memories": ["User ..."]}}"""


def judge(answer: str, finish_reason: str = "stop") -> tuple[dict | None, str | None]:
    """({"messages", "memories"} of a teacher's answer, None) if it can be trusted, else (None, one of `REASONS`)."""
    if finish_reason == "length":
        return None, "truncated"
    try:
        value = json.loads(answer)
        messages = [{"role": m["role"], "content": m["content"].strip()} for m in value["messages"]]
        memories = [memory.strip() for memory in value["memories"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, "wrong_form"
    if (
        not messages
        or not all(m["role"] in ("user", "assistant") and m["content"] for m in messages)
        or not all(memories)
    ):
        return None, "wrong_form"
    if messages[0]["role"] != "user":
        return None, "no_user_turn"
    conversation = contract.conversation_of(messages)
    for memory in memories:
        if made_up := unsaid(memory, conversation, any_capital=True):
            return None, f"unstated_{made_up[0].kind}"
    return {"messages": messages, "memories": memories}, None


def load(name: str):
    """(engine module, handle) of "<engine>:<model>", for vllm also "vllm:<model>@<address>". Raises DataError."""
    engine, _, model = name.partition(":")
    options = {}
    if engine == "vllm":
        model, _, url = model.partition("@")
        options = {"base_url": url} if url else {}
    with params.set_by(f"generate_dataset.teacher: {name!r}", engines.EngineError):
        return engines.module(engine), engines.load(engine, model or None, **options)


def ask_teacher(
    name: str, n: int, topics: list[str], seed: int, repeats, mended: Mended | None = None, max_tokens: int = 512
) -> tuple[list[dict], dict]:
    """Ask a teacher `n` times; the kept answers as training examples, and counts for the metrics.

    topics: what conversations are about. repeats(texts): truthy if one repeats the evaluation. mended: what of the
    memories may be taught, None for an answer that is not kept; without it, all. max_tokens: an answer's.
    Raises DataError when the teacher cannot be loaded or answers no request at all.
    """
    module, handle = load(name)
    random_ = random.Random(seed)
    requests = [(random_.choice(topics), random_.choice(STYLES)) for _ in range(n)]
    failures = []

    def one(number: int) -> tuple[dict | None, str | None]:
        topic, style = requests[number]
        messages = [{"role": "user", "content": REQUEST.format(topic=topic, style=style)}]
        try:
            answer = module.generate(
                handle, messages, max_tokens=max_tokens, schema=SCHEMA, temperature=0.8, seed=seed + number
            )
        except engines.EngineError as error:
            failures.append(error)
            return None, "engine_error"
        found, reason = judge(answer.text, answer.finish_reason)
        if found and mended:
            turns = [(m["role"], m["content"]) for m in found["messages"]]
            memories = mended(found["memories"], turns)
            return (None, "refused_by_gate") if memories is None else (found | {"memories": memories}, None)
        return found, reason

    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(one, range(n)))
    finally:
        module.close(handle)
    if n and all(reason == "engine_error" for _, reason in answers):
        raise DataError(
            f"params.yaml: generate_dataset.teacher: {name!r} failed on each of {n} requests, "
            f"the last with: {failures[-1]}"
        )
    kept, seen, rejected = [], set(), collections.Counter(dict.fromkeys(REASONS, 0))
    for (found, reason), (topic, _) in zip(answers, requests):
        if found:
            reason = _why_not_new(found, seen, repeats)
        if reason:
            rejected[reason] += 1
        else:
            kept.append(extraction_example(topic, f"teacher:{name}", found["messages"], found["memories"]))
    return kept, {"asked": n, "kept": len(kept), "rejected": dict(rejected)}


def _why_not_new(found: dict, seen: set[str], repeats) -> str | None:
    """ "duplicate" or "repeats_evaluation" for a conversation that is not new; it is `seen` from here on."""
    texts = [m["content"] for m in found["messages"]]
    key = " ".join(words(" ".join(texts)))
    duplicate = key in seen
    seen.add(key)
    return "duplicate" if duplicate else "repeats_evaluation" if repeats(texts + found["memories"]) else None
