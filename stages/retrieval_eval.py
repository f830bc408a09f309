"""Evaluate what an extractor is worth to Mem0's search: real AsyncMemory, real Qdrant, real embedder.

Each item's conversation is added for one user; then each query is searched. A query is a hit at k when one of the first
k memories comes from the item's own conversation and holds its answer (the item's first key, as whole words). The same
is done with the hand-written natural conversations. Some conversations are also answered without a store, by less
held decoding (free, any JSON object): `decodings` in the quality metrics.

Candidates: no_llm stores the raw messages (`infer=False`); base and finetuned extract with the model, same prompt, same
decoding. Usage: python -m stages.retrieval_eval {no_llm,base,finetuned}

Reads  data/eval.jsonl, data/natural.jsonl, the candidate's GGUF
Writes metrics/retrieval_<candidate>_quality.json, metrics/retrieval_<candidate>_speed.json,
       metrics/natural_<candidate>.json, metrics/own_data_<candidate>.json (sets of params' `sets`), the same with sources and machine in reports/runs,
       reports/items_<candidate>.jsonl (what each item became)
"""

import asyncio
import collections
import concurrent.futures
import contextlib
import dataclasses
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from mem0_slm import contract, evalsets, gguf, hardware, io, params, scoring
from stages.prepare_base import BASE

USER = "eval"
REQUANTISED = Path(".scratch/retrieval_eval/base.gguf")
OF_ADDS = ("outcomes", "valid_json_share", "failed_adds", "repaired", "memories_with_unsaid_names_or_numbers")
PACKAGES = ("mem0ai", "qdrant-client", "llama-cpp-python")
CANDIDATES = ("no_llm", "base", "finetuned")
DECODINGS = ("free", "json", "schema")
HEADLINE = (
    "precision_at_5",
    "hit_at_1",
    "hit_at_3",
    "hit_at_10",
    "mrr",
    "num_total_queries",
    "num_processed_queries",
    "num_hits",
    "keys_kept",
    "small_talk_stored",
    "valid_json_share",
    "failed_adds",
    "repaired",
    "quoted",
    "outcomes",
    "evidence_recall_at_5",
    "evidence_recall_at_10",
    "num_questions",
)
"""What DVC's tables show of a candidate on an evaluation set; the rest is in reports/runs and in the report."""
ARGUMENTS = {"candidate": (CANDIDATES, "what is evaluated")}


@dataclass(frozen=True)
class Params:
    engine: str
    finetuned_model: str
    base_type: str
    constrain: str
    second_look: bool
    quotes: bool
    max_tokens: int
    concurrency: int
    top_k: int
    qdrant: str
    embedder: str
    threads: int
    limit: int
    decodings: list[str]
    decoding_items: int
    sets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        from mem0_slm.engines import ENGINES

        params.require(
            self.base_type in ("", *gguf.QUANTISED),
            "base_type",
            self.base_type,
            f'must be "" (the file as it is) or one of {", ".join(gguf.QUANTISED)}',
        )
        for decoding in self.decodings:
            params.require(decoding in DECODINGS, "decodings", decoding, "must be of free, json, schema")
        params.require(
            self.decoding_items >= 0,
            "decoding_items",
            self.decoding_items,
            "must be 0 (no comparison) or a number of conversations",
        )
        params.require(
            self.limit >= 0,
            "limit",
            self.limit,
            "must be 0 (all) or the number of conversations and of small talk to take",
        )

        params.require(self.engine in ENGINES, "engine", self.engine, f"must be one of {', '.join(ENGINES)}")
        params.require(self.constrain in DECODINGS, "constrain", self.constrain, "must be free, json or schema")
        params.require(self.max_tokens >= 1, "max_tokens", self.max_tokens, "must be at least 1")
        params.require(self.concurrency >= 1, "concurrency", self.concurrency, "must be at least 1")
        params.require(self.top_k >= 10, "top_k", self.top_k, "must be at least 10, for hit_at_10")
        params.require(
            self.qdrant == "embedded" or self.qdrant.startswith(("http://", "https://")),
            "qdrant",
            self.qdrant,
            'must be "embedded" or a server\'s address such as http://127.0.0.1:6333',
        )
        params.require(
            self.embedder == "minilm" or self.embedder.startswith("ollama:"),
            "embedder",
            self.embedder,
            'must be "minilm" or "ollama:<model>" such as ollama:nomic-embed-text',
        )


