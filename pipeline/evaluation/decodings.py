"""What less held decoding makes of a model's answers."""

import collections
import concurrent.futures
import dataclasses
from pathlib import Path

from mem0_slm import contract
from mem0_slm.answers import OUTCOMES, classify
from pipeline.evaluation import metrics as evaluation_metrics
from pipeline.evaluation.retrieval import _progress, engine_options
from pipeline.evaluation.settings import RetrievalEvalSettings


def decodings(model: Path, items: list[dict], rows: list[dict], p: RetrievalEvalSettings) -> dict:
    """What the answers are by each decoding, over `p.decoding_items` conversations spread evenly over `items`.

    The answers in `rows` are those of `p.constrain`; the others are made here. keys_kept counts what can be read after
    repairs; well_formed_share is what Mem0 itself could read.
    """
    from mem0_slm import engines, extraction

    n = min(p.decoding_items, len(items))
    chosen = [items[i * len(items) // n] for i in range(n)]
    told = {row["id"]: row for row in rows}
    handle = engines.shared_handle(p.engine, str(model), engine_options(p))

    def answer(item, decoding) -> dict:
        if decoding == p.constrain:
            return told[item["id"]] | {"memories": classify(told[item["id"]].get("answer", "")).texts}
        prompt = contract.prompt_for(contract.conversation_of(item["messages"]))
        return dataclasses.asdict(
            extraction.extract(
                p.engine, handle, prompt, max_tokens=p.max_tokens, schema=extraction.CONSTRAINTS[decoding]
            )
        )

    figures = {}
    for decoding in p.decodings if n else ():
        with concurrent.futures.ThreadPoolExecutor(p.concurrency) as pool:
            answers = list(pool.map(answer, _progress(chosen, decoding), [decoding] * n))
        outcomes = collections.Counter(a["outcome"] for a in answers)
        keys = sum(len(i["keys"]) for i in chosen)
        kept = sum(evaluation_metrics.keys_kept(i["keys"], a["memories"]) for i, a in zip(chosen, answers))
        figures[decoding] = {
            "conversations": n,
            "well_formed_share": round((outcomes["stored"] + outcomes["nothing"]) / n, 4),
            "outcomes": {name: outcomes[name] for name in OUTCOMES},
            "repaired": sum(a.get("repaired", False) for a in answers),
            "keys_kept": round(kept / keys, 4) if keys else 0.0,
            "num_keys": keys,
            "output_tokens_mean": round(sum(a.get("output_tokens", 0) for a in answers) / n, 1),
        }
    return figures
