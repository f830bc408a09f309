"""The figures in README.md and docs/*.md, read from the files that runs wrote: no figure there is typed by hand.

    python -m pipeline.report.figures            fills them in again (`make docs`)
    python -m pipeline.report.figures --check    exits with 5 when a page is not current

The pages hold blocks that cog fills by calling a function of this module; each function returns Markdown.
"""

import sys
from pathlib import Path

from mem0_slm import io
from pipeline.data import labels
from pipeline.evaluation.candidates import CANDIDATES, SETS, quality_record
from pipeline.evaluation.metrics import METRICS
from pipeline.report.render import table
from pipeline.report.tables import HALVES_HEADER, TRUTH_HEADER, half_rows, percent, truth_rows

PAGES = ("README.md", "docs/results.md", "data/labels/README.md")

ROOT = Path(__file__).resolve().parents[2]


def read(path: str) -> dict:
    """A JSON file of the repository."""
    return io.read_json(ROOT / path)


def record(name: str) -> dict:
    """What a stage measured."""
    return read(f"reports/runs/{name}.json")


def machine(path: str) -> str:
    """On what, and at which commit, a file's figures were measured."""
    host = read(path)["host"]
    return f"{host['processor']}, {host['threads']} threads, commit {host['commit']}"


def quality() -> str:
    """What came of raw messages, the base and the tuned model on both evaluation sets."""
    rows, base = [], record("base")["model"]
    for name, conversations in SETS.items():
        for candidate, label in CANDIDATES.items():
            m = record(quality_record(name, candidate))
            model = "valid_json_share" in m
            rows.append(
                [
                    f"{label}, {base}" if model else label,
                    conversations,
                    f"{m['precision_at_5']:.3f} ({m['num_hits']}/{m['num_total_queries']})",
                    f"{percent(m['keys_kept'])} of {m['num_keys']}",
                    f"{percent(m['small_talk_stored'])} of {m['num_small_talk']}",
                    percent(m["valid_json_share"]) if model else "-",
                    m["failed_adds"] if model else "-",
                ]
            )
    header = ["what is stored", "conversations", "precision@5", "names and numbers kept", "small talk stored"]
    return table([*header, "well-formed answers", "failed adds"], rows)


def quality_machine() -> str:
    """Where the table of `quality` was measured."""
    return f"Measured on {machine('reports/runs/natural_finetuned.json')}."


def truth() -> str:
    """What of the memories of the natural conversations is true, by candidate."""
    return table(TRUTH_HEADER, truth_rows({c: record(quality_record("natural", c)) for c in CANDIDATES}))


def definitions() -> str:
    """What each quality metric means."""
    better = {1: "more", -1: "less", 0: "-"}
    return table(["metric", "what it is", "better"], [[f"`{m.name}`", m.definition, better[m.better]] for m in METRICS])


def label_counts() -> str:
    """How many statements have which label, on the half that rules are tuned on and on the half that measures them."""
    found = labels.read_labels(ROOT / labels.STATEMENTS)
    rows = []
    for side, held_out in (("to tune on", False), ("held out", True)):
        own = [label for label in found if label.held_out == held_out]
        counts = [sum(label.label == name for label in own) for name in labels.LABELS]
        rows.append([side, len({label.conversation for label in own}), len(own), *counts])
    return table(["half", "conversations", "statements", *labels.LABELS], rows)


def label_meanings() -> str:
    """What the labels and the kinds mean."""
    rows = [[f"`{name}`", text] for name, text in labels.LABELS.items()]
    return "\n\n".join(
        [
            table(["label", "when"], rows),
            table(["kind", "what happened"], [[f"`{name}`", text] for name, text in labels.KINDS.items()]),
        ]
    )


def readers_agreement(found: dict) -> str:
    """How far two readers agree, in words. found: what `labels.agreement` gives."""
    if not found.get("readers_statements"):
        return "nothing is labelled yet"
    return (
        f"the two readers agree on {percent(found['readers_agree'])} of {found['readers_statements']:,} (Cohen's "
        f"kappa {found['readers_kappa']:.2f}); a third look decided {found['third_looks']:,}"
    )


