"""The report's tables."""

import collections

from mem0_slm import io
from pipeline.paths import METRICS
from pipeline.results import committed, flat

NAMES = {"no_llm": "raw message, no LLM", "base": "base model", "finetuned": "fine-tuned model"}


SETS = {"eval": "generated evaluation set", "natural": "natural, hand-written conversations"}


# What the work that this project starts from published; not measured here. "-" is what it did not state.
ORIGINAL = [
    ["Llama 3.1 8B (published by the original work)", "no", "0.95"],
    ["Llama 3.1 8B (published by the original work)", "yes", "0.80"],
    ["Llama 4 Scout (published by the original work)", "yes", "could not be exported for want of memory"],
]


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
