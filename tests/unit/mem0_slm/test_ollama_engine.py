"""mem0_slm.engines.ollama against a stand-in server (tests/ollama_standin.py), and the stand-in against real answers.

The real answers were recorded from Ollama 0.24.0 and 0.32.15; they lie beside the repository, in ../shared/ollama.
"""

import functools
import hashlib
import json
import re
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from mem0_slm import contract, engines, extraction
from mem0_slm.engines import ContextOverflow, EngineError, ollama
from tests import ollama_standin as standin
from tests.paths import SHARED
from tests.waiting import PATIENCE

RECORDED = SHARED / "ollama"
VERSIONS = ("0.24.0", "0.32.15")
PATHS = {
    "/",
    "/api/version",
    "/api/tags",
    "/api/show",
    "/api/create",
    "/api/pull",
    "/api/chat",
    "/api/embed",
    "/v1/models",
    "/v1/chat/completions",
}
"""What the stand-in speaks; recordings of other paths are not compared."""
NOT_MODELLED = re.compile(r"[AB]\d_")
"""Recordings about a GGUF whose own Jinja template wins over the Modelfile's: the stand-in has no Jinja templates."""
UNCOUNTED = re.compile(r"7[0-57]_")
"""Prompts of JSON, where the stand-in's counting of tokens does not hold, or whose text the recorder shortened."""
MESSAGES = [{"role": "system", "content": "You are a short test assistant."}, {"role": "user", "content": "Say hello."}]
LONG = [{"role": "user", "content": " ".join(f"word{i}" for i in range(300))}]


@pytest.fixture(params=VERSIONS)
def server(request):
    with standin.serve(request.param, models=["tuned"]) as server:
        yield server


@pytest.fixture
def handle(server):
    handle = ollama.load("tuned", host=server.url, timeout=PATIENCE)
    yield handle
    ollama.close(handle)


def chats(server) -> list[dict]:
    return [body for _, path, body in server.requests if path == "/api/chat"]


# --- the stand-in, compared with real servers ---


def recordings():
    files = sorted(path for version in VERSIONS for path in (RECORDED / version).glob("*.json"))
    if not files:
        return [pytest.param(None, marks=pytest.mark.skip(reason="no recorded answers: ../shared/ollama is not there"))]
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in files if covered(path)]


def covered(path: Path) -> bool:
    asked = json.loads(path.read_text())["request"]["path"]
    return (asked in PATHS or asked.startswith("/api/blobs/") or asked == "/api/nothing") and not NOT_MODELLED.match(
        path.name
    )


@functools.cache
def replayed(version: str) -> dict:
    """The stand-in's answer to each recorded request of a version, in their order."""
    answers = {}
    with standin.serve(version) as server, httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        for path in sorted((RECORDED / version).glob("*.json")):
            request = json.loads(path.read_text())["request"]
            method, where, body = request["method"], request["path"], request.get("body")
            if not covered(path):
                continue
            if isinstance(body, str):  # "<bytes of ...>": a model too large to record
                server.blobs.add(where.rpartition("/")[2])
                data = b"a model"
                answers[path.name] = client.post(f"/api/blobs/sha256:{hashlib.sha256(data).hexdigest()}", content=data)
            elif body is not None:
                answers[path.name] = client.request(method, where, json=body)
            else:
                answers[path.name] = client.request(method, where, content=request.get("body_raw"))
    return answers


def shape(value):
    """Keys and types; of a list, its first element's."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def plain(text: str) -> str:
    """Without what differs from machine to machine: digests, folders, addresses."""
    text = re.sub(r"sha256([:-])[0-9a-f]{64}", r"sha256\1<digest>", text)
    return re.sub(r"\d+\.\d+\.\d+\.\d+:53", "<dns>", re.sub(r"/ollama/models\d*/", "<models>/", text))


def known(value: dict) -> dict:
    """The values of an answer that do not depend on the model's weights, the clock or the machine."""
    kept = {
        key: value[key]
        for key in ("error", "status", "version", "model", "capabilities", "template", "system", "_debug_info")
        if key in value
    }
    if "parameters" in value:
        kept["parameters"] = sorted(value["parameters"].split("\n"))
    if "modelfile" in value:
        kept["modelfile"] = value["modelfile"]
    if value.get("done_reason") == "load":
        kept["done_reason"] = "load"
    return json.loads(plain(json.dumps(kept)))


