"""What a model's answers are when its decoding is held to less than the schema."""

import collections
import concurrent.futures
import dataclasses
from pathlib import Path

from mem0_slm import contract
from mem0_slm.answers import OUTCOMES, classify
from mem0_slm.extraction import Event
from pipeline.data.eval_items import EvalItem
from pipeline.evaluation.adds import Added
from pipeline.evaluation.metrics import keys_kept
from pipeline.evaluation.retrieval import engine_options, progress
from pipeline.evaluation.settings import RetrievalEvalSettings


def decodings(model: Path, items: list[EvalItem], adds: list[Added], p: RetrievalEvalSettings) -> dict:
    """Figures of the answers by each decoding, over `p.decoding_items` conversations spread evenly over `items`.

    The answers by `p.constrain` are those of `adds`; the others are made here, without a store.
    """
    from mem0_slm import engines, extraction

    n = min(p.decoding_items, len(items))
    chosen = [items[i * len(items) // n] for i in range(n)]
    added = {a.id: a for a in adds}
    handle = engines.shared_handle(p.engine, str(model), engine_options(p))

    def answer(item: EvalItem, decoding: str) -> Event:
        if decoding == p.constrain:
            event = added[item.id].event or Event(added[item.id].outcome)
            return dataclasses.replace(
                event, memories=tuple(classify(event.answer).texts)
            )  # without what was added later
        prompt = contract.prompt_for(contract.conversation_of(item.messages))
        schema = extraction.CONSTRAINTS[decoding]
        return extraction.extract(p.engine, handle, prompt, max_tokens=p.max_tokens, schema=schema)

    found = {}
    for decoding in p.decodings if n else ():
        with concurrent.futures.ThreadPoolExecutor(p.concurrency) as pool:
            answers = list(pool.map(answer, progress(chosen, decoding), [decoding] * n))
        found[decoding] = figures(chosen, answers)
    return found


def figures(items: list[EvalItem], answers: list[Event]) -> dict:
    """What the answers to the conversations of `items` are; `answers` is not empty.

    keys_kept counts what can be read after repairs; well_formed_share is what Mem0 itself could read.
    """
    n, outcomes = len(answers), collections.Counter(a.outcome for a in answers)
    keys = sum(len(i.keys) for i in items)
    kept = sum(keys_kept(i.keys, a.memories) for i, a in zip(items, answers))
    return {
        "conversations": n,
        "well_formed_share": round((outcomes["stored"] + outcomes["nothing"]) / n, 4),
        "outcomes": {name: outcomes[name] for name in OUTCOMES},
        "repaired": sum(a.repaired for a in answers),
        "keys_kept": round(kept / keys, 4) if keys else 0.0,
        "num_keys": keys,
        "output_tokens_mean": round(sum(a.output_tokens for a in answers) / n, 1),
    }
