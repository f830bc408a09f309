"""A candidate added to and searched through real AsyncMemory, real Qdrant, a real embedder."""

import asyncio
import contextlib
import tempfile
import time
from pathlib import Path

from mem0_slm import engines, io, stores
from mem0_slm.text import holds
from pipeline import params
from pipeline.evaluation import metrics as evaluation_metrics
from pipeline.evaluation import statistics
from pipeline.evaluation.metrics import OF_ADDS, quality, recall
from pipeline.evaluation.settings import RetrievalEvalSettings
from pipeline.export import gguf
from pipeline.paths import BASE

USER = "eval"


REQUANTISED = Path(".scratch/retrieval_eval/base.gguf")


async def add_all(memory, items, candidate, concurrency, watch) -> list[dict]:
    """Add every item; returns what became of each: outcome, memories, seconds. `watch` is mem0_slm's, or one that sees nothing."""
    gate, progress = asyncio.Semaphore(concurrency), _progress(items, "add")

    async def add(item):
        async with gate:
            started = time.perf_counter()
            with watch() as events:
                try:
                    answer = await memory.add(
                        item["messages"],
                        user_id=item.get("user", USER),
                        metadata={"item": item["id"]},
                        infer=candidate != "no_llm",
                    )
                    stored, error = [r["memory"] for r in answer["results"]], ""
                except Exception as failure:  # counted under its cause below, never dropped
                    stored, error = [], f"{type(failure).__name__}: {failure}"
            row = {"id": item["id"], "memories": stored, "seconds": time.perf_counter() - started, "error": error}
            event = events[0] if events else None
            row["outcome"] = event.outcome if event else "engine_error" if error else "stored"
            row |= (
                {
                    "answer": event.answer,
                    "repaired": event.repaired,
                    "added": event.added,
                    "quoted": event.quoted,
                    "failed_looks": event.failed_looks,
                    "prompt_tokens": event.prompt_tokens,
                    "output_tokens": event.output_tokens,
                    "engine_seconds": event.seconds,
                }
                if event
                else {}
            )
            progress.update()
            return row

    rows = await asyncio.gather(*(add(item) for item in items))
    progress.close()
    return rows


async def search_all(memory, items, top_k) -> tuple[dict, dict, list[float]]:
    """qrels and results in BEIR's form over memory ids, and the seconds each search took.

    Relevant to a query is what came of its item's conversation and holds its answer.
    """
    stored = (await memory.get_all(filters={"user_id": USER}, top_k=100_000))["results"]
    qrels, results, seconds = {}, {}, []
    for item in _progress([i for i in items if i["query"]], "search"):
        own = [m for m in stored if m["metadata"]["item"] == item["id"] and holds(m["memory"], item["keys"][0])]
        qrels[item["id"]] = {m["id"]: 1 for m in own}
        started = time.perf_counter()
        found = await memory.search(item["query"], filters={"user_id": USER}, top_k=top_k, threshold=0.0)
        seconds.append(time.perf_counter() - started)
        results[item["id"]] = {m["id"]: m["score"] for m in found["results"]}
    return qrels, results, seconds


async def recall_all(memory, questions, top_k) -> list[dict]:
    """For each question with evidence: the items that the memories found for it came from, best first."""
    rows = []
    for question in _progress(questions, "search"):
        started = time.perf_counter()
        found = (
            await memory.search(question["query"], filters={"user_id": question["user"]}, top_k=top_k, threshold=0.0)
        )["results"]
        items = {m["id"]: m["metadata"]["item"] for m in found}
        ranked = [items[i] for i in evaluation_metrics.ranking({m["id"]: m["score"] for m in found})]
        rows.append(question | {"ranked": ranked, "seconds": time.perf_counter() - started})
    return rows


