"""All data sets from their sources."""

import collections
import random

from mem0_slm import contract
from pipeline.data import teacher
from pipeline.data.examples import extraction_examples
from pipeline.data.frames import read_frames
from pipeline.data.held_out import Reserved, evaluation_set
from pipeline.data.instructions import instruction_examples
from pipeline.data.settings import GenerateDatasetSettings
from pipeline.data.slots import Values
from pipeline.paths import SOURCES


def build(p: GenerateDatasetSettings, seed: int) -> tuple[dict[str, list[dict]], dict]:
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
        taught, answers = teacher.ask_teacher(
            p.teacher, p.teacher_n, sorted({frame.topic for frame in frames}), seed, reserved.repeats
        )
        train += taught
    instructions = instruction_examples(p.instructions, p.instructions_n, reserved.repeats, seed)
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
