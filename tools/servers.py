"""Servers on this machine: a free port, and real model servers of llama.cpp and vLLM."""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mem0_slm import hardware

ROOT = Path(__file__).resolve().parents[1]
"""The repository."""
VLLM_CPU = ROOT.parent / "shared" / "tools" / "vllm-cpu"
"""A script that serves a folder with vLLM on a CPU, where there is one; else the `vllm` command is taken."""
WINDOW = 4096
"""Tokens. Mem0's own prompt has twice as many: it can only be answered where the swap works."""
SERVED = "local"
"""The name under which the model is served."""


class Missing(Exception):
    """Why a server cannot run here."""


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def llama_cpp_server(model: Path, port: int) -> list[str]:
    """The command that serves a GGUF file with llama-cpp-python's server. Raises Missing where it is not installed."""
    needed = ("fastapi", "uvicorn", "sse_starlette", "starlette_context")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise Missing(f"{', '.join(missing)} not installed; pip install 'llama-cpp-python[server]'")
    options = {
        "model": model,
        "model_alias": SERVED,
        "n_ctx": WINDOW,
        "n_threads": hardware.threads(),
        "host": "127.0.0.1",
        "port": port,
    }
    return [sys.executable, "-m", "llama_cpp.server", *_flags(options)]


def vllm_server(model: Path, port: int) -> list[str]:
    """The command that serves a folder with vLLM. Raises Missing where there is none."""
    if VLLM_CPU.exists():
        return ["bash", str(VLLM_CPU), str(model), str(port)]
    if shutil.which("vllm"):
        return [
            "vllm",
            "serve",
            str(model),
            *_flags({"port": port, "served-model-name": SERVED, "max-model-len": WINDOW}),
        ]
    raise Missing("no vllm command; pip install vllm")


def _flags(options: dict) -> list[str]:
    return [str(part) for name, value in options.items() for part in (f"--{name}", value)]


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