def embedder_of(name: str) -> tuple[dict, int]:
    """Mem0's embedder dict and the dimension of its vectors."""
    from mem0_slm.memory import default_embedder

    if name == "minilm":
        return default_embedder(), 384
    model = name.removeprefix("ollama:")
    import ollama

    host = os.environ.get("OLLAMA_HOST", "http://127.0.0.1:11434")
    try:
        vector = ollama.Client(host=host).embed(model=model, input="dimension")["embeddings"][0]
    except (ConnectionError, OSError) as error:
        raise io.DataError(
            f"params.yaml: retrieval_eval.embedder: {name}: no Ollama server at {host} ({error}). Start one with `ollama serve`."
        ) from None
    except ollama.ResponseError as error:
        raise io.DataError(
            f"params.yaml: retrieval_eval.embedder: {name}: {error.error}. Fetch it with `ollama pull {model}`."
        ) from None
    return {
        "provider": "ollama",
        "config": {"model": model, "ollama_base_url": host, "embedding_dims": len(vector)},
    }, len(vector)


def store_of(qdrant: str, folder: Path, collection: str, dims: int) -> dict:
    """Mem0's vector-store dict. On a server the collection must be absent or of the embedder's dimension."""
    if qdrant == "embedded":
        from mem0_slm.memory import default_vector_store

        return default_vector_store(folder, collection, dims)
    import urllib.parse

    from qdrant_client import QdrantClient

    address = urllib.parse.urlsplit(qdrant)
    host, port = address.hostname, address.port or 6333
    client = QdrantClient(url=qdrant, timeout=5)
    try:
        if client.collection_exists(collection):
            size = client.get_collection(collection).config.params.vectors.size
            if size != dims:
                raise io.DataError(
                    f"params.yaml: retrieval_eval.qdrant: collection {collection!r} at {qdrant} holds vectors of dimension {size}, "
                    f"the embedder makes {dims}. Delete the collection or use the embedder it was made with."
                )
            client.delete_collection(collection)
    except io.DataError:
        raise
    except Exception as error:
        raise io.DataError(
            f"params.yaml: retrieval_eval.qdrant: no Qdrant server at {qdrant} ({type(error).__name__}). Start one, or use qdrant: embedded."
        ) from None
    finally:
        client.close()
    return {
        "provider": "qdrant",
        "config": {"host": host, "port": port, "collection_name": collection, "embedding_model_dims": dims},
    }


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
        own = [m for m in stored if m["metadata"]["item"] == item["id"] and scoring.holds(m["memory"], item["keys"][0])]
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
        ranked = [items[i] for i in scoring.ranking({m["id"]: m["score"] for m in found})]
        rows.append(question | {"ranked": ranked, "seconds": time.perf_counter() - started})
    return rows


def recall(rows: list[dict]) -> dict:
    """Recall of evidence among the first 5 and 10 memories, mean over questions, with 95% intervals; and by the questions' category."""
    metrics = {
        "num_questions": len(rows),
        "by_category": {row["category"]: {} for row in sorted(rows, key=lambda row: row["category"])},
    }
    for cut in (5, 10):
        shares = [scoring.evidence_recall(row["evidence"], row["ranked"], cut) for row in rows]
        metrics |= {
            f"evidence_recall_at_{cut}": round(sum(shares) / len(shares), 4) if shares else 0.0,
            f"evidence_recall_at_{cut}_ci": scoring.interval(shares),
        }
        for category, figures in metrics["by_category"].items():
            own = [share for row, share in zip(rows, shares) if row["category"] == category]
            figures |= {"num_questions": len(own), f"recall_at_{cut}": round(sum(own) / len(own), 4)}
    return metrics


