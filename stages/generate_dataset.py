"""Build the training, validation and evaluation data.

Training and validation examples are Mem0 extraction calls in the exact form in which the model will be asked, made from
hand-written conversations with slots (mem0_slm/frames.py), mixed with general instructions. Evaluation sets come from
conversations of their own; whatever in training repeats a value or a phrasing of theirs is left out and counted. A
teacher, another model, can be asked for more conversations (mem0_slm/teacher.py).

Reads  data/sources
Writes data/train.jsonl, data/validation.jsonl, data/eval.jsonl, data/natural.jsonl, data/README.md (the dataset card),
       metrics/dataset.json, metrics/dataset_topics.csv, metrics/dataset_lengths.csv
"""

import collections
import random
import re
import statistics
from dataclasses import dataclass, replace
from pathlib import Path

from mem0_slm import contract, io, params, teacher
from mem0_slm.frames import Frame, Values, read_frames
from stages.prepare_base import Registry

SOURCES = Path("data/sources")
EVAL_KEYS = {"id": str, "messages": list, "facts": list, "keys": list}

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
class Params:
    extraction_n: int
    validation_n: int
    instructions_n: int
    instructions: str
    memory_words: int
    joined_share: float
    noisy_share: float
    scoped_share: float = 0.0
    teacher: str = "none"
    teacher_n: int = 0

    def __post_init__(self):
        params.require(self.extraction_n >= 1, "extraction_n", self.extraction_n, "must be at least 1")
        params.require(self.validation_n >= 1, "validation_n", self.validation_n, "must be at least 1")
        params.require(self.instructions_n >= 0, "instructions_n", self.instructions_n, "must not be negative")
        params.require(
            self.memory_words >= 0,
            "memory_words",
            self.memory_words,
            "must be 0 (one fact per memory) or a number of words",
        )
        params.require(self.teacher_n >= 0, "teacher_n", self.teacher_n, "must not be negative")
        params.require(
            self.teacher == "none" or self.teacher.partition(":")[0] in teacher.engines.ENGINES,
            "teacher",
            self.teacher,
            f"must be none or <engine>:<model>, with an engine of {', '.join(teacher.engines.ENGINES)}",
        )
        for name in ("joined_share", "noisy_share", "scoped_share"):
            params.require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "must lie between 0 and 1")


# --- evaluation ----------------------------------------------------------------------------------------------------


def evaluation_set(path: Path, values: Values) -> list[dict]:
    """Read an evaluation file and fill its slots, each item with values of its own.

    Raises DataError naming file and item when a key does not occur in the item's messages.
    """
    items = []
    for row in io.read_jsonl(path, EVAL_KEYS):
        parts = [m["content"] for m in row["messages"]] + row["facts"] + row["keys"] + [row.get("query") or ""]
        filled, chosen = values.fill(parts)
        n, f = len(row["messages"]), len(row["facts"])
        item = {
            "id": row["id"],
            "messages": [{"role": m["role"], "content": text} for m, text in zip(row["messages"], filled)],
            "facts": filled[n : n + f],
            "keys": filled[n + f : -1],
            "query": filled[-1] or None,
            "values": sorted(chosen.values()),
        }
        said = " ".join(filled[:n]).casefold()
        for key in item["keys"]:
            if key.casefold() not in said:
                raise io.DataError(f"{path}: item {row['id']}: key {key!r} does not occur in its messages")
        items.append(item)
    return items


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def ngrams(text: str, n: int) -> set[tuple]:
    found = words(text)
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)}


