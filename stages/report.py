"""Write the report: what was measured, against the original work and against storing raw messages, with a verdict.

Reads  metrics, reports/runs, reports/items_<candidate>.jsonl, benchmarks/search.json
Writes reports/report.md, reports/report.html (one file, works offline), reports/plots/*.svg
"""

import collections
import html
import re
from dataclasses import dataclass
from pathlib import Path

from mem0_slm import io, params, scoring
from stages.gate import committed, flat

METRICS, REPORTS = Path("metrics"), Path("reports")
SEARCH = Path("benchmarks/search.json")
RUNS = REPORTS / "runs"
CANDIDATES = ("no_llm", "base", "finetuned")
NAMES = {"no_llm": "raw message, no LLM", "base": "base model", "finetuned": "fine-tuned model"}
SETS = {"eval": "generated evaluation set", "natural": "natural, hand-written conversations"}

# What the work that this project starts from published; not measured here. "-" is what it did not state.
ORIGINAL = [
    ["Llama 3.1 8B (published by the original work)", "no", "0.95"],
    ["Llama 3.1 8B (published by the original work)", "yes", "0.80"],
    ["Llama 4 Scout (published by the original work)", "yes", "could not be exported for want of memory"],
]


@dataclass(frozen=True)
class Params:
    max_fall: float
    """Most that a quality metric of the tuned model may fall before stages.gate fails."""

    def __post_init__(self):
        params.require(0 <= self.max_fall <= 1, "max_fall", self.max_fall, "must be a share from 0 to 1")


# --- a report is a list of blocks, written twice: as Markdown and as HTML ---


def markdown(blocks: list[tuple]) -> str:
    from tabulate import tabulate

    written = []
    for kind, *content in blocks:
        if kind == "table":
            written.append(tabulate(content[1], headers=content[0], tablefmt="github", disable_numparse=True))
        elif kind == "list":
            written.append("\n".join(f"- {item}" for item in content[0]))
        elif kind == "plot":
            written.append(f"![{content[1]}](plots/{content[0]}.svg)")
        else:
            written.append({"h1": "# ", "h2": "## ", "h3": "### ", "p": ""}[kind] + content[0])
    return "\n\n".join(written) + "\n"


STYLE = """
:root { color-scheme: light dark; --line: #8886; --quiet: #777 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid var(--line) } h3 { font-size: 1rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem; white-space: nowrap }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left } figure { margin: 1rem 0 } svg { max-width: 100%; height: auto }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #16181c } }
"""


def rich(text: str) -> str:
    """Text for HTML: escaped, **bold** kept."""
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(str(text)))


def page(blocks: list[tuple], plots: Path) -> str:
    """The report as one HTML file: styles and plots inside, no script, nothing fetched."""
    written = []
    for kind, *content in blocks:
        if kind == "table":
            head = "".join(f"<th>{rich(cell)}</th>" for cell in content[0])
            body = "".join("<tr>" + "".join(f"<td>{rich(cell)}</td>" for cell in row) + "</tr>" for row in content[1])
            written.append(
                f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
            )
        elif kind == "list":
            written.append("<ul>" + "".join(f"<li>{rich(item)}</li>" for item in content[0]) + "</ul>")
        elif kind == "plot":
            drawing = (plots / f"{content[0]}.svg").read_text(encoding="utf-8")
            written.append(
                f'<figure aria-label="{html.escape(content[1])}">{drawing[drawing.index("<svg") :]}</figure>'
            )
        else:
            written.append(f"<{kind}>{rich(content[0])}</{kind}>")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{rich(blocks[0][1])}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(written) + "\n</body></html>\n"


# --- what stands in it ---


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"


def between(m: dict, name: str) -> str:
    """A metric with its interval."""
    ci = m.get(f"{name}_ci")
    return f"{m[name]:.3f}" + (f" [{ci[0]:.2f}, {ci[1]:.2f}]" if ci else "")


