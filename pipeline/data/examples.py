"""Training examples from hand-written conversations."""

import collections
import random
import re
from dataclasses import dataclass, replace
from pathlib import Path

from mem0_slm import io
from mem0_slm.text import words
from pipeline.data.frames import Frame
from pipeline.data.held_out import Reserved
from pipeline.data.scopes import Plan, Scopes
from pipeline.data.settings import GenerateDatasetSettings
from pipeline.data.slots import Values
from pipeline.data.training_rows import extraction_example

FILLINGS = 4
"""How often a frame is filled anew, when it repeats the evaluation, before it is passed over."""
WITHOUT_INSTRUCTIONS = 0.25
"""Share of the fillings of a conversation with custom instructions that are asked without them."""

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


@dataclass(frozen=True)
class Conversation:
    """A filled frame, or two that are joined."""

    messages: list[dict]
    """Chat messages, each with `role` and `content`."""
    memories: list[str]
    """What must come of it."""
    instructions: str
    """Custom instructions; "" for none."""
    place: str
    """Where its frames stand."""

    @property
    def texts(self) -> list[str]:
        """Everything that the model would read or write of it."""
        return [m["content"] for m in self.messages] + self.memories + [self.instructions]


def extraction_examples(
    frames: list[Frame],
    n: int,
    values: Values,
    reserved: Reserved,
    p: GenerateDatasetSettings,
    seed: int,
    left_out: collections.Counter,
    scopes_file: Path | None = None,
) -> list[dict]:
    """`n` examples in the training form, going round the frames in a random order until there are enough.

    scopes_file: what `Scopes` reads; None for no instructions but the frames' own.
    `left_out` counts the frames that repeat the evaluation, by what they repeat. Raises DataError when nearly all do.
    """
    random_ = random.Random(seed)
    scopes = Scopes(scopes_file, frames) if scopes_file else None
    empty = [frame for frame in frames if frame.plain and not frame.memories and len(frame.turns) == 1]
    examples, order, previous, passed_over = [], [], None, 0
    while len(examples) < n:
        if not order:
            order = random_.sample(frames, len(frames))
        frame = order.pop()
        found, repeated = filled(_plan(frame, previous, empty, scopes, p, random_), values, reserved, p, random_)
        if repeated:
            left_out[repeated] += 1
            passed_over += 1
            if passed_over > 4 * len(frames) + 100:
                raise io.DataError(
                    "data/sources: nearly every training frame repeats the evaluation sets; nothing is left to train on"
                )
            continue
        if frame.plain:
            previous = frame
        examples.append(
            extraction_example(
                frame.topic,
                found.place,
                found.messages,
                found.memories,
                agent=frame.agent,
                instructions=found.instructions,
            )
        )
    return examples


def _plan(
    frame: Frame,
    previous: Frame | None,
    empty: list[Frame],
    scopes: Scopes | None,
    p: GenerateDatasetSettings,
    random_: random.Random,
) -> Plan:
    """What a frame becomes: alone, joined with another, or asked with an instruction about its topic.

    It is joined with one of `empty`, which have nothing to store, or with the frame before it. A frame for an agent or
    with custom instructions stays alone: joined, these would not hold for the other conversation.
    """
    if scopes and scopes.of(frame) and random_.random() < p.scoped_share:
        return scopes.plan(frame, random_)
    if previous is not None and frame.plain and random_.random() < p.joined_share:
        return Plan(frame, random_.choice(empty) if empty and random_.random() < 0.6 else previous)
    return Plan(frame)


def filled(
    plan: Plan, values: Values, reserved: Reserved, p: GenerateDatasetSettings, random_: random.Random
) -> tuple[Conversation, str | None]:
    """The planned conversation with values in its slots, and what of the evaluation it repeats after `FILLINGS`."""
    for _ in range(FILLINGS):
        found = _fill(plan, values, p, random_)
        repeated = reserved.repeats(found.texts)
        if repeated is None:
            break
    return found, repeated


def _fill(plan: Plan, values: Values, p: GenerateDatasetSettings, random_: random.Random) -> Conversation:
    own = conversation(plan.frame, values, random_, p)
    memories = own.memories if plan.keep_own else []
    instructions = plan.instructions or own.instructions
    if plan.partner is None:
        return replace(own, memories=memories, instructions=instructions)
    partner = conversation(plan.partner, values, random_, p, as_people_type=False)
    partner_memories = partner.memories if plan.keep_partner else []
    both = [(own.messages, memories, own.place), (partner.messages, partner_memories, partner.place)]
    (first, first_memories, first_place), (second, second_memories, second_place) = random_.sample(both, 2)
    return Conversation(
        joined(first, second, random_), first_memories + second_memories, instructions, f"{first_place}+{second_place}"
    )


def conversation(
    frame: Frame, values: Values, random_: random.Random, p: GenerateDatasetSettings, as_people_type: bool = True
) -> Conversation:
    """Fill a frame's slots. as_people_type: a share of the conversations, `p.noisy_share`, is mistyped.

    Now and then a frame's instructions are left out and everything is to be stored: they decide, not the topic.
    """
    instructions = frame.instructions if frame.instructions and random_.random() >= WITHOUT_INSTRUCTIONS else ""
    wanted = frame.wanted if instructions else frame.memories
    filled_texts, _ = values.fill([text for _, text in frame.turns] + [instructions] + wanted)
    n = len(frame.turns)
    texts, instructions, facts = filled_texts[:n], filled_texts[n], filled_texts[n + 1 :]
    keep = {word for fact in facts for word in words(fact)}
    noisy = random_.random() < p.noisy_share and as_people_type
    messages = [
        {"role": role, "content": mistyped(text, random_, keep) if noisy and role == "user" else text}
        for (role, _), text in zip(frame.turns, texts)
    ]
    return Conversation(messages, as_memories(facts, p.memory_words), instructions, frame.place)


def mistyped(text: str, random_: random.Random, keep: set[str]) -> str:
    """A text as people type it: no capitals, no punctuation, or two letters swapped. Words in `keep` stay."""
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


def as_memories(facts: list[str], most_words: int) -> list[str]:
    """Facts as memories: neighbours become one memory, up to `most_words` words; a longer fact stays alone.

    Mem0 asks for memories "contextually rich, not atomic", and retrieval gains by it: a search finds a fact by what was
    said with it.
    """
    memories: list[str] = []
    for fact in facts:
        if memories and len(memories[-1].split()) + len(fact.split()) <= most_words:
            memories[-1] += f"; {fact}"
        else:
            memories.append(fact)
    return memories


def joined(first: list[dict], second: list[dict], random_: random.Random) -> list[dict]:
    """The messages of two conversations as one conversation.

    Mostly in one breath of the user, where the model must find what is worth storing among what is not; else one after
    the other.
    """
    if first[-1]["role"] == second[0]["role"] == "user" and random_.random() < 0.7:
        said = first[-1]["content"]
        said += (" " if re.search(r"[.!?…)]$", said) else ". ") + second[0]["content"]
        return [*first[:-1], {"role": "user", "content": said}, *second[1:]]
    filler = [{"role": "assistant", "content": random_.choice(FILLERS)}] if first[-1]["role"] == "user" else []
    return [*first, *filler, *second]
