"""Latency and throughput of a model in one form on one engine.

Protocol of the original work: general prompts, 64 new tokens each (the end token is ignored), one after
another. Beside it the real workload, Mem0 extraction calls as they are sent (compact prompt, JSON schema, the end token
honoured), and the general prompts again from several clients at once. Each target runs in a process of its own, so that
its load time and peak memory are its own. Warm-up requests are not counted; a request that fails is counted, and has no
figures.
Each prompt begins with a number of its own, so that no server's prefix cache helps.

What bounds decoding is memory: each token reads every weight once. So the machine's read bandwidth is measured too, and
decoding is stated as a percentage of what that bandwidth allows. `DEFINITIONS` stand beside the figures.
"""

import collections
import concurrent.futures
import multiprocessing
import os
import statistics
import time
from pathlib import Path

from mem0_slm import contract, hardware, io
from pipeline import results
from pipeline.data.instructions import extraction_prompts, general_prompts
from pipeline.evaluation.settings import BenchSettings, Target
from pipeline.evaluation.statistics import percentile

DEFINITIONS = {
    "latency_mean_s": (
        "mean over requests of the seconds from the start of a request to its last token; p50, p95 likewise"
    ),
    "tokens_per_second": "output tokens of all requests over the seconds they took, one at a time",
    "first_token_p50_s": "median seconds from the start of a request to its first token; p95 likewise",
    "prefill_tokens_per_second": "prompt tokens over seconds to first token, all requests",
    "decode_tokens_per_second": (
        "output tokens after each first one over the seconds between first and last token, all requests"
    ),
    "inter_token_p50_s": "median seconds between two output tokens of a request; p95, p99 likewise",
    "server_decode_tokens_per_second": (
        "the same by the server's own clock, loading left out (Ollama: eval_count over eval_duration)"
    ),
    "requests_per_second": (
        "finished requests over seconds from the first's start to the last's end, by number of clients that each send "
        "one after another"
    ),
    "errors": "requests that failed, by cause; they count in no other figure",
    "load_s": "seconds to load the model, file cache warm",
    "peak_rss_gib": "largest resident memory of the process that ran the target (of a server: not its memory)",
    "weights_bytes": "size of the model's weight files; of an adapter applied at run time with its base",
    "bytes_per_token": "weights that a dense model reads for one token: all of them; the key-value cache is left out",
    "bandwidth_gb_per_second": (
        "largest measured rate of reading 512 MB from memory with the same threads, best of five"
    ),
    "percent_of_ceiling": "decode_tokens_per_second over bandwidth / bytes_per_token",
}


def memory_bandwidth(threads: int) -> dict:
    """Bytes read from memory a second, in GB (1e9), by summing and by copying 512 MB; a copy reads and writes."""
    import torch

    torch.set_num_threads(threads)
    source, target = torch.ones(2**26, dtype=torch.float64), torch.empty(2**26, dtype=torch.float64)
    n = source.numel() * source.element_size()

    def best(work, moved):
        work()
        seconds = []
        for _ in range(5):
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
        return round(moved / min(seconds) / 1e9, 2)

    return {"read": best(source.sum, n), "copy": best(lambda: target.copy_(source), 2 * n)}


def requests(ask, jobs: list, clients: int = 1) -> tuple[list, collections.Counter, float]:
    """Run `ask` on every job with so many clients: the answers, the errors by cause, and the seconds in all."""
    answers, errors = [], collections.Counter()

    def one(job):
        try:
            return ask(job)
        except Exception as error:  # counted by cause and reported beside the figures
            return error

    started = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        # one client in this thread: PyTorch's threads belong to the thread that set them
        for result in map(one, jobs) if clients == 1 else pool.map(one, jobs):
            if isinstance(result, Exception):
                errors[f"{type(result).__name__}: {result}"] += 1
            else:
                answers.append(result)
    return answers, errors, time.perf_counter() - started