def model_rows(speed: dict, model: str, tuned: bool, precision) -> list[list]:
    """Rows of the original work's table: model, fine-tuned, precision@5, format, backend, LoRA merged, latency, throughput."""
    rows = []
    for t in speed["targets"].values():
        merged = "-" if not tuned else "no, applied at run time" if t["adapter"] else "yes"
        rows.append(
            [
                model,
                "yes" if tuned else "no",
                f"{precision:.3f}",
                f"{t['format']} {t['precision']}",
                t["engine"],
                merged,
                f"{t['latency_mean_s']:.3f} s",
                f"{t['tokens_per_second']:.1f} tok/s",
                str(t["requests"]),
            ]
        )
    rows += [
        [model, "yes" if tuned else "no", "-", name, "not run", "-", reason[:80], "-", "0"]
        for name, reason in speed["not_run"].items()
    ]
    return rows


def serving_rows(speeds: dict[str, dict], workload: str | None) -> list[list]:
    """What a serving engineer asks for, a row a target; `workload` None is the general prompts."""
    rows = []
    for group, speed in speeds.items():
        for name, target in speed["targets"].items():
            t = target if workload is None else target.get(workload)
            if not t or not t["requests"]:
                continue
            row = [
                f"{group} {name}",
                f"{t['latency_mean_s']:.3f}",
                f"{t['first_token_p50_s']:.3f}",
                "/".join(f"{1000 * t[f'inter_token_p{p}_s']:.1f}" for p in (50, 95, 99))
                if "inter_token_p50_s" in t
                else "-",
                f"{t['prefill_tokens_per_second']:.0f}",
                f"{t['decode_tokens_per_second'] or 0:.1f}",
                f"{t['prompt_tokens']}/{t['output_tokens']}",
                str(sum(t["errors"].values())),
            ]
            if workload is None:
                row += [
                    f"{t.get('percent_of_ceiling', '-')}%",
                    " / ".join(f"{n}: {v:.2f}" for n, v in t["requests_per_second"].items()),
                    f"{t['load_s']:.1f}",
                    f"{t['peak_rss_gib']:.2f}",
                    f"{t['weights_bytes'] / 1e6:.0f}",
                ]
            rows.append(row)
    return rows


SERVING = [
    "target",
    "latency s",
    "first token s",
    "inter-token ms p50/p95/p99",
    "prefill tok/s",
    "decode tok/s",
    "tokens in/out",
    "errors",
]
RETRIEVAL = [
    "candidate",
    "precision@5 [95%]",
    "hits",
    "hit@1 [95%]",
    "hit@3 [95%]",
    "hit@10 [95%]",
    "MRR [95%]",
    "keys kept",
    "small talk stored",
    "valid JSON",
    "failed adds",
    "items with nothing stored",
]


def retrieval_rows(metrics: dict[str, dict]) -> list[list]:
    """A row a candidate, with counts beside shares."""
    return [
        [
            NAMES.get(name, name),
            between(m, "precision_at_5"),
            f"{m['num_hits']}/{m['num_total_queries']}",
            *(between(m, k) for k in ("hit_at_1", "hit_at_3", "hit_at_10", "mrr")),
            percent(m["keys_kept"]),
            f"{percent(m['small_talk_stored'])} of {m['num_small_talk']}",
            percent(m.get("valid_json_share")),
            str(m.get("failed_adds", "-")),
            str(m["facts_missed"]),
        ]
        for name, m in metrics.items()
    ]


def hits(items: list[dict], name: str) -> dict[str, bool]:
    """Query id -> whether it was a hit among the first five, for the items of one set."""
    return {
        row["id"]: row["first_hit"] is not None and row["first_hit"] <= 5
        for row in items
        if row["set"] == name and "first_hit" in row
    }


