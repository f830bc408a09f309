"""The dataset card."""

import collections
import statistics

from pipeline.data.held_out import words
from pipeline.data.settings import GenerateDatasetSettings

LICENCES = {
    "offline": "data/sources/instructions.jsonl, written for this project, Apache-2.0",
    "hub": "[tatsu-lab/alpaca](https://huggingface.co/datasets/tatsu-lab/alpaca), CC BY-NC 4.0: not for commercial use",
}


def dataset_card(p: GenerateDatasetSettings, sets: dict[str, list[dict]], counts: dict) -> str:
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
