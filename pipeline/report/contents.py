"""What stands in the report."""

from pipeline.evaluation import statistics
from pipeline.report.tables import (
    CAUSES,
    NAMES,
    ORIGINAL,
    RETRIEVAL,
    SERVING,
    SETS,
    between,
    causes,
    changes,
    model_rows,
    percent,
    retrieval_rows,
    searched,
    serving_rows,
)
from pipeline.report.verdict import verdict


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
            f"{statistics.RESAMPLES:,} bootstrap resamples over queries.",
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