def label_agreement() -> str:
    """How far the readers of either file agree; of the natural set's labels, those that a figure of today rests on."""
    own = labels.agreement(labels.read_labels(ROOT / labels.STATEMENTS))
    natural = record(quality_record("natural", "finetuned"))
    return (
        f"- `statements.jsonl`: {readers_agreement(own)}.\n"
        f"- `natural.jsonl`, the tuned model of the report: {readers_agreement(natural)}."
    )


def training() -> str:
    """What the training took."""
    run = record("finetune")
    return (
        f"{run['train_examples']:,} examples, {run['train_tokens']:,} tokens, in {run['seconds'] / 60:.0f} minutes "
        f"({run['tokens_per_second']:.0f} tokens/s, {run['precision']}), at most {run['peak_rss_gib']} GiB of memory; "
        f"{machine('reports/runs/finetune.json')}."
    )


def before_and_after() -> str:
    """One message, and what is stored of it by Mem0's own prompt, by the base and by the tuned model."""
    run = read("benchmarks/before_after.json")
    lines = ["```", f"said      {run['said']}", ""]
    for side in run["sides"]:
        stored = side["stored"] or ["nothing" + (f": {side['reason']}" if side["reason"] else "")]
        lines += [side["name"], *(f"    {text}" for text in stored)]
    return "\n".join([*lines, "```"])


def add_latency() -> str:
    """How long an add takes, ours and stock Mem0's."""
    run = read("benchmarks/add_latency.json")
    first, *later = run["stock_add_seconds"]
    return (
        f"One `add` takes {run['add_seconds_median']:.2f} s (median of {run['adds']}); {percent(run['other_share'])} "
        f"of it is not the model. Mem0 with its own prompt takes {first:.0f} s for the first add with the same model, "
        f"and {min(later):.1f} to {max(later):.1f} s for each later one, whose prompt llama-cpp-python still holds. "
        f"`benchmarks/add_latency.json`, {machine('benchmarks/add_latency.json')}."
    )


def drop_in() -> str:
    """Stock Mem0 on servers that hold the exported model, against our provider."""
    run = read("benchmarks/drop_in.json")
    rows = [["our provider", f"{run['ours']['precision_at_5']:.2f}", percent(run["ours"]["keys_kept"])]]
    for name, side in run["stock"].items():
        rows.append([f"stock Mem0, {name}", f"{side['precision_at_5']:.2f}", percent(side["keys_kept"])])
    return table(["on the generated set", "precision@5", "names and numbers kept"], rows)


def gate() -> str:
    """What the gate brings, over both sets."""
    if not (ROOT / "benchmarks/gate.json").exists():
        return "Not measured yet: `python -m benchmarks.gate`."
    run = read("benchmarks/gate.json")
    names = {"model_alone": "what the model writes", "gate": "what the gate makes of it"}
    rows = []
    for key, label in names.items():
        cells = [f"{run[n][key]['precision_at_5']:.3f}, {percent(run[n][key]['keys_kept'])}" for n in SETS]
        rows.append([label, *cells, run["natural"][key]["memories_per_item"]])
    header = ["stored is", "generated: precision@5, kept", "natural: precision@5, kept", "memories an item, natural"]
    return table(header, rows)


def grounding() -> str:
    """How well the gate's rule agrees with the readers of data/labels/statements.jsonl."""
    return table(HALVES_HEADER, half_rows(record("grounding")))


def scopes() -> str:
    """How far the model obeys custom instructions and the agent's prompt."""
    run = read("benchmarks/scoped_extraction.json")
    agent, forbidden = run["agent"]["memories_that_begin_with_agent"], run["instructions"]["forbidden_stored"]
    return (
        f'- With `agent_id` alone, {agent["asked"]["count"]} of {agent["asked"]["n"]} memories begin with "Agent"; '
        f"without it {agent['plain']['count']} do.\n"
        f"- Of {forbidden['asked']['n']} things that instructions forbid, {forbidden['asked']['count']} are stored; "
        f"without the instructions {forbidden['plain']['count']} are."
    )


