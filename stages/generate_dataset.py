"""Build the training, validation and evaluation data.

Training and validation examples are Mem0 extraction calls in the exact form in which the model will be asked, made from
hand-written conversations with slots (pipeline/data/frames.py), mixed with general instructions. Evaluation sets come
from conversations of their own; whatever in training repeats a value or a phrasing of theirs is left out and counted. A
teacher, another model, can be asked for more conversations (pipeline/data/teacher.py).

Reads  data/sources
Writes data/train.jsonl, data/validation.jsonl, data/eval.jsonl, data/natural.jsonl, data/README.md (the dataset card),
       metrics/dataset.json, metrics/dataset_topics.csv, metrics/dataset_lengths.csv
"""

import collections

from mem0_slm import io
from mem0_slm.text import words
from pipeline import params, results
from pipeline.data.build import build
from pipeline.data.dataset_card import dataset_card
from pipeline.data.settings import GenerateDatasetSettings
from pipeline.paths import METRICS
from pipeline.registry import Registry
from stages import run_stage


def main():
    p, registry = params.load(GenerateDatasetSettings, "generate_dataset"), params.load(Registry, None)
    sets, counts = build(p, registry.seed)
    for name, rows in sets.items():
        io.write_jsonl(f"data/{name}.jsonl", rows)
    io.write_text("data/README.md", dataset_card(p, sets, counts))
    io.write_json(METRICS / "dataset.json", counts)
    topics = collections.Counter(e["topic"] for e in sets["train"])
    results.write_csv(METRICS / "dataset_topics.csv", ("topic", "examples"), sorted(topics.items()))
    lengths = collections.Counter(len(words(e["messages"][-2]["content"])) // 10 * 10 for e in sets["train"])
    results.write_csv(METRICS / "dataset_lengths.csv", ("conversation_words", "examples"), sorted(lengths.items()))


if __name__ == "__main__":
    run_stage(main)