@pytest.mark.parametrize("path", recordings())
def test_stand_in_answers_as_real_servers_did(path):
    recorded = json.loads(path.read_text())
    real, ours = recorded["response"], replayed(path.parent.name)[path.name]
    assert (ours.status_code, ours.headers.get("content-type")) == (real["status"], real["content_type"])
    counted = not UNCOUNTED.match(path.name)
    if "lines" in real:
        theirs, lines = [[json.loads(line) for line in lines] for lines in (real["lines"], ours.text.splitlines())]
        assert (shape(lines[0]), shape(lines[-1])) == (shape(theirs[0]), shape(theirs[-1]))
        if "message" not in theirs[0]:
            assert [known(line) for line in lines] == [known(line) for line in theirs]
        assert lines[-1].get("prompt_eval_count") == theirs[-1].get("prompt_eval_count")
    elif isinstance(real.get("body"), dict):
        body = ours.json()
        assert shape(body) == shape(real["body"])
        if "recorder]" not in json.dumps(recorded["request"], ensure_ascii=False):
            assert known(body) == known(real["body"])
            if counted:
                assert body.get("prompt_eval_count") == real["body"].get("prompt_eval_count")
                assert body.get("usage", {}).get("prompt_tokens") == real["body"].get("usage", {}).get("prompt_tokens")
    else:
        assert ours.text == (real.get("body_raw") or "")


def test_engine_reads_the_real_streams():
    """The engine's parsing, on the lines that real servers streamed: counts, durations and one time a token."""
    files = [path for version in VERSIONS for path in sorted((RECORDED / version).glob("2[26]_chat*.json"))]
    if not files:
        pytest.skip("no recorded answers: ../shared/ollama is not there")
    assert len(files) == 4
    for path in files:
        recorded = json.loads(path.read_text())
        lines = recorded["response"]["lines"]
        last = json.loads(lines[-1])
        transport = httpx.MockTransport(lambda request, lines=lines: httpx.Response(200, text="\n".join(lines) + "\n"))
        client = httpx.Client(base_url="http://recorded", transport=transport)
        handle = ollama.Handle(client, "http://recorded", "tuned", path.parent.name, 8192, 8192, {})
        answer = ollama.generate(
            handle,
            recorded["request"]["body"]["messages"],
            max_tokens=recorded["request"]["body"]["options"]["num_predict"],
        )
        assert answer.text == "".join(json.loads(line)["message"]["content"] for line in lines)
        assert (answer.finish_reason, answer.prompt_tokens, answer.output_tokens) == (
            last["done_reason"],
            last["prompt_eval_count"],
            last["eval_count"],
        )
        assert len(answer.token_times) == answer.output_tokens
        assert answer.server["eval_duration"] == last["eval_duration"]


@pytest.mark.parametrize("version", VERSIONS)
def test_real_overflow_answers_are_context_overflow(version):
    path = RECORDED / version / "64_ctx_truncate_false.json"
    if not path.exists():
        pytest.skip("no recorded answers: ../shared/ollama is not there")
    real = json.loads(path.read_text())["response"]
    transport = httpx.MockTransport(lambda request: httpx.Response(real["status"], json=real["body"]))
    new = version == "0.32.15"
    handle = ollama.Handle(
        httpx.Client(base_url="http://x", transport=transport), "http://x", "t", version, 128, 256 if new else 128, {}
    )
    with pytest.raises(ContextOverflow) as caught:
        ollama.generate(handle, MESSAGES, max_tokens=6)
    assert (caught.value.prompt_tokens, caught.value.limit) == ((373, 250) if new else (129, 122))
    assert ("373 tokens" if new else "more than 128 tokens") in str(caught.value)


# --- answers ---


def test_answer_counts_times_and_durations(server, handle):
    server.piece_seconds = 0.01
    pieces = []
    before = time.perf_counter()
    answer = ollama.generate(handle, MESSAGES, on_text=pieces.append)
    assert answer.text == "".join(pieces) == "Hello there."
    assert pieces == ["Hello", " there", "."]
    assert (answer.finish_reason, answer.prompt_tokens, answer.output_tokens) == ("stop", 24, 4)
    assert len(answer.token_times) == 4 and answer.token_times == sorted(answer.token_times)
    assert 0.03 <= answer.seconds <= time.perf_counter() - before
    assert answer.server == {
        "prompt_eval_count": 24,
        "prompt_eval_duration": 5_000_000,
        "eval_count": 4,
        "eval_duration": 4_000_000,
        "load_duration": 2_000_000,
        "total_duration": 11_000_000,
        "version": server.version,
        "num_ctx": 4096,
        "num_thread": None,
        "count_before": None,
    }


