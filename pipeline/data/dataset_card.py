"""The dataset card: what the data is, how much, how long, from where and under which licence."""

import collections
import statistics
from pathlib import Path

from mem0_slm.text import words
from pipeline.data.settings import GenerateDatasetSettings

TEMPLATE = Path(__file__).with_name("dataset_card.md.j2")
LICENCES = {
    "offline": "data/sources/instructions.jsonl, written for this project, Apache-2.0",
    "hub": "[tatsu-lab/alpaca](https://huggingface.co/datasets/tatsu-lab/alpaca), CC BY-NC 4.0: not for commercial use",
}


def dataset_card(p: GenerateDatasetSettings, sets: dict[str, list[dict]], counts: dict) -> str:
    """The card as Markdown, with the hub's YAML head.

    sets: all data sets by name. counts: what `pipeline.data.build.build` counted.
    """
    from huggingface_hub import DatasetCard, DatasetCardData

    kinds = {
        "train, extraction": [e for e in sets["train"] if e["kind"] == "extraction"],
        "train, general instructions": [e for e in sets["train"] if e["kind"] == "instruction"],
        **{name: sets[name] for name in ("validation", "eval", "natural")},
    }
    topics = collections.Counter(e["topic"] for e in kinds["train, extraction"])
    head = DatasetCardData(
        license="cc-by-nc-4.0" if p.instructions == "hub" else "apache-2.0" if p.instructions == "offline" else "other",
        language="en",
        task_categories=["text-generation"],
        tags=["mem0", "memory", "information-extraction"],
    )
    card = DatasetCard.from_template(
        head,
        template_path=str(TEMPLATE),
        counts=counts,
        sizes=[[name, len(rows), *lengths(rows)] for name, rows in kinds.items() if rows],
        nothing_share=f"{counts['train']['nothing_to_store_share']:.1%}",
        teacher=p.teacher,
        instructions=LICENCES.get(p.instructions, f"`{p.instructions}`, under its own licence"),
        topics=", ".join(f"{topic} {n}" for topic, n in topics.most_common()),
    )
    return str(card).rstrip("\n") + "\n"


def lengths(rows: list[dict]) -> tuple[str, int, int]:
    """Words of the examples of a set: median, what 95% have at most, the longest."""
    n = sorted(len(words(" ".join(m["content"] for m in row["messages"]))) for row in rows)
    return f"{statistics.median(n):.0f}", n[int(0.95 * (len(n) - 1))], n[-1]
