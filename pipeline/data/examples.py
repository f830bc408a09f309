"""Training examples from hand-written conversations."""

import random
import re
from pathlib import Path

from mem0_slm import contract, io
from pipeline.data.frames import Frame
from pipeline.data.held_out import Reserved, words
from pipeline.data.scopes import Scopes
from pipeline.data.settings import GenerateDatasetSettings
from pipeline.data.slots import Values

# What an assistant says between two conversations that are joined into one.
FILLERS = (
    "Thanks, noted.",
    "Good to know!",
    "All right.",
    "Got it. Anything else?",
    "Sure, what else is on your mind?",
    "I see.",
    "Okay!",
    "Understood.",
    "Of course.",
    "That makes sense.",
    "Happy to help.",
    "Lovely, tell me more.",
    "Fair enough.",
    "Right, go on.",
    "Thank you for sharing that.",
    "Interesting! And otherwise?",
)


def noisy(text: str, random_: random.Random, keep: set[str]) -> str:
    """Type it as people do: no capitals, no punctuation, or two letters swapped. Words in `keep` stay as they are."""
    kind = random_.choice(("lower", "lower", "bare", "typo"))
    if kind == "lower":
        return text.lower()
    if kind == "bare":
        return re.sub(r"[,.!?;](?=\s|$)", "", text)
    pieces = text.split(" ")
    candidates = [
        i
        for i, piece in enumerate(pieces)
        if piece.isalpha() and piece.islower() and len(piece) > 4 and piece not in keep
    ]
    if candidates:
        i = random_.choice(candidates)
        at = random_.randrange(1, len(pieces[i]) - 2)
        pieces[i] = pieces[i][:at] + pieces[i][at + 1] + pieces[i][at] + pieces[i][at + 2 :]
    return " ".join(pieces)


def unified(facts: list[str], most_words: int) -> list[str]:
    """Facts that follow each other as one memory, up to `most_words` words; a longer fact stays alone.

    Mem0 asks for memories "contextually rich, not atomic". It pays in retrieval: a search finds a fact by what was said
    with it.
    """
    memories: list[str] = []
    for fact in facts:
        if memories and len(memories[-1].split()) + len(fact.split()) <= most_words:
            memories[-1] += f"; {fact}"
        else:
            memories.append(fact)
    return memories


WITHOUT_INSTRUCTIONS = 0.25
"""Share of the fillings of a conversation with custom instructions that are asked without them."""


def conversation(
    frame: Frame, values: Values, random_: random.Random, p: GenerateDatasetSettings
) -> tuple[list[dict], list[str], str]:
    """Fill a frame: chat messages, the memories that must come of them, and custom instructions ("" for none).

    Now and then a frame's instructions are left away, and everything is to be stored: the instructions decide, not the topic.
    """
    instructions = frame.instructions if frame.instructions and random_.random() >= WITHOUT_INSTRUCTIONS else ""
    wanted = frame.wanted if instructions else frame.memories
    filled, _ = values.fill([text for _, text in frame.turns] + [instructions] + wanted)
    (*texts, instructions), memories = filled[: len(frame.turns) + 1], filled[len(frame.turns) + 1 :]
    keep = {word for memory in memories for word in words(memory)}
    noise = random_.random() < p.noisy_share
    messages = [
        {"role": role, "content": noisy(text, random_, keep) if noise and role == "user" else text}
        for (role, _), text in zip(frame.turns, texts)
    ]
    return messages, unified(memories, p.memory_words), instructions


def joined(first: list[dict], second: list[dict], random_: random.Random) -> list[dict]:
    """Two conversations as one: mostly in one breath of the user, where the model must find what is worth storing among
    what is not; else one after the other."""
    if first[-1]["role"] == second[0]["role"] == "user" and random_.random() < 0.7:
        said = first[-1]["content"]
        said += (" " if re.search(r"[.!?…)]$", said) else ". ") + second[0]["content"]
        return [*first[:-1], {"role": "user", "content": said}, *second[1:]]
    filler = [{"role": "assistant", "content": random_.choice(FILLERS)}] if first[-1]["role"] == "user" else []
    return [*first, *filler, *second]


def extraction_examples(
    frames: list[Frame],
    n: int,
    values: Values,
    reserved: Reserved,
    p: GenerateDatasetSettings,
    seed: int,
    left_out,
    scopes: Path | None = None,
) -> list[dict]:
    """`n` examples in the training form, going round the frames in a random order until there are enough.

    Frames for an agent or with custom instructions stay alone: joined, they would not hold for the other conversation.
    scopes: the file of `Scopes`; None for no further instructions.
    `left_out` counts the frames that repeat the evaluation. Raises DataError when every frame does.
    """
    random_ = random.Random(seed)
    examples, order, previous = [], [], None
    empty = [frame for frame in frames if frame.plain and not frame.memories and len(frame.turns) == 1]
    scoped = Scopes(scopes, frames) if scopes else None
    misses = 0
    while len(examples) < n:
        if not order:
            order = random_.sample(frames, len(frames))
        frame = order.pop()
        partner, scope, kept = None, "", (True, True)
        if scoped and scoped.of(frame) and random_.random() < p.scoped_share:
            scope, partner, kept = scoped.instruction(frame, random_)
        elif previous is not None and frame.plain and random_.random() < p.joined_share:
            partner = random_.choice(empty) if empty and random_.random() < 0.6 else previous
        for _ in range(4):
            messages, memories, instructions = conversation(frame, values, random_, p)
            place, instructions = frame.place, scope or instructions
            memories = memories if kept[0] else []
            if partner:
                messages_too, memories_too, _ = conversation(partner, values, random_, p.changed(noisy_share=0.0))
                both = [(messages, memories, place), (messages_too, memories_too if kept[1] else [], partner.place)]
                (first, told, where), (second, told_later, where_later) = random_.sample(both, 2)
                messages, memories, place = joined(first, second, random_), told + told_later, f"{where}+{where_later}"
            found = reserved.repeats([m["content"] for m in messages] + memories + [instructions])
            if found is None:
                break
        else:
            left_out[found] += 1
            misses += 1
            if misses > 4 * len(frames) + 100:
                raise io.DataError(
                    "data/sources: nearly every training frame repeats the evaluation sets; nothing is left to train on"
                )
            continue
        if frame.plain:
            previous = frame
        prompt = contract.prompt_for(contract.conversation_of(messages), agent=frame.agent, instructions=instructions)
        answer = {"role": "assistant", "content": contract.dump(memories)}
        examples.append({"kind": "extraction", "topic": frame.topic, "from": place, "messages": prompt + [answer]})
    return examples
