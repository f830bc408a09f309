"""A candidate added to and searched through real AsyncMemory, real Qdrant, a real embedder."""

import asyncio
import contextlib
import tempfile
import time
from pathlib import Path

from mem0_slm import engines, io, stores
from mem0_slm.text import holds
from pipeline import params
from pipeline.data.eval_items import EvalItem
from pipeline.data.evalsets import Question
from pipeline.evaluation import metrics as evaluation_metrics
from pipeline.evaluation import statistics
from pipeline.evaluation.adds import Added, Asked, Evaluation
from pipeline.evaluation.quality import quality, recall
from pipeline.evaluation.settings import RetrievalEvalSettings
from pipeline.export import gguf
from pipeline.paths import BASE, SCRATCH

PACKAGES = ("mem0ai", "qdrant-client", "llama-cpp-python")
"""Whose versions stand beside the figures."""
USER = "eval"
"""Whose memories are those of a set whose items name no user."""
REQUANTISED = SCRATCH / "retrieval_eval" / "base.gguf"
"""The base in the tuned model's type, while it is evaluated."""


async def add_all(memory, items: list[EvalItem], candidate: str, concurrency: int, watch) -> list[Added]:
    """Add every item, so many at once; what became of each. `watch` is mem0_slm's, or one that sees nothing."""
    gate, bar = asyncio.Semaphore(concurrency), progress(items, "add")

    async def add(item: EvalItem) -> Added:
        stored, error = [], ""
        async with gate:
            started = time.perf_counter()
            with watch() as events:
                try:
                    answer = await memory.add(
                        item.messages,
                        user_id=item.user or USER,
                        metadata={"item": item.id},
                        infer=candidate != "no_llm",
                    )
                    stored = [r["memory"] for r in answer["results"]]
                except Exception as failure:  # counted under its cause, never dropped
                    error = f"{type(failure).__name__}: {failure}"
            seconds = time.perf_counter() - started
            bar.update()
            return Added(item.id, stored, seconds, error, events[0] if events else None)

    adds = await asyncio.gather(*(add(item) for item in items))
    bar.close()
    return adds


async def search_all(memory, items: list[EvalItem], top_k: int) -> tuple[dict, dict, list[float]]:
    """qrels and results in BEIR's form over memory ids, and the seconds each search took.

    Relevant to a query is what came of its item's conversation and holds its answer.
    """
    stored = (await memory.get_all(filters={"user_id": USER}, top_k=100_000))["results"]
    qrels, results, seconds = {}, {}, []
    for item in progress([i for i in items if i.query], "search"):
        own = [m for m in stored if m["metadata"]["item"] == item.id and holds(m["memory"], item.keys[0])]
        qrels[item.id] = {m["id"]: 1 for m in own}
        found, took = await _search(memory, item.query, USER, top_k)
        results[item.id] = {m["id"]: m["score"] for m in found}
        seconds.append(took)
    return qrels, results, seconds


async def recall_all(memory, questions: list[Question], top_k: int) -> list[Asked]:
    """For each question with evidence: the items that the memories found for it came from, best first."""
    asked = []
    for question in progress(questions, "search"):
        found, took = await _search(memory, question.query, question.user, top_k)
        items = {m["id"]: m["metadata"]["item"] for m in found}
        ranked = [items[i] for i in evaluation_metrics.ranking({m["id"]: m["score"] for m in found})]
        asked.append(Asked(question, ranked, took))
    return asked


async def _search(memory, query: str, user: str, top_k: int) -> tuple[list[dict], float]:
    """What Mem0 finds, however little alike, and the seconds that it took."""
    started = time.perf_counter()
    found = await memory.search(query, filters={"user_id": user}, top_k=top_k, threshold=0.0)
    return found["results"], time.perf_counter() - started


@contextlib.contextmanager
def model_of(candidate: str, p: RetrievalEvalSettings):
    """The model of a candidate, for as long as the context lasts. Mem0 wants one for no_llm too, and never calls it.

    The base's GGUF is quantised for the occasion to `p.base_type`, the tuned model's type, so that the two differ in
    quantisation no more than in prompt and decoding.
    """
    base = BASE / ("hf" if p.engine == "transformers" else "base.gguf")
    if candidate == "finetuned":
        yield Path(p.finetuned_model)
    elif candidate == "no_llm" or not p.base_type or p.engine != "llama_cpp":
        yield base
    else:
        io.require_disk(REQUANTISED, 2 * base.stat().st_size)
        gguf.quantise(base, REQUANTISED, p.base_type, again=True)
        try:
            yield REQUANTISED
        finally:
            REQUANTISED.unlink()