def test_answer_cut_by_max_tokens(handle):
    answer = ollama.generate(handle, MESSAGES, max_tokens=2)
    assert (answer.text, answer.finish_reason, answer.output_tokens, len(answer.token_times)) == (
        "Hello there",
        "length",
        2,
        2,
    )


def test_request_carries_everything(server):
    handle = ollama.load("tuned", host=server.url, num_ctx=1024, num_thread=2, options={"num_gpu": 0}, keep_alive="10m")
    ollama.generate(handle, MESSAGES, max_tokens=7, schema=contract.SCHEMA, temperature=0.5, seed=3)
    [body] = chats(server)
    assert body == {
        "model": "tuned",
        "messages": MESSAGES,
        "stream": True,
        "truncate": False,
        "shift": False,
        "keep_alive": "10m",
        "format": contract.SCHEMA,
        "options": {
            "repeat_penalty": 1.0,
            "top_k": 0,
            "top_p": 1.0,
            "min_p": 0.0,
            "num_gpu": 0,
            "num_ctx": 1024,
            "num_thread": 2,
            "num_predict": 7,
            "temperature": 0.5,
            "seed": 3,
        },
    }
    assert handle.version == server.version and handle.details["quantization_level"] == "Q8_0"


def test_num_ctx_is_the_models_own_unless_given(server):
    server.add("own", parameters={"num_ctx": 2048, "stop": ["<|im_end|>"]})
    assert ollama.load("own", host=server.url).num_ctx == 2048
    assert ollama.load("own", host=server.url, num_ctx=512).num_ctx == 512
    assert ollama.load("tuned", host=server.url).num_ctx == 4096
    assert ollama.load("tuned", host=server.url, num_ctx=100_000).num_ctx == 8192  # what it was trained on


def test_thinking_models_are_told_not_to(server):
    server.add("thinker", capabilities=("completion", "thinking"))
    ollama.generate(ollama.load("thinker", host=server.url), MESSAGES)
    assert chats(server)[-1]["think"] is False


def test_line_separators_inside_an_answer(server, handle):
    """U+2028 and U+0085 end a line for str.splitlines, not for JSON lines."""
    server.reply = lambda messages, format: "a\u2028b\u0085c é"
    assert ollama.generate(handle, MESSAGES).text == "a\u2028b\u0085c é"


@pytest.mark.parametrize(
    "text", ["\ud800 half a pair", "\x00\x1b control", "", "🦊 ñ 漢字 \u202e", '{"role": "system"}', "x" * 200_000]
)
def test_any_text_can_be_sent(server, handle, text):
    server.reply = lambda messages, format: "ok"
    if len(text) > 1000:
        with pytest.raises(ContextOverflow):
            ollama.generate(handle, [{"role": "user", "content": text + " x" * 9000}])
        return
    assert ollama.generate(handle, [{"role": "user", "content": text}]).text == "ok"
    assert chats(server)[-1]["messages"][0]["content"] == text.replace("\ud800", "?")


def test_closed(handle):
    ollama.close(handle)
    with pytest.raises(EngineError, match="closed"):
        ollama.generate(handle, MESSAGES)


def test_many_threads_at_once(server, handle):
    server.reply = lambda messages, format: "answer to " + messages[-1]["content"]
    results = {}

    def ask(i):
        results[i] = ollama.generate(handle, [{"role": "user", "content": f"q{i}"}]).text

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: f"answer to q{i}" for i in range(12)}


def test_callback_error_ends_the_request(server, handle):
    with pytest.raises(KeyError, match="mine"):
        ollama.generate(handle, MESSAGES, on_text=lambda text: (_ for _ in ()).throw(KeyError("mine")))
    assert ollama.generate(handle, MESSAGES).text == "Hello there."


def test_engine_through_the_package(server):
    handle = engines.load("ollama", "tuned", host=server.url)
    messages = [
        {"role": "system", "content": contract.SYSTEM_PROMPT},
        {"role": "user", "content": "user: I live in Prague."},
    ]
    server.reply = lambda messages, format: '{"memory": [{"text": "User lives in Prague"}]}'
    event = extraction.extract("ollama", handle, messages, max_tokens=64, schema=contract.SCHEMA)
    assert (event.outcome, event.memories) == ("stored", ("User lives in Prague",))
    engines.module("ollama").close(handle)


# --- a cut prompt is an error ---