def compared(items: dict[str, list[dict]], ours: str, theirs: str, name: str) -> dict:
    a, b = hits(items[ours], name), hits(items[theirs], name)
    if a.keys() != b.keys():
        raise io.DataError(
            f"reports/items_{ours}.jsonl and items_{theirs}.jsonl hold other queries of {name}. Run `dvc repro retrieval_eval`."
        )
    return scoring.paired([a[i] for i in sorted(a)], [b[i] for i in sorted(a)])


def answer(test: dict) -> str:
    """Yes, no, or that these queries do not tell: by McNemar's exact test at 5%."""
    return ("yes" if test["difference"] > 0 else "no, worse") if test["p"] < 0.05 else "not shown"


def verdict(sets: dict[str, dict], items: dict[str, list[dict]]) -> list[str]:
    """Plain answers to the three questions a reader has."""
    lines = []
    for name, label in SETS.items():
        tuned, base = sets[name]["finetuned"], sets[name]["base"]
        kept = tuned["failed_adds"] == 0 and tuned["valid_json_share"] == 1
        lines.append(
            f"**Does the tuned model keep Mem0's contract?** On the {label}: {'yes' if kept else 'no, not always'}; {percent(tuned['valid_json_share'])} of its answers are well-formed, failed adds: {tuned['failed_adds']} (base: {percent(base['valid_json_share'])}, {base['failed_adds']})."
        )
    for theirs, question in (("base", "Better than the base?"), ("no_llm", "Better than storing raw text?")):
        for name, label in SETS.items():
            test, tuned, other = compared(items, "finetuned", theirs, name), sets[name]["finetuned"], sets[name][theirs]
            chance = "< 0.0001" if test["p"] < 1e-4 else f"= {test['p']:.4f}"
            lines.append(
                f"**{question}** On the {label}: {answer(test)}; precision@5 {tuned['precision_at_5']:.3f} against {other['precision_at_5']:.3f} "
                f"(difference {test['difference']:+.3f}, 95% {test['ci'][0]:+.3f} to {test['ci'][1]:+.3f}; {test['only_ours']} queries only it hit, {test['only_theirs']} only the other, p {chance}); "
                f"small talk stored {percent(tuned['small_talk_stored'])} against {percent(other['small_talk_stored'])}."
            )
    return lines


CAUSES = (
    "hit among the first five",
    "found, but below the first five",
    "stored, but its answer was not found",
    "nothing stored",
)


def causes(items: list[dict], name: str) -> dict[str, int]:
    """What became of each query of a set."""
    found = collections.Counter()
    for row in items:
        if row["set"] == name and "first_hit" in row:
            rank = row["first_hit"]
            found[CAUSES[(0 if rank <= 5 else 1) if rank else 2 if row["memories"] else 3]] += 1
    return {cause: found[cause] for cause in CAUSES}


def changes(revision: str = "HEAD") -> list[list]:
    """What the workspace's metrics say differently from the last commit's; wall-clock figures are left out."""
    rows = []
    for path in sorted(METRICS.glob("*.json")):
        if path.stem.endswith("_speed"):
            continue
        old, new = committed(revision, path.as_posix()) or {}, flat(io.read_json(path))
        for name in sorted(old.keys() & new.keys()):
            if old[name] != new[name] and "seconds" not in name and "per_second" not in name and "rss" not in name:
                rows.append([path.stem, name, f"{old[name]:g}", f"{new[name]:g}", f"{new[name] - old[name]:+g}"])
    return rows


def searched(search: dict) -> list[tuple]:
    """The hyperparameter search: what was tried, best first, as a table and a plot."""
    found = search["experiments"]
    keys = list(found[0]["params"])
    shared = ", ".join(f"{key} {value}" for key, value in search["shared"].items())
    return [
        ("h3", "Hyperparameter search"),
        (
            "p",
            f"{len(found)} DVC experiments ({shared}), {search['failed']} failed; commit {search['host']['commit']}. `make search` runs them.",
        ),
        (
            "table",
            [*keys, "validation loss", "seconds"],
            [
                [
                    *(str(e["params"][key]) for key in keys),
                    f"{e['metrics']['validation_loss']:.4f}",
                    f"{e['metrics']['seconds']:.0f}",
                ]
                for e in found
            ],
        ),
        ("plot", "search", "Validation loss of the search"),
    ]