@contextlib.contextmanager
def model_of(candidate: str, p: RetrievalEvalSettings):
    """The model that a candidate is asked by. The base's GGUF is quantised for the occasion to `p.base_type`, the tuned
    model's type, so that precision tells the two apart no more than prompt and decoding do."""
    base = BASE / ("hf" if p.engine == "transformers" else "base.gguf")
    if candidate == "finetuned":
        yield Path(p.finetuned_model)
    elif (
        candidate == "no_llm" or not p.base_type or p.engine != "llama_cpp"
    ):  # no_llm never calls its model (infer=False); Mem0 wants one all the same
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
    asked = {name: getattr(p, name) for name in ("embedder", "engine", "constrain", "second_look", "quotes")}
    return asked | {"model_sha256": io.sha256(model)} | ({"base_type": p.base_type} if candidate == "base" else {})


def engine_options(p: RetrievalEvalSettings) -> dict:
    """What the candidates' engine is loaded with."""
    return engines.load_options(p.engine, threads=p.threads)


def empty_stores(p: RetrievalEvalSettings, folder: Path, collection: str) -> tuple[dict, dict]:
    """Mem0's dicts for the embedder and for a vector store in which nothing is stored yet. Raises DataError where one cannot be used."""
    with params.set_by("retrieval_eval.embedder", engines.EngineError):
        embedder, dims = stores.embedder_by_name(p.embedder)
    with params.set_by("retrieval_eval.qdrant", engines.EngineError):
        return embedder, stores.vector_store_by_name(
            p.qdrant, folder=folder, collection=collection, dims=dims, emptied=True
        )


def evaluate(
    candidate: str,
    model: Path,
    items: list[dict],
    p: RetrievalEvalSettings,
    collection: str,
    questions: list[dict] = (),
) -> tuple[dict, dict, list[dict]]:
    """Run one candidate over one evaluation set in a store of its own: quality metrics, speed metrics, a row an item.

    With `questions`, which name the items that are their evidence, the quality is the recall of that evidence."""
    from mem0 import AsyncMemory

    from mem0_slm.memory import memory_config, watch

    with tempfile.TemporaryDirectory() as folder:
        embedder, vector_store = empty_stores(p, Path(folder) / "qdrant", collection)
        config = memory_config(
            model,
            engine=p.engine,
            constrain=p.constrain,
            max_tokens=p.max_tokens,
            second_look=p.second_look,
            quotes=p.quotes,
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
    memory, items: list[dict], candidate: str, p: RetrievalEvalSettings, watch, questions: list[dict] = ()
) -> tuple[dict, dict, list[dict]]:
    """Add and search every item in any AsyncMemory: quality metrics, speed metrics, a row an item."""
    started = time.perf_counter()
    rows = asyncio.run(add_all(memory, items, candidate, p.concurrency, watch))
    added = time.perf_counter() - started
    if questions:
        asked = asyncio.run(recall_all(memory, questions, p.top_k))
        qrels, results, searches = {}, {}, [row["seconds"] for row in asked]
    else:
        qrels, results, searches = asyncio.run(search_all(memory, items, p.top_k))
    adds = [row["seconds"] for row in rows]
    speed = {
        "adds_per_second": round(len(rows) / added, 3),
        "concurrency": p.concurrency,
        "add_seconds_p50": round(statistics.percentile(adds, 0.5), 4),
        "add_seconds_p95": round(statistics.percentile(adds, 0.95), 4),
        "search_seconds_p50": round(statistics.percentile(searches, 0.5), 4),
        "search_seconds_p95": round(statistics.percentile(searches, 0.95), 4),
    }
    for item in items:
        if item["query"]:
            row = next(r for r in rows if r["id"] == item["id"])
            row["first_hit"] = evaluation_metrics.first_hit(qrels, results, item["id"])
    metrics = quality(items, rows, qrels, results, candidate != "no_llm")
    if questions:
        metrics = (
            {name: metrics[name] for name in OF_ADDS if name in metrics} | {"num_items": len(items)} | recall(asked)
        )
    return metrics, speed, rows


def _progress(items, what):
    from tqdm import tqdm

    return tqdm(None if what == "add" else items, total=len(items), desc=what, unit="item", mininterval=1.0)
