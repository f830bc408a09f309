"""Real model servers on loopback: llama.cpp's and vLLM's."""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mem0_slm import hardware

ROOT = Path(__file__).resolve().parents[1]

VLLM_CPU = ROOT.parent / "shared" / "tools" / "vllm-cpu"
"""A script that serves a folder with vLLM on a CPU, where there is one; else the `vllm` command is taken."""


WINDOW = 4096
"""Tokens. Mem0's own prompt has twice as many: it can only be answered where the swap works."""


SERVED = "local"


class Missing(Exception):
    """A server that cannot be had here, and why."""


def llama_cpp_server(model: Path, port: int) -> list[str]:
    missing = [
        name
        for name in ("fastapi", "uvicorn", "sse_starlette", "starlette_context")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise Missing(f"{', '.join(missing)} not installed; pip install 'llama-cpp-python[server]'")
    options = {
        "model": model,
        "model_alias": SERVED,
        "n_ctx": WINDOW,
        "n_threads": hardware.threads(),
        "host": "127.0.0.1",
        "port": port,
    }
    return [
        sys.executable,
        "-m",
        "llama_cpp.server",
        *(str(x) for name, value in options.items() for x in (f"--{name}", value)),
    ]


def vllm_server(model: Path, port: int) -> list[str]:
    if VLLM_CPU.exists():
        return ["bash", str(VLLM_CPU), str(model), str(port)]
    if shutil.which("vllm"):
        return [
            "vllm",
            "serve",
            str(model),
            "--port",
            str(port),
            "--served-model-name",
            SERVED,
            "--max-model-len",
            str(WINDOW),
        ]
    raise Missing("no vllm command; pip install vllm")


@contextlib.contextmanager
def serving(command: list[str], port: int, seconds: float = 300.0):
    """Run a server with OpenAI's protocol inside the block; yields its base URL once it lists its models.

    Raises RuntimeError with the end of the server's log when it ends, or is not ready after `seconds`.
    """
    import httpx

    url, until = f"http://127.0.0.1:{port}/v1", time.monotonic() + seconds
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(f"{url}/models", timeout=2, trust_env=False).status_code == 200:
                        break
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(max(0, log.seek(0, os.SEEK_END) - 2000))
                    state = "is not ready" if process.poll() is None else f"ended with {process.returncode}"
                    raise RuntimeError(f"the server {command[0]} {state}: {log.read().decode(errors='replace')}")
                time.sleep(0.5)
            yield url
        finally:
            for ending in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, ending)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                    break
