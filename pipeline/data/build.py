"""All data sets from their sources."""

import collections
import random

from mem0_slm import contract
from pipeline.data import checked_targets, teacher
from pipeline.data.eval_items import EvalItem
from pipeline.data.examples import extraction_examples
from pipeline.data.frames import Frame, read_frames
from pipeline.data.held_out import Reserved, evaluation_set
from pipeline.data.instructions import instruction_examples
from pipeline.data.settings import GenerateDatasetSettings
from pipeline.data.slots import Values
from pipeline.paths import SOURCES


def build(p: GenerateDatasetSettings, seed: int) -> tuple[dict[str, list[dict]], dict]:
    """The rows of all data sets by name, and the counts that go to metrics/dataset.json."""
    eval_values = Values("eval", seed)
    evaluation = evaluation_set(SOURCES / "eval_frames.jsonl", eval_values)
    natural = evaluation_set(SOURCES / "natural.jsonl", eval_values)
    reserved = Reserved(evaluation + natural)

    frames, validation_frames = training_frames(p.validation_n, seed)
    gate: dict = {}
    if p.check_targets != "none":
        strict = p.check_targets == "strict"
        (frames, validation_frames), gate = checked_targets.checked((frames, validation_frames), seed, strict)
    values, scopes = Values("train", seed), SOURCES / "scopes.jsonl"
    left_out = collections.Counter({"value": 0, "phrasing": 0})
    validation = extraction_examples(validation_frames, p.validation_n, values, reserved, p, seed + 1, left_out, scopes)
    extraction = extraction_examples(frames, p.extraction_n, values, reserved, p, seed, left_out, scopes)
    answers = None
    if p.teacher != "none" and p.teacher_n:
        topics = sorted({frame.topic for frame in frames + validation_frames})
        taught, answers = teacher.ask_teacher(p.teacher, p.teacher_n, topics, seed, reserved.repeats, mended(p))
        extraction += taught
    instructions = instruction_examples(p.instructions, p.instructions_n, reserved.repeats, seed)
    train = extraction + instructions
    random.Random(seed).shuffle(train)

    counts = {
        "train": {
            "extraction": len(extraction),
            "instructions": len(instructions),
            "frames": len(frames),
            "nothing_to_store_share": nothing_to_store_share(extraction),
        },
        "validation": {"extraction": len(validation), "frames": len(validation_frames)},
        "eval": eval_counts(evaluation) | {"queries": sum(bool(item.query) for item in evaluation)},
        "natural": eval_counts(natural),
        "left_out": {"repeats_eval_value": left_out["value"], "repeats_eval_phrasing": left_out["phrasing"]},
        "seed": seed,
        **gate,
    }
    sets = {"train": train, "validation": validation}
    sets |= {name: [item.row() for item in items] for name, items in (("eval", evaluation), ("natural", natural))}
    return sets, counts | ({"teacher": answers} if answers else {})


def mended(p: GenerateDatasetSettings) -> teacher.Mended | None:
    """What may be taught of a teacher's memories; None: all."""
    if p.check_targets == "none":
        return None
    return lambda memories, turns: checked_targets.taught(memories, turns, p.check_targets == "strict")[0]


def training_frames(validation_n: int, seed: int) -> tuple[list[Frame], list[Frame]]:
    """The hand-written frames for training and for validation: a tenth, at most one an example of `validation_n`."""
    frames = [frame for path in sorted((SOURCES / "train").glob("*.txt")) for frame in read_frames(path)]
    random.Random(seed).shuffle(frames)
    held_out = max(1, min(len(frames) // 10, validation_n))
    return frames[held_out:], frames[:held_out]


def nothing_to_store_share(examples: list[dict]) -> float:
    """The share of extraction examples whose answer holds no memory."""
    return round(sum(e["messages"][-1]["content"] == contract.dump([]) for e in examples) / len(examples), 4)


def eval_counts(items: list[EvalItem]) -> dict[str, int]:
    """How many items of an evaluation set have something to store, and how many are small talk."""
    return {"memories": sum(bool(i.query) for i in items), "small_talk": sum(not i.query for i in items)}
