"""Latency and throughput of one request after another, by the protocol of the original work: 100 prompts, 64 new tokens.

Each target runs in a process of its own, so that its load time and peak memory are its own. A few requests warm up and
are not counted. Every request writes exactly `new_tokens` tokens (the end token is ignored), each prompt is different
from its first word on, and one request runs at a time. Definitions, also written beside the figures:
"""

import concurrent.futures
import multiprocessing
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from mem0_slm import hardware, io, params, scoring

DEFINITIONS = {
    "latency_mean_s": "mean over prompts of the seconds from the start of a request to its last token",
    "tokens_per_second": "output tokens of all requests over the seconds they took",
    "first_token_p50_s": "median seconds from the start of a request to its first token (prefill)",
    "prefill_tokens_per_second": "prompt tokens over seconds to first token, all requests",
    "decode_tokens_per_second": "output tokens after each first one over the seconds between first and last token, all requests",
    "inter_token_p50_s": "median seconds between two output tokens; p95, p99 likewise",
    "load_s": "seconds to load the model, file cache warm",
    "peak_rss_gib": "largest resident memory of the process that ran the target",
    "weights_bytes": "size of the model's weight files",
}


@dataclass(frozen=True)
class Target:
    """A model in one form on one engine."""

    engine: str
    model: str
    format: str
    precision: str
    adapter: str | None = None

    def __post_init__(self):
        from mem0_slm.engines import ENGINES

        params.require(self.engine in ENGINES, "engine", self.engine, f"must be one of {', '.join(ENGINES)}")


@dataclass(frozen=True)
class Params:
    prompts: int
    new_tokens: int
    warmup: int
    threads: int
    missing_is_error: bool
    targets: dict[str, Target]

    def __post_init__(self):
        for name in ("prompts", "new_tokens"):
            params.require(getattr(self, name) >= 1, name, getattr(self, name), "must be at least 1")
        for name in ("warmup", "threads"):
            params.require(getattr(self, name) >= 0, name, getattr(self, name), "must not be negative")


def general_prompts(n: int, path="data/sources/instructions.jsonl") -> list[str]:
    """`n` general prompts, each beginning with other words. Raises DataError when the file has fewer."""
    prompts = list(dict.fromkeys((r["instruction"] + "\n\n" + r.get("input", "")).strip() for r in io.read_jsonl(path, {"instruction": str})))
    if len(prompts) < n:
        raise io.DataError(f"params.yaml: prompts: {n} asked for, {path} has {len(prompts)}. Ask for at most that.")
    return prompts[:n]


def measure(target: Target, prompts: list[str], new_tokens: int, warmup: int, threads: int) -> dict:
    """Run one target in this process. Seconds and tokens as in `DEFINITIONS`; raw latencies beside the aggregates."""
    from mem0_slm import engines

    threads = threads or hardware.threads()
    os.environ["OMP_NUM_THREADS"] = str(threads)
    run = engines.module(target.engine)
    options = {"llama_cpp": {"n_threads": threads}, "transformers": {"n_threads": threads}, "ollama": {"num_thread": threads}}.get(target.engine, {})
    # Ollama cannot be told to write on after the end token; its answers may be shorter, and the true counts are used
    ignore_eos = target.engine != "ollama"
    if target.adapter:
        options["lora" if target.engine == "llama_cpp" else "adapter"] = target.adapter
    started = time.perf_counter()
    handle = run.load(target.model, **options)
    load = time.perf_counter() - started
    try:
        ask = lambda text: run.generate(handle, [{"role": "user", "content": text}], max_tokens=new_tokens, ignore_eos=ignore_eos)  # noqa: E731
        for i in range(warmup):
            ask(f"{i} warm-up: {prompts[i % len(prompts)]}")
        answers = [ask(prompt) for prompt in prompts]
    finally:
        run.close(handle)
    seconds = [a.seconds for a in answers]
    first = [a.token_times[0] - a.started for a in answers]
    gaps = [b - a for answer in answers for a, b in zip(answer.token_times, answer.token_times[1:])]
    written = sum(a.output_tokens for a in answers)
    return {
        "latency_mean_s": round(statistics.mean(seconds), 4), "latency_p50_s": round(scoring.percentile(seconds, 0.5), 4),
        "latency_p95_s": round(scoring.percentile(seconds, 0.95), 4), "tokens_per_second": round(written / sum(seconds), 2),
        "first_token_p50_s": round(scoring.percentile(first, 0.5), 4),
        "prefill_tokens_per_second": round(sum(a.prompt_tokens for a in answers) / sum(first), 1),
        "decode_tokens_per_second": round(len(gaps) / sum(gaps), 2) if gaps else None,
        **{f"inter_token_p{p}_s": round(scoring.percentile(gaps, p / 100), 5) for p in (50, 95, 99) if gaps},
        "load_s": round(load, 3), "prompt_tokens": sum(a.prompt_tokens for a in answers), "output_tokens": written,
        "requests": len(answers), "peak_rss_gib": round(hardware.peak_rss_bytes() / 2**30, 3), "weights_bytes": weights_bytes(target),
        "threads": threads, "raw_latency_s": [round(s, 4) for s in seconds],
    }  # fmt: skip


def weights_bytes(target: Target) -> int:
    total = 0
    for path in filter(None, (target.model, target.adapter)):
        path = Path(path)
        total += sum(f.stat().st_size for f in path.glob("*.safetensors")) if path.is_dir() else path.stat().st_size if path.is_file() else 0
    return total


def run_all(p: Params) -> dict:
    """Measure every target. One that cannot run is reported with the reason under "not_run", never left out."""
    from tqdm import tqdm

    prompts = general_prompts(p.prompts)
    measured, not_run = {}, {}
    for name, target in tqdm(p.targets.items(), desc="targets", unit="target"):
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            try:
                figures = pool.submit(measure, target, prompts, p.new_tokens, p.warmup, p.threads).result()
            except Exception as error:  # the reason goes to the metrics file and the report
                if p.missing_is_error:
                    raise io.DataError(f"target {name}: {type(error).__name__}: {error}") from None
                not_run[name] = f"{type(error).__name__}: {error}"
                continue
        measured[name] = figures | {"engine": target.engine, "format": target.format, "precision": target.precision}
    return {
        "targets": measured, "not_run": not_run, "definitions": DEFINITIONS, "new_tokens": p.new_tokens,
        "host": hardware.host("llama-cpp-python", "torch", "transformers", "peft"),
    }  # fmt: skip
