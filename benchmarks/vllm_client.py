"""Our vLLM client against vLLM's own, `vllm bench serve`: same server, prompts and token counts, in one run.

    vllm serve models/merged --served-model-name mem0-slm --max-model-len 4096      # elsewhere; any address
    pip install 'vllm[bench]'                             # beside vLLM
    python -m benchmarks.vllm_client --vllm $(which vllm) [--url http://127.0.0.1:8000/v1] [--rounds 4] [--requests 12]

Prints the figures and writes them to benchmarks/vllm_client.json. Both sides stream general prompts with `--new-tokens`
tokens each (the end token is ignored, greedy), from one client and from four, each client sending one request after another;
tokens/s are output tokens over the seconds from the first request's start to the last one's end. The sides take turns, and who
begins changes from round to round. Each prompt begins with digits of its round and side, so that no prefix cache helps; the digits
are as many on both sides. "ratio" is the median over rounds of ours over theirs, by number of clients. `vllm bench
serve` starts a process a run; its start is not timed.
"""

import argparse
import functools
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

from benchmarks import record
from mem0_slm import io
from mem0_slm.engines import vllm
from pipeline.data import instructions
from pipeline.evaluation import speed

TARGET = 0.95
"""Least ratio of our client's tokens/s to that of vLLM's."""
CLIENTS = (1, 4)
SIDES = ("ours", "vllm_bench_serve")


def ours(handle, prompts: list[str], clients: int, new_tokens: int) -> dict:
    ask = functools.partial(vllm.generate, handle, max_tokens=new_tokens, ignore_eos=True)
    answers, errors, seconds = speed.requests(
        lambda prompt: ask([{"role": "user", "content": prompt}]), prompts, clients
    )
    if errors:
        raise SystemExit(f"error: {dict(errors)}")
    first = [a.token_times[0] - a.started for a in answers]
    return {
        "seconds": seconds,
        "output_tokens": sum(a.output_tokens for a in answers),
        "prompt_tokens": sum(a.prompt_tokens for a in answers),
        "first_token_mean_s": statistics.mean(first),
    }


def vllm_bench_serve(command: str, handle, tokenizer: str, prompts: list[str], clients: int, new_tokens: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        io.write_jsonl(f"{folder}/prompts.jsonl", [{"prompt": prompt} for prompt in prompts])
        options = {
            "backend": "openai-chat",
            "base-url": handle.url.removesuffix("/v1"),
            "endpoint": "/v1/chat/completions",
            "model": handle.model,
            "tokenizer": tokenizer,
            "dataset-name": "custom",
            "dataset-path": f"{folder}/prompts.jsonl",
            "custom-output-len": new_tokens,
            "num-prompts": len(prompts),
            "max-concurrency": clients,
            "temperature": 0,
            "repetition-penalty": 1.0,
            "result-dir": folder,
            "result-filename": "result.json",
        }
        flags = ["--ignore-eos", "--skip-chat-template", "--disable-shuffle", "--disable-tqdm", "--save-result"]
        environment = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"} | os.environ
        done = subprocess.run(
            [command, "bench", "serve", *(f"--{name}={value}" for name, value in options.items()), *flags],
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode or not Path(folder, "result.json").exists():
            raise SystemExit(
                f"error: {command} bench serve ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            )
        found = json.loads(Path(folder, "result.json").read_text())
    if found["completed"] != len(prompts):
        raise SystemExit(f"error: {command} bench serve finished {found['completed']} of {len(prompts)} requests")
    return {
        "seconds": found["duration"],
        "output_tokens": found["total_output_tokens"],
        "prompt_tokens": found["total_input_tokens"],
        "first_token_mean_s": found["mean_ttft_ms"] / 1000,
    }


def compare(handle, command: str, tokenizer: str, rounds: int, requests: int, new_tokens: int) -> dict:
    measure = {
        "ours": functools.partial(ours, handle),
        "vllm_bench_serve": functools.partial(vllm_bench_serve, command, handle, tokenizer),
    }
    prompts, rows = instructions.general_prompts(requests), []
    ours(handle, prompts[:3], 1, new_tokens)  # warms the server up
    for i in range(rounds):
        for clients in CLIENTS:
            found = {}
            for side in SIDES[:: -1 if i % 2 else 1]:
                numbered = [
                    f"{i:02}{SIDES.index(side)}{clients}-{place}. {prompt}" for place, prompt in enumerate(prompts)
                ]
                found[side] = measure[side](numbered, clients, new_tokens)
                found[side]["tokens_per_second"] = found[side]["output_tokens"] / found[side]["seconds"]
            if found["ours"]["output_tokens"] != found["vllm_bench_serve"]["output_tokens"]:
                raise SystemExit(f"error: the sides wrote different numbers of tokens: {found}")
            rows.append(
                {"clients": clients}
                | {side: {k: round(v, 4) for k, v in figures.items()} for side, figures in found.items()}
            )
    result = {"tokens_per_second": {}, "requests_per_second": {}, "first_token_mean_s": {}, "ratio": {}}
    for clients in CLIENTS:
        own = [row for row in rows if row["clients"] == clients]
        middle = lambda of: {side: round(statistics.median(of(row[side]) for row in own), 3) for side in SIDES}  # noqa: E731
        result["tokens_per_second"][str(clients)] = middle(lambda f: f["tokens_per_second"])
        result["requests_per_second"][str(clients)] = middle(lambda f: requests / f["seconds"])
        result["first_token_mean_s"][str(clients)] = middle(lambda f: f["first_token_mean_s"])
        result["ratio"][str(clients)] = round(
            statistics.median(
                row["ours"]["tokens_per_second"] / row["vllm_bench_serve"]["tokens_per_second"] for row in own
            ),
            4,
        )
    return result | {
        "target": TARGET,
        "within_target": all(ratio >= TARGET for ratio in result["ratio"].values()),
        "rounds": rows,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vllm", required=True, help="the vllm command, also of another environment")
    parser.add_argument("--url", default=vllm.DEFAULT_URL)
    parser.add_argument("--tokenizer", help="the served folder; default: what the server says")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--requests", type=int, default=12)
    parser.add_argument("--new-tokens", type=int, default=64)
    arguments = parser.parse_args()
    handle = vllm.load(base_url=arguments.url)
    try:
        tokenizer = arguments.tokenizer or handle.client.get(f"{handle.prefix}/models").json()["data"][0]["root"]
        result = {"load_average_before": round(os.getloadavg()[0], 2)}
        result |= compare(handle, arguments.vllm, tokenizer, arguments.rounds, arguments.requests, arguments.new_tokens)
    finally:
        vllm.close(handle)
    result |= {
        "model": Path(tokenizer).name,
        "server": f"{handle.kind} {handle.version}",
        "requests": arguments.requests,
        "new_tokens": arguments.new_tokens,
    }
    record("vllm_client", result, "httpx", unprinted=("rounds",))


if __name__ == "__main__":
    main()