def quality(items, rows, qrels, results, uses_llm: bool) -> dict:
    """All quality metrics of one candidate on one evaluation set."""
    by_id = {row["id"]: row for row in rows}
    facts = [i for i in items if i["query"]]
    small_talk = [i for i in items if not i["query"]]
    metrics = scoring.retrieval(qrels, results)
    keys = sum(len(i["keys"]) for i in facts)
    kept = sum(scoring.keys_kept(i["keys"], by_id[i["id"]]["memories"]) for i in facts)
    metrics["keys_kept"] = round(kept / keys, 4) if keys else 0.0
    metrics["num_keys"] = keys
    wrongly = sum(bool(by_id[i["id"]]["memories"]) for i in small_talk)
    metrics["small_talk_stored"] = round(wrongly / len(small_talk), 4) if small_talk else 0.0
    metrics["num_small_talk"] = len(small_talk)
    metrics["memories_per_item"] = round(sum(len(by_id[i["id"]]["memories"]) for i in facts) / max(len(facts), 1), 3)
    metrics["facts_missed"] = sum(not by_id[i["id"]]["memories"] for i in facts)
    if uses_llm:
        outcomes = collections.Counter(row["outcome"] for row in rows)
        metrics["outcomes"] = {name: outcomes[name] for name in contract.OUTCOMES}
        metrics["valid_json_share"] = round((outcomes["stored"] + outcomes["nothing"]) / len(rows), 4)
        metrics["failed_adds"] = len(rows) - outcomes["stored"] - outcomes["nothing"]
        metrics["repaired"] = sum(row.get("repaired", False) for row in rows)
        metrics["added_by_second_look"] = sum(row.get("added", 0) for row in rows)
        metrics["quoted"] = sum(row.get("quoted", 0) for row in rows)
        metrics["failed_second_looks"] = sum(row.get("failed_looks", 0) for row in rows)
        said = {i["id"]: contract.conversation_of(i["messages"]) for i in items}
        memories = [(m, said[row["id"]]) for row in rows for m in row["memories"]]
        invented = sum(bool(scoring.unsaid(m, text)) for m, text in memories)
        metrics["memories_with_unsaid_names_or_numbers"] = round(invented / len(memories), 4) if memories else 0.0
    return metrics


@contextlib.contextmanager
def model_of(candidate: str, p: Params):
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


def engine_options(p: Params) -> dict:
    return {"n_threads": p.threads or None} if p.engine == "llama_cpp" else {}