def sources(candidate: str, model: Path, p: RetrievalEvalSettings) -> dict:
    """What a candidate's figures come from: the embedder, and for a model its hash and how it is asked."""
    if candidate == "no_llm":
        return {"embedder": p.embedder}
    asked = {name: getattr(p, name) for name in ("embedder", "engine", "constrain", "gate")}
    return asked | {"model_sha256": io.sha256(model)} | ({"base_type": p.base_type} if candidate == "base" else {})


def engine_options(p: RetrievalEvalSettings) -> dict:
    """What the candidates' engine is loaded with."""
    return engines.load_options(p.engine, threads=p.threads)


def empty_stores(p: RetrievalEvalSettings, folder: Path, collection: str) -> tuple[dict, dict]:
    """Mem0's dicts for the embedder and for an empty vector store. Raises DataError where one cannot be used."""
    with params.set_by("retrieval_eval.embedder", engines.EngineError):
        embedder, dims = stores.embedder_by_name(p.embedder)
    with params.set_by("retrieval_eval.qdrant", engines.EngineError):
        return embedder, stores.vector_store_by_name(
            p.qdrant, folder=folder, collection=collection, dims=dims, emptied=True
        )


def evaluate(
    candidate: str,
    model: Path,
    items: list[EvalItem],
    p: RetrievalEvalSettings,
    collection: str,
    questions: list[Question] = (),
) -> Evaluation:
    """Run one candidate over one evaluation set in a store of its own.

    With `questions`, which name the items that are their evidence, the quality is the recall of that evidence.
    """
    from mem0 import AsyncMemory

    from mem0_slm.memory import memory_config, watch

    with tempfile.TemporaryDirectory() as folder:
        embedder, vector_store = empty_stores(p, Path(folder) / "qdrant", collection)
        config = memory_config(
            model,
            engine=p.engine,
            constrain=p.constrain,
            max_tokens=p.max_tokens,
            gate=p.gate,
            embedder=embedder,
            path=folder,
            vector_store=vector_store,
            options=engine_options(p),
        )
        memory = AsyncMemory(config)
        try:
            return add_and_search(memory, items, candidate, p, watch, questions)
        finally:
            stores.close(memory)


def add_and_search(
    memory, items: list[EvalItem], candidate: str, p: RetrievalEvalSettings, watch, questions: list[Question] = ()
) -> Evaluation:
    """Add and search every item in any AsyncMemory."""
    started = time.perf_counter()
    adds = asyncio.run(add_all(memory, items, candidate, p.concurrency, watch))
    seconds = time.perf_counter() - started
    asked, qrels, results = [], {}, {}
    if questions:
        asked = asyncio.run(recall_all(memory, questions, p.top_k))
        searches = [a.seconds for a in asked]
    else:
        qrels, results, searches = asyncio.run(search_all(memory, items, p.top_k))
    found = quality(items, adds, qrels, results, candidate != "no_llm")
    if questions:
        of_adds = {name: found[name] for name in evaluation_metrics.OF_ADDS if name in found}
        found = of_adds | {"num_items": len(items)} | recall(asked)
    speed = {
        "adds_per_second": round(len(adds) / seconds, 3),
        "concurrency": p.concurrency,
        **_percentiles("add_seconds", [a.seconds for a in adds]),
        **_percentiles("search_seconds", searches),
    }
    first_hits = {i.id: evaluation_metrics.first_hit(qrels, results, i.id) for i in items if i.query}
    return Evaluation(found, speed, adds, first_hits)


def _percentiles(name: str, seconds: list[float]) -> dict[str, float]:
    return {f"{name}_p{n}": round(statistics.percentile(seconds, n / 100), 4) for n in (50, 95)}


def progress(items: list, what: str):
    """A progress bar: over `items`, or for adds, which end in no order, one that is told of each."""
    from tqdm import tqdm

    return tqdm(None if what == "add" else items, total=len(items), desc=what, unit="item", mininterval=1.0)
