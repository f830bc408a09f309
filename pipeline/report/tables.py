"""The rows of the report's tables. A cell is text, a row a list of cells; what they are for stands in report.md.j2."""

import collections

from pipeline.evaluation.candidates import SETS, named
from pipeline.report.measured import Measured

# What the work that this project starts from published; not measured here. "-" is what it did not state.
ORIGINAL = [
    ["Llama 3.1 8B (published by the original work)", "no", "0.95"],
    ["Llama 3.1 8B (published by the original work)", "yes", "0.80"],
    ["Llama 4 Scout (published by the original work)", "yes", "could not be exported for want of memory"],
]
CAUSES = (
    "hit among the first five",
    "found, but below the first five",
    "stored, but its answer was not found",
    "nothing stored",
)
"""What can become of a query."""
TRUTH_HEADER = [
    "candidate",
    "statements stored",
    "labelled",
    "not yet",
    "false",
    "garbled",
    "true [95%]",
    "conversations with a false one [95%]",
    "words stored per word said",
    "the model alone: true [95%]",
    "labelled",
]
HALVES_HEADER = [
    "half",
    "conversations",
    "statements",
    "true",
    "let through",
    "precision [95%]",
    "recall [95%]",
    "let through, not true",
]
OWN = ("precision_at_5", "evidence_recall_at_5", "evidence_recall_at_10")
"""What the report shows of a set of the user's own."""


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"


def between(m: dict, name: str) -> str:
    """A metric with its interval."""
    ci = m.get(f"{name}_ci")
    return f"{m[name]:.3f}" + (f" [{ci[0]:.2f}, {ci[1]:.2f}]" if ci else "")


def model_rows(speed: dict, model: str, tuned: bool, precision) -> list[list]:
    """Rows of the original work's table: model, fine-tuned, precision@5, format, backend, LoRA merged, latency,
    throughput, requests. A target that could not run has its reason in place of the figures."""
    rows, is_tuned = [], "yes" if tuned else "no"
    for t in speed["targets"].values():
        merged = "-" if not tuned else "no, applied at run time" if t["adapter"] else "yes"
        form = f"{t['format']} {t['precision']}"
        took = [f"{t['latency_mean_s']:.3f} s", f"{t['tokens_per_second']:.1f} tok/s", str(t["requests"])]
        rows.append([model, is_tuned, f"{precision:.3f}", form, t["engine"], merged, *took])
    for name, reason in speed["not_run"].items():
        rows.append([model, is_tuned, "-", name, "not run", "-", reason[:80], "-", "0"])
    return rows


def all_model_rows(m: Measured) -> list[list]:
    """`model_rows` of the base and the tuned model, and what the original work published."""
    quality = m.sets["eval"]
    rows = model_rows(m.speeds["base"], m.base["model"], False, quality["base"]["precision_at_5"])
    rows += model_rows(m.speeds["tuned"], m.base["model"], True, quality["finetuned"]["precision_at_5"])
    return rows + [row + ["-"] * 6 for row in ORIGINAL]


def serving_rows(speeds: dict[str, dict], workload: str | None) -> list[list]:
    """What a serving engineer asks for, a row for each target; `workload` None is the general prompts."""
    rows = []
    for group, speed in speeds.items():
        for name, target in speed["targets"].items():
            t = target if workload is None else target.get(workload)
            if t and t["requests"]:
                rows.append([f"{group} {name}", *_served(t), *(_hosted(t) if workload is None else [])])
    return rows


def _served(t: dict) -> list[str]:
    """Latency, first token, inter-token times, prefill, decode, tokens in and out, errors."""
    gaps = "-"
    if "inter_token_p50_s" in t:
        gaps = "/".join(f"{1000 * t[f'inter_token_p{p}_s']:.1f}" for p in (50, 95, 99))
    return [
        f"{t['latency_mean_s']:.3f}",
        f"{t['first_token_p50_s']:.3f}",
        gaps,
        f"{t['prefill_tokens_per_second']:.0f}",
        f"{t['decode_tokens_per_second'] or 0:.1f}",
        f"{t['prompt_tokens']}/{t['output_tokens']}",
        str(sum(t["errors"].values())),
    ]


def _hosted(t: dict) -> list[str]:
    """Share of the ceiling, requests a second by clients, seconds to load, peak memory, size of the weights."""
    return [
        f"{t.get('percent_of_ceiling', '-')}%",
        " / ".join(f"{n}: {v:.2f}" for n, v in t["requests_per_second"].items()),
        f"{t['load_s']:.1f}",
        f"{t['peak_rss_gib']:.2f}",
        f"{t['weights_bytes'] / 1e6:.0f}",
    ]


