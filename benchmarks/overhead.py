"""What our llama.cpp engine costs over llama.cpp itself: decode tokens/s of both, same file, same prompts, in one run.

    python -m benchmarks.overhead [--model models/gguf/model-q8_0.gguf] [--rounds 12] [--llama-bench PATH]

Prints the figures and writes them to benchmarks/overhead.json. "bare" is llama-cpp-python's C functions in the shortest
loop there is: decode one token, take llama.cpp's own greedy sample. Ours and bare take turns, so that a machine that
slows down slows both; the ratio is the median over rounds of ours over bare. --llama-bench is llama.cpp's own benchmark,
built from the same version (its source is in llama-cpp-python's archive, which `make setup` leaves in .venv/src):

    tar -xzf .venv/src/llama_cpp_python-*.tar.gz -C /tmp
    cmake -S /tmp/llama_cpp_python-*/vendor/llama.cpp -B /tmp/llama-bench -DLLAMA_CURL=OFF
    cmake --build /tmp/llama-bench --target llama-bench -j
    python -m benchmarks.overhead --llama-bench /tmp/llama-bench/bin/llama-bench
"""

import argparse
import json
import os
import statistics
import subprocess
import time

from mem0_slm import hardware, io
from mem0_slm.bench import general_prompts
from mem0_slm.engines import llama_cpp

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


def compare(model: str, rounds: int, new_tokens: int, threads: int) -> dict:
    handle, bare = llama_cpp.load(model, n_ctx=CONTEXT, n_parallel=1, n_threads=threads, n_batch=BATCH), Bare(model, threads)
    rows = []
    try:
        for i, prompt in enumerate(general_prompts(rounds + 1)):
            messages = [{"role": "user", "content": prompt}]

            def ours():
                answer = llama_cpp.generate(handle, messages, max_tokens=new_tokens, ignore_eos=True)
                return answer.text, (new_tokens - 1) / (answer.token_times[-1] - answer.token_times[0])

            def theirs():
                written, speed = bare.decode(llama_cpp.tokenize(handle, messages), new_tokens)
                return b"".join(handle.piece(t) for t in written).decode("utf-8", "replace"), speed

            # who begins alternates
            first, second = (ours, theirs) if i % 2 else (theirs, ours)
            a, b = first(), second()
            (text, speed), (bare_text, bare_speed) = (a, b) if i % 2 else (b, a)
            if i:  # the first round warms up
                rows.append({"ours": round(speed, 2), "bare": round(bare_speed, 2), "same_text": text == bare_text})
    finally:
        bare.close()
        llama_cpp.close(handle)
    return {
        "decode_tokens_per_second": statistics.median(r["ours"] for r in rows), "bare_decode_tokens_per_second": statistics.median(r["bare"] for r in rows),
        "ratio": round(statistics.median(r["ours"] / r["bare"] for r in rows), 4), "same_text": sum(r["same_text"] for r in rows), "rounds": rows,
    }  # fmt: skip


def llama_bench(path: str, model: str, new_tokens: int, threads: int) -> float:
    """llama-bench's decode tokens/s for as many tokens."""
    command = [path, "-m", model, "-p", "0", "-n", str(new_tokens), "-t", str(threads), "-o", "json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)[0]["avg_ts"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="models/gguf/model-q8_0.gguf")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--llama-bench")
    arguments = parser.parse_args()
    threads = hardware.threads()
    result = compare(arguments.model, arguments.rounds, arguments.new_tokens, threads)
    if arguments.llama_bench:
        peer = llama_bench(arguments.llama_bench, arguments.model, arguments.new_tokens, threads)
        result |= {"llama_bench_tokens_per_second": round(peer, 2), "ratio_to_llama_bench": round(result["decode_tokens_per_second"] / peer, 4)}
    else:
        result["llama_bench"] = "not run: no --llama-bench given"
    result |= {"model": os.path.basename(arguments.model), "new_tokens": arguments.new_tokens, "host": hardware.host("llama-cpp-python")}
    for key, value in result.items():
        if key != "rounds":
            print(f"{key:32} {value}")
    io.write_json("benchmarks/overhead.json", result)


if __name__ == "__main__":
    main()