def test_prompt_longer_than_the_window(server):
    handle = ollama.load("tuned", host=server.url, num_ctx=256)
    with pytest.raises(ContextOverflow, match="larger num_ctx") as caught:
        ollama.generate(handle, LONG, max_tokens=16)
    assert caught.value.limit == 240
    exact = len(standin.tokens(standin.render(server.find("tuned"), LONG)))
    assert caught.value.prompt_tokens == (exact if server.version == "0.32.15" else 257)


def test_answer_ended_by_the_window(server):
    handle = ollama.load("tuned", host=server.url, num_ctx=256)
    server.reply = lambda messages, format: " word" * 400
    with pytest.raises(ContextOverflow, match="ended the answer after 2") as caught:
        ollama.generate(handle, MESSAGES, max_tokens=300)
    assert (caught.value.prompt_tokens, caught.value.limit) == (24, -44)


def test_a_long_conversation_is_cut_at_its_turns_though_the_server_counts_for_nobody(server):
    handle = ollama.load("tuned", host=server.url, num_ctx=256)
    said = [f"user: message number {i}\n" for i in range(200)]
    event = extraction.extract(
        "ollama", handle, contract.prompt_for("".join(said)), max_tokens=32, schema=contract.SCHEMA
    )
    assert (event.outcome, event.error) == ("nothing", "")
    received = chats(server)[-1]["messages"][1]["content"]
    kept = 200 - event.turns_dropped
    assert received == "".join(said[-kept:]).rstrip("\n") and 10 < kept < 60
    assert len(chats(server)) < 40  # refused at once, each
    one = extraction.extract(
        "ollama",
        handle,
        contract.prompt_for("user: " + "tea " * 600 + "\nuser: " + "tea " * 600),
        max_tokens=32,
        schema=None,
    )
    assert one.outcome == "context_overflow"


def test_count_refuses_before_anything_is_sent(server):
    handle = ollama.load("tuned", host=server.url, num_ctx=256, count=lambda messages: 500)
    with pytest.raises(ContextOverflow, match="500 tokens"):
        ollama.generate(handle, MESSAGES, max_tokens=16)
    assert not chats(server)


def test_count_is_recorded_and_compared(server):
    handle = ollama.load("tuned", host=server.url, count=lambda messages: 26)
    assert ollama.generate(handle, MESSAGES).server["count_before"] == 26
    handle.count = lambda messages: 40
    with pytest.raises(ContextOverflow, match="has 40 tokens and Ollama read 24"):
        ollama.generate(handle, MESSAGES)


def test_server_that_cuts_in_spite_of_truncate(server):
    server.ignore_truncate = True
    exact = len(standin.tokens(standin.render(server.find("tuned"), LONG)))
    handle = ollama.load("tuned", host=server.url, num_ctx=256, count=lambda messages: 200)  # a count that errs
    assert exact > 256
    if server.version == "0.24.0":  # all of num_ctx is prompt: no room for the answer
        with pytest.raises(ContextOverflow):
            ollama.generate(handle, LONG, max_tokens=16)
    else:  # about half is left
        with pytest.raises(ContextOverflow, match="Ollama read 130"):
            ollama.generate(handle, LONG, max_tokens=16)


def test_server_too_old_to_refuse():
    with (
        standin.serve("0.12.3", models=["tuned"]) as server,
        pytest.raises(EngineError, match="0.12.3 .* cuts long prompts .* Update"),
    ):
        ollama.load("tuned", host=server.url)
    with standin.serve("0.0.0", models=["tuned"]) as server:  # built from source
        assert ollama.load("tuned", host=server.url).version == "0.0.0"


# --- errors ---


def test_no_server():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with pytest.raises(EngineError, match=f"no server answers at http://127.0.0.1:{port} .*`ollama serve`"):
        ollama.load("tuned", host=f"127.0.0.1:{port}")


def test_unknown_model(server):
    with pytest.raises(
        EngineError, match="no model 'nosuch'.*`ollama pull nosuch`.*pull=True.*`ollama create nosuch -f Modelfile`"
    ):
        ollama.load("nosuch", host=server.url)


def test_model_deleted_after_load(server, handle):
    server.models.clear()
    with pytest.raises(EngineError, match="ollama pull tuned"):
        ollama.generate(handle, MESSAGES)


def test_not_an_ollama_server(server):
    with pytest.raises(EngineError, match="not as an Ollama server"):
        ollama.load("tuned", host=server.url + "/v1")


@pytest.mark.parametrize("host", ["ftp://127.0.0.1", "http://[::1", "http://127.0.0.1:99999"])
def test_bad_address(host):
    with pytest.raises(EngineError):
        ollama.load("tuned", host=host)