class Reserved:
    """What training must not repeat of the evaluation sets: values and distinctive keys, names, runs of words."""

    RUN = 6

    def __init__(self, items: list[dict]):
        phrases, self.runs = set(), set()
        for item in items:
            phrases.update(item["values"])
            phrases.update(key for key in item["keys"] if self._distinctive(key))
            for message in item["messages"]:
                self.runs |= ngrams(message["content"], self.RUN)
        self.phrases: dict[str, set] = collections.defaultdict(set)
        for phrase in phrases:
            found = tuple(words(phrase))
            if found:
                self.phrases[found[0]].add(found)

    @staticmethod
    def _distinctive(key: str) -> bool:
        """A key that names something: two words or more, a proper name, a number of three digits or more, a rare word."""
        return len(words(key)) > 1 or key[:1].isupper() or len(re.sub(r"\D", "", key)) > 2 or len(key) > 7

    def repeats(self, texts: list[str]) -> str | None:
        """What of the evaluation the texts of a training example repeat: "value", "phrasing" or None."""
        for text in texts:
            found = words(text)
            for i, word in enumerate(found):
                if any(tuple(found[i : i + len(phrase)]) == phrase for phrase in self.phrases.get(word, ())):
                    return "value"
            if ngrams(text, self.RUN) & self.runs:
                return "phrasing"
        return None


# --- training ------------------------------------------------------------------------------------------------------


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


def conversation(frame: Frame, values: Values, random_: random.Random, p: Params) -> tuple[list[dict], list[str], str]:
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


ONLY = (
    "Store only {}.",
    "Only remember {}.",
    "Keep {} and nothing else.",
    "Nothing but {}, please.",
    "Extract {} alone.",
    "I want {} remembered, the rest is not to be stored.",
    "Limit the memories to {}.",
    "What matters is {}. Store no other facts.",
    "Remember {}; ignore everything else.",
    "This memory is for {} only.",
)
NEVER = (
    "Never store anything about {}.",
    "Do not remember {}.",
    "Leave out {}.",
    "Nothing about {} may be stored.",
    "Skip {}, store the rest.",
    "Don't keep {}.",
    "Store everything except {}.",
    "{} must not be remembered.",
    "Please forget {} at once.",
    "Exclude {} from what you remember.",
)


class Scopes:
    """Custom instructions made from what conversations are about: only this may be stored, or all but this.

    A file's row: `scope` its name, `topics` of the frames inside it, `called` what instructions call it, `near` the scopes
    that conversations inside it may touch as well, so that no instruction is about those.
    """

    def __init__(self, path: Path, frames: list[Frame]):
        rows = io.read_jsonl(path, {"scope": str, "topics": list, "near": list, "called": list})
        self.called = {row["scope"]: row["called"] for row in rows}
        self.near = {row["scope"]: {row["scope"], *row["near"]} for row in rows}
        self.by_topic = {topic: row["scope"] for row in rows for topic in row["topics"]}
        self.inside = [(self.of(f), f) for f in frames if self.of(f)]

    def of(self, frame: Frame) -> str | None:
        return self.by_topic.get(frame.topic) if frame.plain and frame.memories else None

    def instruction(self, frame: Frame, random_: random.Random) -> tuple[str, Frame | None, tuple[bool, bool]]:
        """An instruction, a conversation to join with the frame's (None for none), and which of the two is to be stored."""
        scope = self.of(frame)
        others = [
            (name, other)
            for name, other in self.inside
            if name not in self.near[scope] and scope not in self.near[name]
        ]
        if not others:
            return "", None, (True, True)
        other_scope, other = random_.choice(others)
        about, forms, joins, kept = random_.choices(
            (
                (scope, ONLY, True, (True, False)),
                (scope, NEVER, True, (False, True)),
                (scope, ONLY, False, (True, True)),
                (other_scope, ONLY, False, (False, False)),
                (scope, NEVER, False, (False, False)),
                (other_scope, NEVER, False, (True, True)),
            ),
            weights=(6, 4, 3, 3, 2, 2),
        )[0]
        text = random_.choice(forms).format(random_.choice(self.called[about]))
        return text[:1].upper() + text[1:], other if joins else None, kept


