"""mem0_slm.engines.vllm against a stand-in for its server (tests/vllm_standin.py)."""

import socket
import threading
import time

import pytest

from mem0_slm import contract, engines, extraction
from mem0_slm.engines import ContextOverflow, EngineError, vllm
from tests.ollama_standin import FAULTS
from tests.vllm_standin import serve
from tests.waiting import PATIENCE

MESSAGES = [{"role": "system", "content": "You are a short test assistant."}, {"role": "user", "content": "Say hello."}]
LONG = [{"role": "user", "content": "word " * 300}]


@pytest.fixture(params=["vllm", "llamacpp"])
def server(request):
    with serve(request.param) as server:
        yield server


@pytest.fixture
def handle(server):
    handle = vllm.load(base_url=server.url, timeout=PATIENCE)
    yield handle
    vllm.close(handle)


# --- answers ---


def test_answer_counts_and_times(server, handle):
    server.piece_seconds = 0.01
    pieces = []
    before = time.perf_counter()
    answer = vllm.generate(handle, MESSAGES, on_text=pieces.append, max_tokens=32)
    assert answer.text == "".join(pieces) == "Hello there."
    assert (answer.finish_reason, answer.prompt_tokens, answer.output_tokens) == ("stop", 18, 4)
    assert len(answer.token_times) == 4 and answer.token_times == sorted(answer.token_times)
    assert 0.03 <= answer.seconds <= time.perf_counter() - before
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


def test_a_server_that_falls_silent_is_left(server):
    server.fault = "silence"
    handle = vllm.load(base_url=server.url, timeout=1)
    with pytest.raises(EngineError, match="silent for 1 s"):
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