def read_csv(path: Path) -> list[dict]:
    import csv

    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def plots(folder: Path, sets: dict, speeds: dict, retrieval_speed: dict, gguf: dict, search: dict) -> None:
    """SVG plots, on no background and in grey, so that they can be read on light and dark pages."""
    import matplotlib

    matplotlib.use("Agg")
    grey = "#808080"
    matplotlib.rcParams |= {
        "svg.hashsalt": "mem0-slm",  # the same figures give the same file
        "savefig.transparent": True,
        "legend.framealpha": 0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), grey),
    }
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)

    def save(figure, name):
        figure.tight_layout()
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)

    figure, axis = plt.subplots(figsize=(7, 3.5))
    for column, label in (("loss", "training"), ("eval_loss", "validation")):
        points = [(int(r["step"]), float(r[column])) for r in read_csv(METRICS / "loss.csv") if r[column]]
        axis.plot(*zip(*points), marker="o" if column == "eval_loss" else None, label=label)
    axis.set(xlabel="step", ylabel="loss", title="Training curve")
    axis.legend()
    save(figure, "loss")

    figure, axis = plt.subplots(figsize=(7, 3.5))
    for offset, metrics in enumerate(sets.values()):
        values = [m["precision_at_5"] for m in metrics.values()]
        bounds = [m.get("precision_at_5_ci", [v, v]) for m, v in zip(metrics.values(), values)]
        around = [
            [max(0, v - b[0]) for v, b in zip(values, bounds)],
            [max(0, b[1] - v) for v, b in zip(values, bounds)],
        ]
        axis.bar(
            [i + offset * 0.4 for i in range(len(values))],
            values,
            0.38,
            yerr=around,
            ecolor=grey,
            capsize=3,
            label=list(SETS)[offset],
        )
    names = [NAMES.get(c, c) for c in next(iter(sets.values()))]
    axis.set(ylim=(0, 1.05), ylabel="precision@5, 95% interval", title="Retrieval through Mem0")
    axis.set_xticks([i + 0.2 for i in range(len(names))], names)
    axis.legend()
    save(figure, "retrieval")

    figure, axis = plt.subplots(figsize=(7, 3.5))
    for name, metrics in sets.items():
        points = [
            (retrieval_speed[c][name]["adds_per_second"], m["precision_at_5"], NAMES.get(c, c))
            for c, m in metrics.items()
        ]
        axis.scatter([x for x, _, _ in points], [y for _, y, _ in points], label=name)
        for x, y, label in points:
            axis.annotate(label, (x, y), xytext=(5, 4), textcoords="offset points", fontsize=7)
    axis.set(
        xscale="log",
        ylim=(0, 1.05),
        xlabel="adds per second (logarithmic)",
        ylabel="precision@5",
        title="Quality against speed",
    )
    axis.legend()
    save(figure, "quality_speed")

    figure, axis = plt.subplots(figsize=(7, 3.5))
    for key, label in (
        ("same_decision_to_store", "same decision to store as merged"),
        ("well_formed", "well-formed"),
        ("same_text_as_merged", "same text as merged"),
    ):
        points = sorted((v["bytes"] / 1e6, v[key]) for v in gguf["types"].values() if key in v)
        axis.plot(*zip(*points), marker="o", label=label)
    for kind, v in gguf["types"].items():
        axis.annotate(kind, (v["bytes"] / 1e6, 0.02), rotation=90, fontsize=7, ha="center")
    axis.set(ylim=(0, 1.05), xlabel="MB", ylabel="share of extractions", title="Quality against size")
    axis.legend()
    save(figure, "quality_size")

    figure, axis = plt.subplots(figsize=(7, 3.5))
    bars = [
        (f"{group} {name}", t["tokens_per_second"])
        for group, speed in speeds.items()
        for name, t in speed["targets"].items()
    ]
    if bars:
        axis.barh(*zip(*bars))
    axis.set(xlabel="output tokens per second, one request at a time", title="Speed")
    save(figure, "speed")

    figure, axis = plt.subplots(figsize=(7, 3))
    tried = search["experiments"][::-1]
    axis.barh(
        [", ".join(f"{key.rsplit('.', 1)[-1]} {value}" for key, value in e["params"].items()) for e in tried],
        [e["metrics"]["validation_loss"] for e in tried],
    )
    axis.set(xlabel="validation loss", title="Hyperparameter search")
    save(figure, "search")


