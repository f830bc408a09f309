"""Write the report: what was measured, against the original work and against storing raw messages, with a verdict.

Reads  metrics/*.json, metrics/*.csv
Writes reports/report.md, reports/plots/*.svg
"""

from dataclasses import dataclass
from pathlib import Path

from mem0_slm import io, params

METRICS, REPORTS = Path("metrics"), Path("reports")
CANDIDATES = ("no_llm", "base", "finetuned")
NAMES = {"no_llm": "raw message, no LLM", "base": "base model", "finetuned": "fine-tuned model"}

# What the work that this project starts from published, for its Llama 3.1 8B; not measured here.
ORIGINAL = {"base": 0.95, "finetuned": 0.80}


@dataclass(frozen=True)
class Params:
    pass


def table(header: list[str], rows: list[list]) -> str:
    from tabulate import tabulate

    return tabulate(rows, headers=header, tablefmt="github", disable_numparse=True)


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"


def speed_rows(speed: dict, model: str, tuned: bool, precision) -> list[list]:
    """Rows of the original work's table: model, fine-tuned, precision@5, format, backend, LoRA merged, latency, throughput."""
    rows = []
    for name, t in speed["targets"].items():
        merged = "-" if not tuned else "no, applied at run time" if "adapter" in name else "yes"
        rows.append([model, "yes" if tuned else "no", f"{precision:.3f}", f"{t['format']} {t['precision']}", t["engine"], merged, f"{t['latency_mean_s']:.3f} s", f"{t['tokens_per_second']:.1f} tok/s"])  # fmt: skip
    rows += [[model, "yes" if tuned else "no", "-", name, "not run", "-", reason[:60], "-"] for name, reason in speed["not_run"].items()]
    return rows


def retrieval_rows(metrics: dict[str, dict]) -> list[list]:
    """A row a candidate, with counts beside shares."""
    rows = []
    for name, m in metrics.items():
        rows.append([
            NAMES[name], f"{m['precision_at_5']:.3f} ({m['num_hits']}/{m['num_total_queries']})", f"{m['hit_at_1']:.3f}", f"{m['hit_at_3']:.3f}",
            f"{m['hit_at_10']:.3f}", f"{m['mrr']:.3f}", percent(m["keys_kept"]), f"{percent(m['small_talk_stored'])} of {m['num_small_talk']}",
            percent(m.get("valid_json_share")), str(m.get("failed_adds", "-")), str(m["facts_missed"]),
        ])  # fmt: skip
    return rows


RETRIEVAL_HEADER = ["candidate", "precision@5", "hit@1", "hit@3", "hit@10", "MRR", "keys kept", "small talk stored", "valid JSON", "failed adds", "items with nothing stored"]  # fmt: skip


def verdict(quality: dict[str, dict], natural: dict[str, dict]) -> list[str]:
    """Plain answers to the three questions a reader has."""
    tuned, base, raw = (quality[c] for c in ("finetuned", "base", "no_llm"))
    contract = tuned["failed_adds"] == 0 and tuned["valid_json_share"] == 1
    lines = [
        f"- **Does the tuned model keep Mem0's contract?** On the generated evaluation set: {'yes' if contract else 'no'}; {percent(tuned['valid_json_share'])} of its answers are well-formed, {tuned['failed_adds']} adds failed (base: {percent(base['valid_json_share'])}, {base['failed_adds']}).",
    ]
    for label, sets in (("generated evaluation set", quality), ("natural conversations", natural)):
        t, b, r = (sets[c]["precision_at_5"] for c in ("finetuned", "base", "no_llm"))
        lines.append(f"- **Better than the base?** On the {label}: {'yes' if t > b else 'no'}, precision@5 {t:.3f} against {b:.3f}.")
        lines.append(f"- **Better than storing raw text?** On the {label}: {'yes' if t > r else 'no'}, precision@5 {t:.3f} against {r:.3f}; small talk stored {percent(sets['finetuned']['small_talk_stored'])} against {percent(sets['no_llm']['small_talk_stored'])}.")  # fmt: skip
    return lines