def decodings(model: Path, items: list[dict], rows: list[dict], p: Params) -> dict:
    """What the answers are by each decoding, over `p.decoding_items` conversations spread evenly over `items`.

    The answers in `rows` are those of `p.constrain`; the others are made here. keys_kept counts what can be read after
    repairs; well_formed_share is what Mem0 itself could read.
    """
    from mem0_slm import memory

    n = min(p.decoding_items, len(items))
    chosen = [items[i * len(items) // n] for i in range(n)]
    told = {row["id"]: row for row in rows}
    handle = memory.shared_handle(p.engine, str(model), engine_options(p))

    def answer(item, decoding) -> dict:
        if decoding == p.constrain:
            return told[item["id"]] | {"memories": contract.classify(told[item["id"]].get("answer", "")).texts}
        prompt = contract.prompt_for(contract.conversation_of(item["messages"]))
        return dataclasses.asdict(
            memory.extract(p.engine, handle, prompt, max_tokens=p.max_tokens, schema=memory.CONSTRAINTS[decoding])
        )

    figures = {}
    for decoding in p.decodings if n else ():
        with concurrent.futures.ThreadPoolExecutor(p.concurrency) as pool:
            answers = list(pool.map(answer, _progress(chosen, decoding), [decoding] * n))
        outcomes = collections.Counter(a["outcome"] for a in answers)
        keys = sum(len(i["keys"]) for i in chosen)
        kept = sum(scoring.keys_kept(i["keys"], a["memories"]) for i, a in zip(chosen, answers))
        figures[decoding] = {
            "conversations": n,
            "well_formed_share": round((outcomes["stored"] + outcomes["nothing"]) / n, 4),
            "outcomes": {name: outcomes[name] for name in contract.OUTCOMES},
            "repaired": sum(a.get("repaired", False) for a in answers),
            "keys_kept": round(kept / keys, 4) if keys else 0.0,
            "num_keys": keys,
            "output_tokens_mean": round(sum(a.get("output_tokens", 0) for a in answers) / n, 1),
        }
    return figures


def evaluate(
    candidate: str, model: Path, items: list[dict], p: Params, collection: str, questions: list[dict] = ()
) -> tuple[dict, dict, list[dict]]:
    """Run one candidate over one evaluation set in a store of its own: quality metrics, speed metrics, a row an item.

    With `questions`, which name the items that are their evidence, the quality is the recall of that evidence."""
    from mem0 import AsyncMemory

    from mem0_slm.memory import close, memory_config, watch

    embedder, dims = embedder_of(p.embedder)
    with tempfile.TemporaryDirectory() as folder:
        config = memory_config(
            model,
            engine=p.engine,
            constrain=p.constrain,
            max_tokens=p.max_tokens,
            second_look=p.second_look,
            quotes=p.quotes,
            embedder=embedder,
            path=folder,
            vector_store=store_of(p.qdrant, Path(folder) / "qdrant", collection, dims),
            options=engine_options(p),
        )
        memory = AsyncMemory(config)
        try:
            return measure(memory, items, candidate, p, watch, questions)
        finally:
            close(memory)


def measure(
    memory, items: list[dict], candidate: str, p: Params, watch, questions: list[dict] = ()
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
        "add_seconds_p50": round(scoring.percentile(adds, 0.5), 4),
        "add_seconds_p95": round(scoring.percentile(adds, 0.95), 4),
        "search_seconds_p50": round(scoring.percentile(searches, 0.5), 4),
        "search_seconds_p95": round(scoring.percentile(searches, 0.95), 4),
    }
    for item in items:
        if item["query"]:
            row = next(r for r in rows if r["id"] == item["id"])
            row["first_hit"] = scoring.first_hit(qrels, results, item["id"])
    metrics = quality(items, rows, qrels, results, candidate != "no_llm")
    if questions:
        metrics = (
            {name: metrics[name] for name in OF_ADDS if name in metrics} | {"num_items": len(items)} | recall(asked)
        )
    return metrics, speed, rows


def own_sets(candidate: str, model: Path, p: Params) -> dict:
    """Evaluate a candidate on the sets of `p.sets`: metrics by the set's name, with what was malformed in its file."""
    found = {}
    for name, path in p.sets.items():
        own = evalsets.load(path)
        for what, lines in (("left out", own.malformed), ("repaired", own.repaired)):
            for line in lines:
                print(f"{what}: {line}")
        items = own.items[: p.limit or None]
        there = {item["id"] for item in items}
        questions = [q for q in own.questions if set(q["evidence"]) <= there]
        metrics, speed, _ = evaluate(candidate, model, items, p, f"mem0_slm_own_{name}_{candidate}", questions)
        counts = {
            "num_malformed": len(own.malformed),
            "num_evidence_repaired": len(own.repaired),
            "num_questions_without_evidence": own.without_evidence,
        }
        found[name] = (
            metrics
            | counts
            | {
                "malformed": own.malformed,
                "evidence_repaired": own.repaired,
                "speed": speed,
                "path": path,
                "data_sha256": io.sha256(path),
            }
        )
    return found


def _progress(items, what):
    from tqdm import tqdm

    return tqdm(None if what == "add" else items, total=len(items), desc=what, unit="item", mininterval=1.0)


def evaluate_all(candidate: str, model: Path, p: Params) -> None:
    """Evaluate a candidate on every set, and write what was found."""
    sources = {"embedder": p.embedder}
    if candidate != "no_llm":
        sources |= {
            "model_sha256": io.sha256(model),
            "engine": p.engine,
            "constrain": p.constrain,
            "second_look": p.second_look,
            "quotes": p.quotes,
        }
        sources |= {"base_type": p.base_type} if candidate == "base" else {}
    speeds, item_rows = {}, []
    for name in ("eval", "natural"):
        items = io.read_jsonl(f"data/{name}.jsonl", {"id": str, "messages": list, "keys": list})
        if p.limit:
            items = [i for i in items if i["query"]][: p.limit] + [i for i in items if not i["query"]][: p.limit]
        metrics, speed, rows = evaluate(candidate, model, items, p, f"mem0_slm_{name}_{candidate}")
        if name == "eval" and candidate != "no_llm":
            metrics["decodings"] = decodings(model, items, rows, p)
        record = f"retrieval_{candidate}_quality" if name == "eval" else f"natural_{candidate}"
        hardware.record(
            record,
            metrics | {"data_sha256": io.sha256(f"data/{name}.jsonl"), "sources": sources},
            *PACKAGES,
            headline=hardware.only(metrics, HEADLINE),
        )
        speeds[name] = speed
        item_rows += [{"set": name} | {k: v for k, v in row.items() if "seconds" not in k} for row in rows]
    hardware.record(f"retrieval_{candidate}_speed", speeds, *PACKAGES)
    own = own_sets(candidate, model, p)
    shown = {name: hardware.only(metrics, HEADLINE) for name, metrics in own.items()}
    hardware.record(f"own_data_{candidate}", {"sets": own, "sources": sources}, *PACKAGES, headline=shown)
    io.write_jsonl(f"reports/items_{candidate}.jsonl", item_rows)


def main(candidate: str):
    p = params.load(Params, "retrieval_eval")
    for path in p.sets.values():
        evalsets.load(path)  # an unusable file stops the stage before it works
    with model_of(candidate, p) as model:
        evaluate_all(candidate, model, p)


if __name__ == "__main__":
    params.run_stage(main)