def extraction_examples(
    frames: list[Frame],
    n: int,
    values: Values,
    reserved: Reserved,
    p: Params,
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
                messages_too, memories_too, _ = conversation(partner, values, random_, replace(p, noisy_share=0.0))
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


def instruction_examples(source: str, n: int, reserved: Reserved, seed: int) -> list[dict]:
    """`n` general instructions from an Alpaca-form source, none that repeats the evaluation or answers with JSON.

    Raises DataError when the source has fewer.
    """
    if n == 0:
        return []
    if source == "hub":
        from datasets import load_dataset

        name = "tatsu-lab/alpaca"
        try:
            rows = list(load_dataset(name, split="train"))
        except OSError as error:  # what huggingface_hub raises is a kind of it, offline as well
            raise io.DataError(
                f"params.yaml: generate_dataset.instructions: hub: {name} did not come ({type(error).__name__}: {str(error)[:200]}). "
                "Connect, or use offline or the path of an Alpaca-form file."
            ) from None
    else:
        name = str(SOURCES / "instructions.jsonl") if source == "offline" else source
        rows = io.read_jsonl(name) if name.endswith(".jsonl") else io.read_json(name)
    rows = [
        row
        for row in rows
        if row.get("instruction") and row.get("output") and not row["output"].lstrip().startswith("{")
    ]
    rows = [
        row for row in rows if reserved.repeats([row["instruction"], row.get("input") or "", row["output"]]) is None
    ]
    if len(rows) < n:
        raise io.DataError(
            f"params.yaml: generate_dataset.instructions_n: {n} asked for, {name} has {len(rows)} that can be used. Ask for at most that, or use another source."
        )
    examples = []
    for row in random.Random(seed).sample(rows, n):
        messages = [{"role": "user", "content": io.alpaca_prompt(row)}, {"role": "assistant", "content": row["output"]}]
        examples.append({"kind": "instruction", "topic": "instruction", "from": Path(name).name, "messages": messages})
    return examples


def build(p: Params, seed: int) -> tuple[dict[str, list[dict]], dict]:
    """All data sets by name, and the counts that go to metrics."""
    eval_values = Values("eval", seed)
    evaluation = evaluation_set(SOURCES / "eval_frames.jsonl", eval_values)
    natural = evaluation_set(SOURCES / "natural.jsonl", eval_values)
    reserved = Reserved(evaluation + natural)
    frames = [frame for path in sorted((SOURCES / "train").glob("*.txt")) for frame in read_frames(path)]
    random.Random(seed).shuffle(frames)
    held_out = max(1, min(len(frames) // 10, p.validation_n))
    left_out = collections.Counter({"value": 0, "phrasing": 0})
    values = Values("train", seed)
    validation = extraction_examples(
        frames[:held_out], p.validation_n, values, reserved, p, seed + 1, left_out, SOURCES / "scopes.jsonl"
    )
    train = extraction_examples(
        frames[held_out:], p.extraction_n, values, reserved, p, seed, left_out, SOURCES / "scopes.jsonl"
    )
    taught, answers = [], None
    if p.teacher != "none" and p.teacher_n:
        taught, answers = teacher.ask(
            p.teacher, p.teacher_n, sorted({frame.topic for frame in frames}), seed, reserved.repeats
        )
        train += taught
    instructions = instruction_examples(p.instructions, p.instructions_n, reserved, seed)
    mixed = train + instructions
    random.Random(seed).shuffle(mixed)
    empty = sum(e["messages"][-1]["content"] == contract.dump([]) for e in train)
    counts = {
        "train": {
            "extraction": len(train),
            "instructions": len(instructions),
            "frames": len(frames) - held_out,
            "nothing_to_store_share": round(empty / len(train), 4),
        },
        "validation": {"extraction": len(validation), "frames": held_out},
        "eval": {
            "memories": sum(bool(i["query"]) for i in evaluation),
            "queries": sum(bool(i["query"]) for i in evaluation),
            "small_talk": sum(not i["query"] for i in evaluation),
        },
        "natural": {
            "memories": sum(bool(i["query"]) for i in natural),
            "small_talk": sum(not i["query"] for i in natural),
        },
        "left_out": {"repeats_eval_value": left_out["value"], "repeats_eval_phrasing": left_out["phrasing"]},
        "seed": seed,
    }
    if answers:
        counts["teacher"] = answers
    return {"train": mixed, "validation": validation, "eval": evaluation, "natural": natural}, counts


LICENCES = {
    "offline": "data/sources/instructions.jsonl, written for this project, Apache-2.0",
    "hub": "[tatsu-lab/alpaca](https://huggingface.co/datasets/tatsu-lab/alpaca), CC BY-NC 4.0: not for commercial use",
}


def card(p: Params, sets: dict[str, list[dict]], counts: dict) -> str:
    """The dataset card: what the data is, how much, how long, from where and under which licence."""

    def lengths(rows) -> str:
        n = sorted(len(words(" ".join(m["content"] for m in row["messages"]))) for row in rows)
        return f"{statistics.median(n):.0f} | {n[int(0.95 * (len(n) - 1))]} | {n[-1]}"

    kinds = {
        "train, extraction": [e for e in sets["train"] if e["kind"] == "extraction"],
        "train, general instructions": [e for e in sets["train"] if e["kind"] == "instruction"],
        **{name: sets[name] for name in ("validation", "eval", "natural")},
    }
    table = "".join(f"| {name} | {len(rows)} | {lengths(rows)} |\n" for name, rows in kinds.items() if rows)
    topics = ", ".join(
        f"{topic} {n}" for topic, n in collections.Counter(e["topic"] for e in kinds["train, extraction"]).most_common()
    )
    taught = ""
    if "teacher" in counts:
        asked = counts["teacher"]
        taught = f"- {asked['kept']} of {asked['asked']} conversations asked of `{p.teacher}`, under the terms of that model; kept where their memories say nothing that was not said.\n"
    left_out = counts["left_out"]
    return f"""# Dataset card
Made by `python -m stages.generate_dataset` from `data/sources`, seed {counts["seed"]}; do not edit.

| set | examples | median words | 95% have at most | longest |
| --- | --- | --- | --- | --- |
{table}
{counts["train"]["nothing_to_store_share"]:.1%} of the extraction examples for training have nothing to store.

## Sources and licences
- Extraction: {counts["train"]["frames"]} conversations for training and {counts["validation"]["frames"]} for validation, written by hand for this project, Apache-2.0. Names, places
  and companies in their slots are invented with Faker (MIT), for about 30 countries; they mean no real person.
{taught}- General instructions: {LICENCES.get(p.instructions, f"`{p.instructions}`, under its own licence")}.
- eval and natural: written by hand apart from the training data, Apache-2.0.

## Apart from the evaluation
A value belongs either to training or to evaluation. Fillings that repeat a value ({left_out["repeats_eval_value"]}) or six words in a row
({left_out["repeats_eval_phrasing"]}) of the evaluation sets were left out of training.

## Topics of the extraction examples
{topics}
"""


def csv(header: str, rows) -> str:
    return header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


def main():
    p, registry = params.load(Params, "generate_dataset"), params.load(Registry, None)
    sets, counts = build(p, registry.seed)
    for name, rows in sets.items():
        io.write_jsonl(f"data/{name}.jsonl", rows)
    topics = collections.Counter(e["topic"] for e in sets["train"])
    io.write_text("metrics/dataset_topics.csv", csv("topic,examples", sorted(topics.items())))
    lengths = collections.Counter(len(words(e["messages"][-2]["content"])) // 10 * 10 for e in sets["train"])
    io.write_text("metrics/dataset_lengths.csv", csv("conversation_words,examples", sorted(lengths.items())))
    io.write_text("data/README.md", card(p, sets, counts))
    io.write_json("metrics/dataset.json", counts)


if __name__ == "__main__":
    params.run_stage(main)