@pytest.mark.parametrize(
    ("fault", "words"), [("error", "an error was encountered while running the model"), *standin.FAULTS]
)
def test_faults_inside_a_stream(server, handle, fault, words):
    server.fault = fault
    pieces = []
    with pytest.raises(EngineError, match=words):
        ollama.generate(handle, MESSAGES, on_text=pieces.append)
    assert pieces == ["Hello", " there"]
    server.fault = None
    assert ollama.generate(handle, MESSAGES).text == "Hello there."


def test_a_server_that_falls_silent_is_left(server):
    server.fault = "silence"
    handle = ollama.load("tuned", host=server.url, timeout=1)
    with pytest.raises(EngineError, match="silent for 1 s"):
        ollama.generate(handle, MESSAGES)


def test_bad_schema(handle):
    with pytest.raises(EngineError, match="the JSON schema cannot be used"):
        ollama.generate(handle, MESSAGES, schema={"type": "nonsense"})


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (500, {"error": "123"}, r"123 \(status 500\)"),
        (500, {"error": '["a"]'}, r'\["a"\] \(status 500\)'),
        (500, {"error": {"message": "an object"}}, "an object"),
        (502, "<html>Bad Gateway</html>", "Bad Gateway"),
        (
            503,
            {"error": "server busy, please try again.  maximum pending requests exceeded"},
            "server busy.*status 503",
        ),
    ],
)
def test_odd_refusals(status, body, words):
    transport = httpx.MockTransport(
        lambda request: httpx.Response(status, content=body if isinstance(body, str) else json.dumps(body))
    )
    handle = ollama.Handle(
        httpx.Client(base_url="http://x", transport=transport), "http://x", "t", "0.32.15", 4096, 4096, {}
    )
    with pytest.raises(EngineError, match=words):
        ollama.generate(handle, MESSAGES)


def test_wrong_option_type(server):
    handle = ollama.load("tuned", host=server.url, options={"num_batch": "many"})
    with pytest.raises(EngineError, match='option "num_batch" must be of type integer .status 500'):
        ollama.generate(handle, MESSAGES)


def test_ignore_eos_is_refused(handle):
    with pytest.raises(EngineError, match="cannot ignore"):
        ollama.generate(handle, MESSAGES, ignore_eos=True)


def test_no_messages(handle):
    with pytest.raises(EngineError, match="'load'"):
        ollama.generate(handle, [])


# --- pull, addresses ---


def test_pull(server):
    server.registry["llama3.1:8b"] = 4_000_000
    handle = ollama.load("llama3.1:8b", host=server.url, pull=True)
    assert ollama.generate(handle, MESSAGES).text == "Hello there."
    assert [path for _, path, _ in server.requests][:4] == ["/api/version", "/api/show", "/api/pull", "/api/show"]


def test_pull_is_not_asked_for_a_model_that_is_there(server):
    ollama.load("tuned", host=server.url, pull=True)
    assert "/api/pull" not in [path for _, path, _ in server.requests]


def test_pull_errors_inside_a_200_stream(server):
    with pytest.raises(EngineError, match="cannot pull 'nosuch': pull model manifest: .* no such host"):
        ollama.load("nosuch", host=server.url, pull=True)
    server.registry["broken"], server.fault = 10, "error"
    with pytest.raises(EngineError, match="digest mismatch"):
        ollama.load("broken", host=server.url, pull=True)
    server.fault = "end"
    with pytest.raises(EngineError, match="broke off after 'pulling "):
        ollama.load("broken", host=server.url, pull=True)
    with pytest.raises(EngineError, match="invalid model name .status 400"):
        ollama.load("a b/c:d:e", host=server.url, pull=True)


def test_addresses(server, monkeypatch):
    assert ollama.server_url("http://127.0.0.1:11434/") == "http://127.0.0.1:11434"
    assert ollama.server_url("box") == "http://box:11434"
    assert ollama.server_url("box:1") == "http://box:1"
    assert ollama.server_url("0.0.0.0:11434") == ollama.server_url("0.0.0.0") == ollama.DEFAULT_HOST
    assert ollama.server_url(":1") == "http://127.0.0.1:1"
    assert ollama.server_url("https://box/ollama/") == "https://box/ollama"
    assert ollama.DEFAULT_HOST == "http://127.0.0.1:11434"
    monkeypatch.setenv("OLLAMA_HOST", server.url.removeprefix("http://"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # not for this machine itself
    assert ollama.load("tuned").url == server.url