def contents(
    sets, speeds, retrieval_speed, items, base, training, dataset, merged, gguf, checks, own, search
) -> list[tuple]:
    """The report's blocks."""
    host, model = speeds["tuned"]["host"], base["model"]
    llm = [c for c in sets["eval"] if c != "no_llm"]
    header = [
        "model",
        "fine-tuned",
        "precision@5",
        "format",
        "backend",
        "LoRA merged",
        "average latency",
        "throughput",
        "requests",
    ]
    band = speeds["tuned"]["bandwidth_gb_per_second"]
    blocks = [
        ("h1", f"Memory extraction with {model}"),
        (
            "p",
            f"Measured on {host['processor']}, {host['threads']} threads, {host['memory_gib']} GiB; commit {host['commit']}; seed {training['seed']}; "
            + ", ".join(f"{k} {v}" for k, v in host["versions"].items())
            + ".",
        ),
        ("h2", "Verdict"),
        ("list", verdict(sets, items)),
        (
            "p",
            'The same queries were put to both candidates; p is McNemar\'s exact test, "not shown" means that so few differing queries can be chance (p of 0.05 or more).',
        ),
        ("h2", "Models and backends"),
        (
            "p",
            f"{speeds['tuned']['new_tokens']} new tokens a request, one request at a time. Precision@5 is the generated evaluation set's, measured once for the base (its GGUF, as retrieval_eval.base_type where that is set) and once for the tuned model (the GGUF of retrieval_eval.finetuned_model), both with llama.cpp; it is not measured for each format. "
            "The last rows are what the original work published for its own models, not measured here.",
        ),
        (
            "table",
            header,
            model_rows(speeds["base"], model, False, sets["eval"]["base"]["precision_at_5"])
            + model_rows(speeds["tuned"], model, True, sets["eval"]["finetuned"]["precision_at_5"])
            + [row + ["-"] * 6 for row in ORIGINAL],
        ),
        ("plot", "speed", "Speed"),
        ("h3", "Serving: general prompts"),
        (
            "table",
            [*SERVING, "of the ceiling", "requests/s by clients", "load s", "peak GiB", "weights MB"],
            serving_rows(speeds, None),
        ),
        ("h3", "Serving: Mem0 extraction calls"),
        ("table", SERVING, serving_rows(speeds, "extraction")),
        ("p", f"Memory bandwidth: read {band['read']} GB/s, copy {band['copy']} GB/s. Definitions:"),
        ("list", [f"{name}: {text}" for name, text in speeds["tuned"]["definitions"].items()]),
        ("h2", "Retrieval through Mem0"),
        (
            "p",
            "precision@5: hits over all queries; a hit is a memory among the first five that comes from the query's own conversation and holds its answer. In brackets the 95% interval, "
            f"{scoring.RESAMPLES:,} bootstrap resamples over queries.",
        ),
    ]
    for name, label in SETS.items():
        m = next(iter(sets[name].values()))
        blocks += [
            (
                "h3",
                f"{label[0].upper()}{label[1:]} ({m['num_total_queries']} queries, {m['num_small_talk']} pieces of small talk)",
            ),
            (
                "table",
                RETRIEVAL,
                retrieval_rows(sets[name])
                + (
                    [[f"{r[0]}{', fine-tuned' if r[1] == 'yes' else ''}", r[2]] + ["-"] * 10 for r in ORIGINAL[:2]]
                    if name == "eval"
                    else []
                ),
            ),
        ]
    blocks += [("plot", "retrieval", "Retrieval"), ("plot", "quality_speed", "Quality against speed")]
    if any(own.values()):
        shown = ("precision_at_5", "evidence_recall_at_5", "evidence_recall_at_10")
        blocks += [
            ("h3", "Sets of one's own"),
            (
                "table",
                ["candidate", "set", *shown, "malformed, left out"],
                [
                    [NAMES.get(c, c), name, *(between(m, k) if k in m else "-" for k in shown), str(m["num_malformed"])]
                    for c, found in own.items()
                    for name, m in found.items()
                ],
            ),
        ]
    blocks += [
        ("h3", "What became of each query"),
        (
            "table",
            ["candidate", "set", *CAUSES],
            [[NAMES.get(c, c), name, *map(str, causes(items[c], name).values())] for name in SETS for c in sets[name]],
        ),
        ("h3", "Outcomes of the adds"),
        (
            "table",
            [
                "candidate",
                "set",
                *sets["eval"]["base"]["outcomes"],
                "repaired",
                "memories an item",
                "added by second looks",
                "memories with a quote",
                "memories with unsaid names or numbers",
            ],
            [
                [
                    NAMES.get(c, c),
                    name,
                    *map(str, sets[name][c]["outcomes"].values()),
                    *(
                        str(sets[name][c][k])
                        for k in ("repaired", "memories_per_item", "added_by_second_look", "quoted")
                    ),
                    percent(sets[name][c]["memories_with_unsaid_names_or_numbers"]),
                ]
                for name in SETS
                for c in llm
            ],
        ),
        ("h3", "Decoding: free, any JSON object, the contract's schema"),
        (
            "table",
            [
                "candidate",
                "decoding",
                "conversations",
                "well-formed",
                "repaired",
                "keys kept, repairs included",
                "output tokens",
            ],
            [
                [
                    NAMES.get(c, c),
                    d,
                    str(f["conversations"]),
                    percent(f["well_formed_share"]),
                    str(f["repaired"]),
                    percent(f["keys_kept"]),
                    str(f["output_tokens_mean"]),
                ]
                for c in llm
                for d, f in sets["eval"][c].get("decodings", {}).items()
            ],
        ),
        ("h3", "Latency"),
        (
            "table",
            ["candidate", "add p50", "add p95", "adds per second", "search p50", "search p95"],
            [
                [
                    NAMES.get(c, c),
                    *(f"{s['eval'][k]:.3f} s" for k in ("add_seconds_p50", "add_seconds_p95")),
                    f"{s['eval']['adds_per_second']:.1f}",
                    *(f"{s['eval'][k]:.3f} s" for k in ("search_seconds_p50", "search_seconds_p95")),
                ]
                for c, s in retrieval_speed.items()
            ],
        ),
        (
            "p",
            f"{retrieval_speed['finetuned']['eval']['concurrency']} adds at once; a latency includes the wait for the others.",
        ),
        ("h2", "Does it work as a Mem0 backend at all?"),
        (
            "table",
            ["model", "said", "outcome", "stored"],
            [
                [n, a["said"], a["outcome"], "; ".join(a["stored"]) or "nothing"]
                for n, c in checks.items()
                for a in c["adds"]
            ],
        ),
        (
            "list",
            [
                f'{n}: "{c["query"]}" finds the city: {"yes" if c["city_found"] else "no"}, the allergy: {"yes" if c["allergy_found"] else "no"}.'
                for n, c in checks.items()
            ],
        ),
        ("h2", "Training"),
        (
            "p",
            f"{training['train_examples']} examples ({dataset['train']['extraction']} conversations from {dataset['train']['frames']} hand-written ones, {dataset['train']['instructions']} general instructions), "
            f"{percent(dataset['train']['nothing_to_store_share'])} with nothing to store; {training['train_tokens']:,} tokens in {training['seconds']:.0f} s ({training['tokens_per_second']:.0f} tokens/s, {training['precision']}), "
            f"{training['trainable_parameters']:,} trainable parameters, peak memory {training['peak_rss_gib']} GiB, validation loss {training['validation_loss']}. "
            f"{dataset['left_out']['repeats_eval_value'] + dataset['left_out']['repeats_eval_phrasing']} draws of training conversations were left out because they repeat a value or phrasing of the evaluation.",
        ),
        ("plot", "loss", "Training curve"),
        *searched(search),
        ("h2", "Exports"),
        (
            "p",
            f"Merged ({merged['dtype']}): {merged['merged_tensors']} of {merged['tensors']} tensors changed; largest difference of a logit from base + adapter {merged['max_logit_difference']} (same next token at {percent(merged['same_next_token_share'])} of positions).",
        ),
        (
            "table",
            [
                "form",
                "MB",
                "perplexity",
                "of the merged model's",
                "same text as merged",
                "same decision to store",
                "well-formed",
            ],
            [
                [
                    k,
                    f"{v['bytes'] / 1e6:.0f}",
                    f"{v['perplexity']:.4f}",
                    f"{v['perplexity_increase']:+.1%}",
                    percent(v["same_text_as_merged"]),
                    percent(v["same_decision_to_store"]),
                    percent(v["well_formed"]),
                ]
                for k, v in [*gguf["types"].items(), *([("NF4", merged["nf4"])] if merged["nf4"] else [])]
            ],
        ),
        (
            "p",
            f"Perplexity of the answers and greedy answers on {gguf['proof_examples']} validation conversations (NF4: {merged['proof_examples']}).",
        ),
        ("plot", "quality_size", "Quality against size"),
        ("h2", "What changed since the last commit"),
    ]
    changed = changes()
    blocks.append(
        ("table", ["metrics", "name", "before", "now", "change"], changed)
        if changed
        else ("p", "Nothing: the metrics are those of the last commit (wall-clock figures aside).")
    )
    return blocks


