"""What our llama.cpp engine costs over llama.cpp itself: decode tokens/s, same file, same threads, same token counts, in one run.

    make llama-bench             # once: llama.cpp's own benchmark, of the version that runs here
    python -m benchmarks.overhead [--model models/gguf/model-q8_0.gguf] [--rounds 12] [--llama-bench PATH]

Prints the figures and writes them to benchmarks/overhead.json. Against ours stand
- "bare": llama-cpp-python's C functions in the shortest loop there is: decode one token, take llama.cpp's own greedy sample;
- "llama_bench": llama.cpp's llama-bench, a C++ program that decodes and chooses no token at all (it feeds random ones).
All take turns in every round, and who begins changes, so that a machine that slows down slows all; a ratio is the median
over rounds of ours over the peer, `within_target` says whether it reaches TARGETS.

Decoding slows with the tokens that are in the context already. A round's prompt has `depth` tokens and is not timed; timed are
the new_tokens - 1 passes through the model after the first new token. llama-bench's `tg` starts from an empty context
unless told otherwise: it gets the same depth (`-d`) and the same number of passes (`-n`).
"""

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import record
from mem0_slm import hardware
from mem0_slm.engines import llama_cpp
from pipeline.data.instructions import general_prompts

TARGETS = {"bare": 0.97, "llama_bench": 0.95}
"""Least ratio of our decode tokens/s to each peer's."""
CONTEXT, BATCH = 1024, 512


class Bare:
    """llama-cpp-python's C functions and nothing else."""

    def __init__(self, path: str, threads: int):
        import llama_cpp as C

        self.C = C
        self.model = C.llama_model_load_from_file(path.encode(), C.llama_model_default_params())
        settings = C.llama_context_default_params()
        settings.n_ctx, settings.n_batch, settings.n_ubatch = CONTEXT, BATCH, BATCH
        settings.n_threads = settings.n_threads_batch = threads
        settings.no_perf = True
        self.context = C.llama_init_from_model(self.model, settings)
        self.sampler = C.llama_sampler_init_greedy()

    def decode(self, tokens: list[int], new_tokens: int) -> tuple[list[int], float]:
        """Greedy continuation, and decode tokens/s: tokens after the first over the seconds since it was known."""
        C = self.C
        C.llama_memory_clear(C.llama_get_memory(self.context), True)
        buffer = (C.llama_token * len(tokens))(*tokens)
        C.llama_decode(self.context, C.llama_batch_get_one(buffer, len(tokens)))
        token = C.llama_sampler_sample(self.sampler, self.context, -1)
        written, one, started = [token], (C.llama_token * 1)(), time.perf_counter()
        while len(written) < new_tokens:
            one[0] = token
            C.llama_decode(self.context, C.llama_batch_get_one(one, 1))
            token = C.llama_sampler_sample(self.sampler, self.context, -1)
            written.append(token)
        return written, (new_tokens - 1) / (time.perf_counter() - started)

    def close(self):
        self.C.llama_sampler_free(self.sampler)
        self.C.llama_free(self.context)
        self.C.llama_model_free(self.model)


def llama_bench(path: str, model: str, depth: int, passes: int, threads: int) -> float:
    """llama-bench's tokens/s for so many passes from a context of `depth` tokens; it warms up by itself."""
    options = {
        "-m": model,
        "-p": 0,
        "-n": passes,
        "-d": depth,
        "-r": 1,
        "-t": threads,
        "-ngl": 0,
        "-b": BATCH,
        "-ub": BATCH,
        "-o": "json",
    }
    command = [path, *(str(part) for option in options.items() for part in option)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)[0]["avg_ts"]


def compare(model: str, rounds: int, new_tokens: int, threads: int, bench: str | None = None) -> dict:
    handle, bare = (
        llama_cpp.load(model, n_ctx=CONTEXT, n_parallel=1, n_threads=threads, n_batch=BATCH),
        Bare(model, threads),
    )
    passes, rows = new_tokens - 1, []

    def measure(side: str, messages: list[dict], tokens: list[int]) -> tuple[float, str]:
        """Decode tokens/s of one side, and what it wrote."""
        if side == "llama_bench":
            return llama_bench(bench, model, len(tokens), passes, threads), ""
        if side == "bare":
            written, speed = bare.decode(tokens, new_tokens)
            return speed, b"".join(handle.model.piece(t) for t in written).decode("utf-8", "replace")
        answer = llama_cpp.generate(handle, messages, max_tokens=new_tokens, ignore_eos=True)
        return passes / (answer.token_times[-1] - answer.token_times[0]), answer.text

    sides = ["ours", "bare"] + ["llama_bench"] * bool(bench)
    try:
        for i, prompt in enumerate(general_prompts(rounds + 1)):
            messages = [{"role": "user", "content": prompt}]
            tokens = llama_cpp.tokenize(handle, messages)
            first = i % len(sides)
            found = {side: measure(side, messages, tokens) for side in sides[first:] + sides[:first]}
            if i:  # the first round warms up
                rows.append(
                    {side: round(found[side][0], 2) for side in sides}
                    | {"depth": len(tokens), "same_text": found["ours"][1] == found["bare"][1]}
                )
    finally:
        bare.close()
        llama_cpp.close(handle)
    ratios = {side: round(statistics.median(r["ours"] / r[side] for r in rows), 4) for side in sides[1:]}
    return {
        "decode_tokens_per_second": {side: statistics.median(r[side] for r in rows) for side in sides},
        "ratio": ratios,
        "targets": TARGETS,
        "within_target": {side: ratio >= TARGETS[side] for side, ratio in ratios.items()},
        "same_text": sum(r["same_text"] for r in rows),
        "rounds": rows,
    }


def built_llama_bench() -> str | None:
    """What `make llama-bench` made for the llama-cpp-python installed here."""
    path = Path(sys.prefix, "share", "llama.cpp", f"llama-bench-{importlib.metadata.version('llama-cpp-python')}")
    return str(path) if path.exists() else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="models/gguf/model-q8_0.gguf")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--llama-bench", default=built_llama_bench(), help="default: what `make llama-bench` made")
    arguments = parser.parse_args()
    threads = hardware.threads()
    result = {"load_average_before": round(os.getloadavg()[0], 2)} | compare(
        arguments.model, arguments.rounds, arguments.new_tokens, threads, arguments.llama_bench
    )
    if not arguments.llama_bench:
        result["not_run"] = {"llama_bench": "there is none for this version of llama.cpp; run `make llama-bench`"}
    result |= {"model": os.path.basename(arguments.model), "new_tokens": arguments.new_tokens, "threads": threads}
    record("overhead", result, "llama-cpp-python", unprinted=("rounds",))


if __name__ == "__main__":
    main()