def read_csv(path: Path) -> list[dict]:
    import csv

    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def plots(folder: Path, quality, natural, baseline, tuned) -> None:
    """SVG plots: training curve, retrieval, quality by candidate, speed by target."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "mem0-slm"  # the same figures give the same file
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)

    def save(figure, name):
        figure.tight_layout()
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)

    log = read_csv(METRICS / "loss.csv")
    figure, axis = plt.subplots(figsize=(7, 3.5))
    for column, label in (("loss", "training"), ("eval_loss", "validation")):
        points = [(int(r["step"]), float(r[column])) for r in log if r[column]]
        axis.plot(*zip(*points), marker="o" if column == "eval_loss" else None, label=label)
    axis.set(xlabel="step", ylabel="loss", title="Training curve")
    axis.legend()
    save(figure, "loss")

    figure, axis = plt.subplots(figsize=(7, 3.5))
    for offset, (label, sets) in enumerate((("generated", quality), ("natural", natural))):
        axis.bar([i + offset * 0.4 for i in range(3)], [sets[c]["precision_at_5"] for c in CANDIDATES], 0.38, label=label)
    axis.set(ylim=(0, 1), ylabel="precision@5", title="Retrieval through Mem0")
    axis.set_xticks([i + 0.2 for i in range(3)], [NAMES[c] for c in CANDIDATES])
    axis.legend()
    save(figure, "retrieval")

    figure, axis = plt.subplots(figsize=(7, 3.5))
    bars = [(f"base {n}", t["tokens_per_second"]) for n, t in baseline["targets"].items()] + [(f"tuned {n}", t["tokens_per_second"]) for n, t in tuned["targets"].items()]
    axis.barh(*zip(*bars))
    axis.set(xlabel="output tokens per second, one request at a time", title="Speed")
    save(figure, "speed")


def main():
    base = io.read_json(METRICS / "base.json")
    quality = {c: io.read_json(METRICS / f"retrieval_{c}_quality.json") for c in CANDIDATES}
    natural = {c: io.read_json(METRICS / f"natural_{c}.json") for c in CANDIDATES}
    speed = {c: io.read_json(METRICS / f"retrieval_{c}_speed.json") for c in CANDIDATES}
    baseline, tuned = io.read_json(METRICS / "baseline_speed.json"), io.read_json(METRICS / "finetuned_speed.json")
    checks = {name: io.read_json(METRICS / f"{name}_check.json") for name in ("baseline", "finetuned")}
    training, dataset = io.read_json(METRICS / "finetune.json"), io.read_json(METRICS / "dataset.json")
    merged, gguf = io.read_json(METRICS / "export_merged.json"), io.read_json(METRICS / "export_gguf.json")
    plots(REPORTS / "plots", quality, natural, baseline, tuned)
    host = tuned["host"]
    model = base["model"]
    parts = [
        f"# Memory extraction with {model}",
        f"Measured on {host['processor']}, {host['threads']} threads, {host['memory_gib']} GiB; commit {host['commit']}; seed {training['seed']}; "
        + ", ".join(f"{k} {v}" for k, v in host["versions"].items()) + ".",
        "## Verdict", "\n".join(verdict(quality, natural)),
        "## Models and backends",
        f"{baseline['new_tokens']} new tokens a request, {len(next(iter(tuned['targets'].values()))['raw_latency_s'])} prompts, one request at a time. Precision@5 is the generated evaluation set's, measured once for the base (its GGUF) and once for the tuned model (the GGUF of retrieval_eval.finetuned_model), both with llama.cpp; it is not measured for each format. "
        "The last two rows are what the original work published for its own model, not measured here.",
        table(
            ["model", "fine-tuned", "precision@5", "format", "backend", "LoRA merged", "average latency", "throughput"],
            speed_rows(baseline, model, False, quality["base"]["precision_at_5"]) + speed_rows(tuned, model, True, quality["finetuned"]["precision_at_5"])
            + [["Llama 3.1 8B (original work)", "no", f"{ORIGINAL['base']:.2f}", "-", "-", "-", "-", "-"], ["Llama 3.1 8B (original work)", "yes", f"{ORIGINAL['finetuned']:.2f}", "-", "-", "-", "-", "-"]],
        ),
        "![Speed](plots/speed.svg)",
        "## Retrieval through Mem0",
        "precision@5: hits over all queries; a hit is a memory among the first five that comes from the query's own conversation and holds its answer.",
        f"### Generated evaluation set ({dataset['eval']['queries']} queries, {dataset['eval']['small_talk']} pieces of small talk)",
        table(RETRIEVAL_HEADER, retrieval_rows(quality)),
        f"### Natural, hand-written conversations ({dataset['natural']['memories']} queries, {dataset['natural']['small_talk']} pieces of small talk)",
        table(RETRIEVAL_HEADER, retrieval_rows(natural)),
        "![Retrieval](plots/retrieval.svg)",
        "### Outcomes of the adds",
        table(["candidate", "set", *quality["base"]["outcomes"], "repaired", "memories with unsaid names or numbers"],
              [[NAMES[c], label, *map(str, sets[c]["outcomes"].values()), str(sets[c]["repaired"]), percent(sets[c]["memories_with_unsaid_names_or_numbers"])]
               for label, sets in (("generated", quality), ("natural", natural)) for c in ("base", "finetuned")]),
        "### Decoding: free, any JSON object, the contract's schema",
        table(["candidate", "decoding", "conversations", "well-formed", "repaired", "keys kept, repairs included", "output tokens"],
              [[NAMES[c], d, str(f["conversations"]), percent(f["well_formed_share"]), str(f["repaired"]), percent(f["keys_kept"]), str(f["output_tokens_mean"])]
               for c in ("base", "finetuned") for d, f in quality[c].get("decodings", {}).items()]),
        "### Latency",
        table(["candidate", "add p50", "add p95", "adds per second", "search p50", "search p95"],
              [[NAMES[c], *(f"{speed[c]['eval'][k]:.3f} s" for k in ("add_seconds_p50", "add_seconds_p95")), f"{speed[c]['eval']['adds_per_second']:.1f}",
                *(f"{speed[c]['eval'][k]:.3f} s" for k in ("search_seconds_p50", "search_seconds_p95"))] for c in CANDIDATES])
        + f"\n\n{speed['finetuned']['eval']['concurrency']} adds at once; a latency includes the wait for the others.",
        "## Does it work as a Mem0 backend at all?",
        table(["model", "said", "outcome", "stored"], [[n, a["said"], a["outcome"], "; ".join(a["stored"]) or "nothing"] for n, c in checks.items() for a in c["adds"]])
        + "\n\n" + "\n".join(f"- {n}: \"{c['query']}\" finds the city: {'yes' if c['city_found'] else 'no'}, the allergy: {'yes' if c['allergy_found'] else 'no'}." for n, c in checks.items()),
        "## Training",
        f"{training['train_examples']} examples ({dataset['train']['extraction']} conversations from {dataset['train']['frames']} hand-written ones, {dataset['train']['instructions']} general instructions), "
        f"{percent(dataset['train']['nothing_to_store_share'])} with nothing to store; {training['train_tokens']:,} tokens in {training['seconds']:.0f} s ({training['tokens_per_second']:.0f} tokens/s, {training['precision']}), "
        f"{training['trainable_parameters']:,} trainable parameters, peak memory {training['peak_rss_gib']} GiB, validation loss {training['validation_loss']}. "
        f"{dataset['left_out']['repeats_eval_value'] + dataset['left_out']['repeats_eval_phrasing']} draws of training conversations were left out because they repeat a value or phrasing of the evaluation.",
        "![Training curve](plots/loss.svg)",
        "## Exports",
        f"Merged ({merged['dtype']}): {merged['merged_tensors']} of {merged['tensors']} tensors changed; largest difference of a logit from base + adapter {merged['max_logit_difference']} (same next token at {percent(merged['same_next_token_share'])} of positions).",
        table(["GGUF", "MB", "same text as merged", "same decision to store", "well-formed"],
              [[k, f"{v['bytes'] / 1e6:.0f}", percent(v["same_text_as_merged"]), percent(v["same_decision_to_store"]), percent(v["well_formed"])] for k, v in gguf["types"].items()])
        + f"\n\nGreedy answers to {gguf['proof_examples']} validation conversations.",
    ]  # fmt: skip
    io.write_text(REPORTS / "report.md", "\n\n".join(parts) + "\n")


if __name__ == "__main__":
    params.run_stage(main)