def main():
    names = [c for c in CANDIDATES if (RUNS / f"retrieval_{c}_quality.json").exists()]
    names += sorted(
        c
        for c in (f.stem[len("retrieval_") : -len("_quality")] for f in RUNS.glob("retrieval_*_quality.json"))
        if c not in CANDIDATES
    )
    run = lambda name: io.read_json(RUNS / f"{name}.json")  # noqa: E731
    sets = {
        "eval": {c: run(f"retrieval_{c}_quality") for c in names},
        "natural": {c: run(f"natural_{c}") for c in names},
    }
    speeds = {"base": run("baseline_speed"), "tuned": run("finetuned_speed")}
    retrieval_speed = {c: run(f"retrieval_{c}_speed") for c in names}
    items = {c: io.read_jsonl(REPORTS / f"items_{c}.jsonl", {"id": str, "set": str}) for c in names}
    gguf = run("export_gguf")
    search = io.read_json(SEARCH)
    plots(REPORTS / "plots", sets, speeds, retrieval_speed, gguf, search)
    blocks = contents(
        sets,
        speeds,
        retrieval_speed,
        items,
        run("base"),
        run("finetune"),
        io.read_json(METRICS / "dataset.json"),
        run("export_merged"),
        gguf,
        {name: run(f"{name}_check") for name in ("baseline", "finetuned")},
        {c: run(f"own_data_{c}")["sets"] for c in names},
        search,
    )
    io.write_text(REPORTS / "report.md", markdown(blocks))
    io.write_text(REPORTS / "report.html", page(blocks, REPORTS / "plots"))


if __name__ == "__main__":
    params.run_stage(main)