def figures(answers: list) -> dict:
    """The figures of requests that ran one at a time, as in `DEFINITIONS`. Raises EngineError when there is none."""
    from mem0_slm.engines import EngineError

    answers = [a for a in answers if a.token_times]
    if not answers:
        raise EngineError("no request gave a token; see errors.")
    seconds = [a.seconds for a in answers]
    first = [a.token_times[0] - a.started for a in answers]
    gaps = [b - a for answer in answers for a, b in zip(answer.token_times, answer.token_times[1:])]
    written = sum(a.output_tokens for a in answers)
    found = {
        "requests": len(answers),
        "prompt_tokens": sum(a.prompt_tokens for a in answers),
        "output_tokens": written,
        "latency_mean_s": round(statistics.mean(seconds), 4),
        **{f"latency_p{p}_s": round(percentile(seconds, p / 100), 4) for p in (50, 95)},
        "tokens_per_second": round(written / sum(seconds), 2),
        **{f"first_token_p{p}_s": round(percentile(first, p / 100), 4) for p in (50, 95)},
        "prefill_tokens_per_second": round(sum(a.prompt_tokens for a in answers) / sum(first), 1),
        "decode_tokens_per_second": round(len(gaps) / sum(gaps), 2) if gaps else None,
        **{f"inter_token_p{p}_s": round(percentile(gaps, p / 100), 5) for p in (50, 95, 99) if gaps},
    }
    timed = [a.server for a in answers if a.server.get("eval_duration")]
    if timed:
        found["server_decode_tokens_per_second"] = round(
            sum(s["eval_count"] for s in timed) / sum(s["eval_duration"] for s in timed) * 1e9, 2
        )
    return found


def sample(answer, workload: str, clients: int = 1) -> dict:
    """The raw figures of one request."""
    return {
        "workload": workload,
        "clients": clients,
        "latency_s": round(answer.seconds, 5),
        "prompt_tokens": answer.prompt_tokens,
        "output_tokens": answer.output_tokens,
        "first_token_s": round(answer.token_times[0] - answer.started, 5) if answer.token_times else None,
        "inter_token_ms": [round(1000 * (b - a), 2) for a, b in zip(answer.token_times, answer.token_times[1:])]
        if clients == 1
        else [],
    }


def run_target(
    target: Target, prompts: list[str], extractions: list[list[dict]], p: BenchSettings
) -> tuple[dict, list[dict]]:
    """Run one target in this process: its figures as in `DEFINITIONS`, and a raw sample a request."""
    from mem0_slm import engines

    threads = p.threads or hardware.threads()
    os.environ["OMP_NUM_THREADS"] = str(threads)
    run = engines.module(target.engine)
    options = engines.load_options(target.engine, threads=threads, adapter=target.adapter)
    if target.load_in_4bit:
        options["load_in_4bit"] = True
    started = time.perf_counter()
    handle = run.load(target.model, **options)
    load = time.perf_counter() - started
    try:
        found, samples = measure_general(run, handle, prompts, p)
        if extractions:
            found["extraction"], raw = measure_extraction(run, handle, extractions)
            samples += raw
        read = parameter_bytes(handle) or weights_bytes(target)
    finally:
        run.close(handle)
    found |= {
        "load_s": round(load, 3),
        "peak_rss_gib": round(hardware.peak_rss_bytes() / 2**30, 3),
        "weights_bytes": weights_bytes(target),
        "bytes_per_token": read,
        "threads": threads,
        "engine_version": getattr(handle, "version", None),
        "clients_measured": "several" if run.BATCHES else "one: the engine runs one request at a time",
    }
    return found, samples


def measure_general(run, handle, prompts: list[str], p: BenchSettings) -> tuple[dict, list[dict]]:
    """General prompts, one at a time and then from several clients where the engine works on several at once.

    An engine that cannot be told to write on after the end token may answer shorter; the true counts are used.
    """

    def ask(job: str):
        messages = [{"role": "user", "content": job}]
        return run.generate(handle, messages, max_tokens=p.new_tokens, ignore_eos=run.IGNORES_EOS)

    for i in range(p.warmup):
        ask(f"{i} warm-up: {prompts[i % len(prompts)]}")
    answers, errors, seconds = requests(ask, [f"{i}. {prompt}" for i, prompt in enumerate(prompts)])
    found = figures(answers) | {
        "errors": dict(errors),
        "requests_per_second": {"1": round(len(answers) / seconds, 3)},
    }
    samples = [sample(a, "general") for a in answers]
    for clients in p.clients if run.BATCHES else []:
        jobs = [f"{clients}-{i}. {prompts[i % len(prompts)]}" for i in range(p.client_requests)]
        together, errors, seconds = requests(ask, jobs, clients)
        found["requests_per_second"][str(clients)] = round(len(together) / seconds, 3)
        found["errors"] |= {f"{clients} clients: {cause}": n for cause, n in errors.items()}
        samples += [sample(a, "general", clients) for a in together]
    return found, samples