def retrieval_rows(metrics: dict[str, dict]) -> list[list]:
    """A row for each candidate, with counts beside shares."""
    return [
        [
            named(name),
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


def original_rows(cells: int) -> list[list]:
    """The original work's precision@5, in a table of so many columns."""
    rows = [[f"{name}{', fine-tuned' if tuned == 'yes' else ''}", value] for name, tuned, value in ORIGINAL[:2]]
    return [row + ["-"] * (cells - 2) for row in rows]


def own_rows(own: dict[str, dict[str, dict]]) -> list[list]:
    return [
        [named(c), name, *(between(m, k) if k in m else "-" for k in OWN), str(m["num_malformed"])]
        for c, found in own.items()
        for name, m in found.items()
    ]


def causes(items: list[dict], name: str) -> dict[str, int]:
    """What became of each query of a set."""
    found = collections.Counter()
    for row in items:
        if row["set"] == name and "first_hit" in row:
            rank = row["first_hit"]
            found[CAUSES[(0 if rank <= 5 else 1) if rank else 2 if row["memories"] else 3]] += 1
    return {cause: found[cause] for cause in CAUSES}


def cause_rows(m: Measured) -> list[list]:
    return [[named(c), name, *causes(m.items[c], name).values()] for name in SETS for c in m.sets[name]]


def truth_rows(metrics: dict[str, dict]) -> list[list]:
    """What of each candidate's memories is true, under `TRUTH_HEADER`; of raw messages there are only their words."""
    counts = ("statements", "statements_labelled", "statements_unlabelled", "statements_false", "statements_garbled")
    return [
        [
            named(name),
            *(m.get(k, "-") for k in counts),
            *(between(m, k) if k in m else "-" for k in ("statements_true", "conversations_with_false")),
            f"{m['words_stored_per_said']:.2f}" if "words_stored_per_said" in m else "-",
            between(m, "model_statements_true") if "model_statements_true" in m else "-",
            m.get("model_statements_labelled", "-"),
        ]
        for name, m in metrics.items()
    ]


def half_rows(grounding: dict) -> list[list]:
    """How well the gate's rule agrees with the readers of labelled statements, by half; under `HALVES_HEADER`."""
    return [
        [
            label,
            *(grounding[half][name] for name in ("conversations", "statements", "true", "let_through")),
            *(between(grounding[half], k) if k in grounding[half] else "-" for k in ("precision", "recall")),
            ", ".join(f"{kind} {n}" for kind, n in grounding[half]["let_through_not_true"].items()) or "-",
        ]
        for half, label in (("held_out", "held out"), ("tuning", "to tune on"))
    ]


def readers_rows(metrics: dict[str, dict]) -> list[list]:
    """How far the readers of the statements behind `truth_rows` agree; no row where nobody has read any."""
    return [
        [
            named(name),
            m["readers_statements"],
            percent(m["readers_agree"]),
            f"{m['readers_kappa']:.2f}",
            m["third_looks"],
        ]
        for name, m in metrics.items()
        if m.get("readers_statements")
    ]


def outcome_rows(m: Measured) -> list[list]:
    """How the adds ended, a row for each candidate with a model and each set."""
    kept = ("repaired", "memories_per_item", "statements_generated", "statements_own_words", "statements_dropped")
    return [
        [
            named(c),
            name,
            *found["outcomes"].values(),
            *(found.get(k, "-") for k in kept),
            percent(found["memories_with_unsaid_names_or_numbers"]),
        ]
        for name in SETS
        for c, found in m.sets[name].items()
        if c != "no_llm"
    ]


def decoding_rows(m: Measured) -> list[list]:
    return [
        [
            named(c),
            decoding,
            f["conversations"],
            percent(f["well_formed_share"]),
            f["repaired"],
            percent(f["keys_kept"]),
            f["output_tokens_mean"],
        ]
        for c, found in m.sets["eval"].items()
        for decoding, f in found.get("decodings", {}).items()
    ]


def latency_rows(m: Measured) -> list[list]:
    rows = []
    for c, speed in m.retrieval_speed.items():
        s = speed["eval"]
        adds = [f"{s[k]:.3f} s" for k in ("add_seconds_p50", "add_seconds_p95")]
        searches = [f"{s[k]:.3f} s" for k in ("search_seconds_p50", "search_seconds_p95")]
        rows.append([named(c), *adds, f"{s['adds_per_second']:.1f}", *searches])
    return rows


def check_rows(checks: dict[str, dict]) -> list[list]:
    return [
        [name, add["said"], add["outcome"], "; ".join(add["stored"]) or "nothing"]
        for name, check in checks.items()
        for add in check["adds"]
    ]


def search_rows(search: dict) -> list[list]:
    """What the hyperparameter search tried, best first."""
    keys = list(search["experiments"][0]["params"])
    return [
        [
            *(e["params"][key] for key in keys),
            f"{e['metrics']['validation_loss']:.4f}",
            f"{e['metrics']['seconds']:.0f}",
        ]
        for e in search["experiments"]
    ]


def export_rows(gguf: dict, merged: dict) -> list[list]:
    """What each form of the model costs, a row for each file type, and NF4 where it was made."""
    forms = gguf["types"] | ({"NF4": merged["nf4"]} if merged["nf4"] else {})
    return [
        [
            name,
            f"{v['bytes'] / 1e6:.0f}",
            f"{v['perplexity']:.4f}",
            f"{v['perplexity_increase']:+.1%}",
            *(percent(v[k]) for k in ("same_text_as_merged", "same_decision_to_store", "well_formed")),
        ]
        for name, v in forms.items()
    ]