def prompt_sections() -> str:
    """What it brings to send the model Mem0's other sections too."""
    run = read("benchmarks/prompt_sections.json")
    labels = {
        "messages": "the new messages alone",
        "known": "also five known memories",
        "last": "also the last messages",
        "date": "also the observation date (an earlier tuned model)",
    }
    rows = []
    for key, label in labels.items():
        form = run["forms"][key]
        again, dates = form["superfluous_stored_again"], form["dates_resolved"]
        rows.append(
            [
                label,
                f"{percent(form['key_words_kept']['share'])} of {form['key_words_kept']['n']}",
                f"{round(again['share'] * again['n'])} of {again['n']}",
                f"{round(dates['share'] * dates['n'])} of {dates['n']}",
                round(form["latency"]["prompt_tokens_mean"]),
                f"{form['latency']['processor_seconds_median']:.2f}",
            ]
        )
    header = ["the model is told", "key words kept", "known facts stored again", "relative times resolved"]
    return table([*header, "prompt tokens", "processor seconds an answer"], rows)


def dates_by_rule() -> str:
    """How many relative times a rule after the model writes right."""
    found = read("benchmarks/prompt_sections.json")["forms"]["messages"]["dates_resolved_by_rule"]
    right = f"{round(found['share'] * found['n'])} of {found['n']}"
    return f"A rule after the model writes {right} relative times right (not part of the product)."


def peers() -> str:
    """Our parts beside other people's, measured side by side."""
    train, merge = read("benchmarks/finetune_speed.json"), read("benchmarks/merge_memory.json")
    llama, vllm = read("benchmarks/overhead.json"), read("benchmarks/vllm_client.json")
    together = read("benchmarks/concurrency.json")
    rows = [
        [
            "training, tokens/s",
            f"{train['ours']['tokens_per_second']:.0f}",
            f"TRL's SFTTrainer: {train['trl']['tokens_per_second']:.0f}",
            f"`finetune_speed.json`, {machine('benchmarks/finetune_speed.json')}",
        ],
        [
            "llama.cpp engine, decoded tokens/s",
            f"{llama['decode_tokens_per_second']['ours']:.0f}",
            f"llama-bench: {llama['decode_tokens_per_second']['llama_bench']:.0f}",
            f"`overhead.json`, {machine('benchmarks/overhead.json')}",
        ],
        [
            "vLLM client, tokens/s at 4 clients",
            f"{vllm['tokens_per_second']['4']['ours']:.0f}",
            f"`vllm bench serve`: {vllm['tokens_per_second']['4']['vllm_bench_serve']:.0f}",
            f"`vllm_client.json`, {machine('benchmarks/vllm_client.json')}",
        ],
        [
            "merging one layer of Llama 4 Scout's shape, peak GB",
            f"{merge['peft']['streamed_peak_gb_above_interpreter']:.2f}",
            f"PEFT's merge_and_unload: {merge['peft']['peak_gb_above_interpreter']:.1f}",
            f"`merge_memory.json`, {machine('benchmarks/merge_memory.json')}",
        ],
        [
            f"adds/s, {together['users']} users at once",
            f"{together['adds_per_second']['together']:.1f}",
            f"one at a time: {together['adds_per_second']['one_at_a_time']:.1f}",
            f"`concurrency.json`, {machine('benchmarks/concurrency.json')}",
        ],
    ]
    return table(["what", "ours", "beside", "file in benchmarks/, machine, commit"], rows)


def second_machine() -> str:
    """An earlier full run, to show what differs from training to training."""
    run = read("benchmarks/second_machine.json")
    sets = {"generated": run["retrieval_finetuned_quality"], "natural": run["natural_finetuned"]}
    found = "; ".join(
        f"{name} {m['precision_at_5']:.3f} ({m['num_hits']}/{m['num_total_queries']}), "
        f"{percent(m['keys_kept'])} of the names and numbers kept, {m['failed_adds']} of the adds failed"
        for name, m in sets.items()
    )
    return f"{found}. `benchmarks/second_machine.json`: {run['what'].split(';')[0]}."


def main() -> int:
    from cogapp import Cog

    how = ["-P", "-p", "from pipeline.report import figures", "--verbosity=1"]
    how += ["--check", "--diff", "--check-fail-msg=Run `make docs`."] if "--check" in sys.argv[1:] else ["-r"]
    return max(Cog().main(["cog", *how, str(ROOT / page)]) or 0 for page in PAGES)


if __name__ == "__main__":
    sys.exit(main())