def measure_extraction(run, handle, extractions: list[list[dict]]) -> tuple[dict, list[dict]]:
    """Mem0's extraction calls as they are sent, one at a time."""

    def extract(job: list[dict]):
        return run.generate(handle, job, max_tokens=128, schema=contract.SCHEMA)

    for job in extractions[:1]:
        extract(job)  # the schema is compiled once
    answers, errors, _ = requests(extract, extractions)
    found = (figures(answers) if answers else {"requests": 0}) | {"errors": dict(errors)}
    return found, [sample(a, "extraction") for a in answers]


def parameter_bytes(handle) -> int:
    """Bytes of a torch model's parameters as they lie in memory; 0 for other engines."""
    parameters = getattr(getattr(handle, "model", None), "parameters", None)
    return sum(w.numel() * w.element_size() for w in parameters()) if parameters else 0


def weights_bytes(target: Target) -> int:
    """Size of the target's weight files, its adapter's included; 0 for what only a server has."""
    files = []
    for path in map(Path, filter(None, (target.model, target.adapter))):
        files += path.glob("*.safetensors") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def run_all(p: BenchSettings) -> tuple[dict, list[dict]]:
    """Measure every target. One that cannot run is reported with the reason under "not_run", never left out."""
    from tqdm import tqdm

    prompts, extractions = general_prompts(p.prompts), extraction_prompts(p.extractions)
    measured, not_run, samples = {}, {}, []
    context = multiprocessing.get_context("spawn")
    # in a process of its own, so that this one stays small: a child inherits its peak memory
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        bandwidth = pool.submit(memory_bandwidth, p.threads or hardware.threads()).result()
    for name, target in tqdm(p.targets.items(), desc="targets", unit="target"):
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            try:
                found, raw = pool.submit(run_target, target, prompts[: target.prompts], extractions, p).result()
            except Exception as error:  # the reason goes to the metrics file and the report
                if p.missing_is_error:
                    raise io.DataError(f"target {name}: {type(error).__name__}: {error}") from None
                not_run[name] = f"{type(error).__name__}: {error}"
                continue
        if found["bytes_per_token"] and found["decode_tokens_per_second"]:
            ceiling = max(bandwidth.values()) * 1e9 / found["bytes_per_token"]
            found["percent_of_ceiling"] = round(100 * found["decode_tokens_per_second"] / ceiling, 1)
        measured[name] = found | {
            "engine": target.engine,
            "format": target.format,
            "precision": target.precision,
            "adapter": target.adapter,
        }
        samples += [{"target": name} | row for row in raw]
    return {
        "targets": measured,
        "not_run": not_run,
        "definitions": DEFINITIONS,
        "new_tokens": p.new_tokens,
        "bandwidth_gb_per_second": bandwidth,
    }, samples


HEADLINE = ("latency_mean_s", "tokens_per_second", "requests")
"""What DVC's tables show of a target; the rest is in reports/runs and in the report."""


def record(name: str, found: dict, samples: list[dict]) -> None:
    """Write the figures, and print them with their definitions.

    metrics/<name>.json gets each target's headline, reports/runs/<name>.json all, <name>_samples.jsonl beside it the
    raw samples.
    """
    headline = {target: results.pick(figures, HEADLINE) for target, figures in found["targets"].items()}
    headline |= {target: {"requests": 0} for target in found["not_run"]}
    results.record(name, found, "llama-cpp-python", "torch", "transformers", "peft", headline=headline)
    io.write_jsonl(f"reports/runs/{name}_samples.jsonl", samples)
    for target, t in found["targets"].items():
        print(f"{target}: " + ", ".join(f"{k} {v}" for k, v in t.items() if not isinstance(v, str) and v is not None))
    for target, reason in found["not_run"].items():
        print(f"{target}: not run: {reason}")
    print("\n".join(f"{name}: {text}" for name, text in DEFINITIONS.items()))
