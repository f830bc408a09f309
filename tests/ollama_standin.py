"""A stand-in for an Ollama server, for tests: it speaks the protocol and has no model.

What it answers follows from the rules below, which were read off the answers of real 0.24.0 and 0.32.15 servers;
tests/unit/mem0_slm/test_ollama_engine.py compares both, answer by answer. It counts tokens by a rule of thumb that
holds for plain English under SmolLM2's tokenizer and ChatML, and "generates" the text that `StandIn.reply` returns for the messages.

    with serve("0.32.15", models=["tuned"]) as server:
        ollama.load("tuned", host=server.url)
"""

import contextlib
import datetime
import hashlib
import http.server
import json
import re
import threading
import time

JSON, NDJSON, BARE_JSON, TEXT = (
    "application/json; charset=utf-8",
    "application/x-ndjson",
    "application/json",
    "text/plain",
)
CHATML = "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
SWAP = re.compile(r"\(gt \(len \.Content\) (\d+)\) }}(.*?){{ else }}")
TOKEN = re.compile(r"<\|im_(?:start|end)\|>|\d| ?[A-Za-z]+|\s| ?[^\w\s]|.")
TWO_TOKENS = {"assistant": 3, "Noted": 3}
"""Words that SmolLM2 writes as two tokens where no space is in front: letters of the first."""
INTEGERS = {
    "num_ctx",
    "num_predict",
    "num_thread",
    "num_keep",
    "seed",
    "top_k",
    "num_gpu",
    "num_batch",
    "repeat_last_n",
}
FLOATS = {"temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty", "frequency_penalty"}
DETAILS = {
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "134.52M",
    "quantization_level": "Q8_0",
}
LAYERS, WIDTH, HIDDEN, KV_WIDTH, VOCABULARY, TRAINED = 30, 576, 1536, 192, 49152, 8192
"""SmolLM2-135M's shape."""
MODEL_INFO = {
    "general.architecture": "llama",
    "general.file_type": 7,
    "general.parameter_count": 134515008,
    "general.quantization_version": 2,
    "general.size_label": "135M",
    "general.type": "model",
    "llama.attention.head_count": 9,
    "llama.attention.head_count_kv": 3,
    "llama.attention.key_length": 64,
    "llama.attention.layer_norm_rms_epsilon": 1e-05,
    "llama.attention.value_length": 64,
    "llama.block_count": LAYERS,
    "llama.context_length": TRAINED,
    "llama.embedding_length": WIDTH,
    "llama.feed_forward_length": HIDDEN,
    "llama.rope.dimension_count": 64,
    "llama.rope.freq_base": 100000,
    "llama.vocab_size": VOCABULARY,
    "tokenizer.ggml.add_bos_token": False,
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.ggml.merges": None,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.padding_token_id": 2,
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.token_type": None,
    "tokenizer.ggml.tokens": None,
    "tokenizer.ggml.unknown_token_id": 0,
}


class StandIn:
    """The server's state, and how it shall misbehave."""

    def __init__(self, version: str, models=()):
        self.version, self.new = version, tuple(map(int, version.split("."))) >= (0, 30, 0)
        self.models: dict[str, dict] = {}
        for name in models:
            self.add(name)
        self.blobs: set[str] = set()
        self.registry: dict[str, int] = {}
        """What /api/pull finds: tag to size in bytes. Anything else: no such host, as without a network."""
        self.requests: list[tuple[str, str, object]] = []
        """Method, path and JSON body of each request."""
        self.reply = lambda messages, format: '{"memory": []}' if format else "Hello there."
        self.fault = None
        """None, or what a chat stream does after `fault_after` pieces: "error", "malformed", "drop", "end", "sleep"."""
        self.fault_after = 2
        self.ignore_truncate = False
        """Answer as a server does that does not know `truncate`: cut, and 200."""
        self.piece_seconds = 0.0
        self.capabilities = ["completion"]
        self.url = ""

    def add(
        self,
        name: str,
        template: str = CHATML,
        system: str = "",
        parameters: dict | None = None,
        capabilities=("completion",),
    ):
        tag = name if ":" in name else name + ":latest"
        digest = hashlib.sha256(json.dumps([tag, template, system, parameters]).encode()).hexdigest()
        self.models[tag] = {
            "template": template,
            "system": system,
            "parameters": parameters or {},
            "digest": digest,
            "modified": now(),
            "capabilities": list(capabilities),
        }

    def find(self, name: str) -> dict | None:
        return self.models.get(name if ":" in name else name + ":latest")

    @property
    def parent(self) -> str:
        return f"/ollama/models/blobs/sha256-{'f' * 64}"


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 128

    def __init__(self, *arguments):
        self.ending = threading.Event()
        super().__init__(*arguments)

    def handle_error(self, *args):
        """A client that went away, or a connection dropped on purpose."""


@contextlib.contextmanager
def listening(handler):
    """Serve a request handler on a free port of this machine; yields the address."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.ending.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def serve(version: str = "0.32.15", models=()):
    """Run a stand-in; yields its `StandIn`, whose `url` leads to it."""
    state = StandIn(version, models)

    class Handler(_Handler):
        standin = state

    with listening(Handler) as state.url:
        yield state


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def tokens(text: str) -> list[str]:
    found = []
    for token in TOKEN.findall(text):
        n = TWO_TOKENS.get(token)
        found += [token[:n], token[n:]] if n else [token]
    return found


def render(model: dict, messages: list[dict]) -> str:
    """ChatML, with what the recorded templates do to long system messages."""
    if model["system"] and not any(m["role"] == "system" for m in messages):
        messages = [{"role": "system", "content": model["system"]}, *messages]
    joined = []
    for message in messages:  # neighbours of one role become one message
        if joined and joined[-1]["role"] == message["role"]:
            joined[-1] = message | {"content": joined[-1]["content"] + "\n\n" + message["content"]}
        else:
            joined.append(message)
    swap, text = SWAP.search(model["template"]), ""
    for message in joined:
        content = message["content"]
        if swap and message["role"] == "system" and len(content.encode()) > int(swap[1]):
            content = swap[2]
        text += f"<|im_start|>{message['role']}\n{content}<|im_end|>\n"
    return text + "<|im_start|>assistant\n"


def fit(standin: StandIn, model: dict, messages: list[dict], num_ctx: int) -> int:
    """Tokens left of a prompt after Ollama's cuts: oldest turns first, then the middle of what is left."""
    kept = messages
    for first in range(len(messages)):
        kept = [m for m in messages[:first] if m["role"] == "system"] + messages[first:]
        n = len(tokens(render(model, kept)))
        if n <= num_ctx:
            return n
    return 4 + (num_ctx - 4) // 2 if standin.new else num_ctx


def schema_is_bad(format) -> bool:
    types = ("object", "array", "string", "number", "integer", "boolean", "null")
    return isinstance(format, dict) and isinstance(format.get("type"), str) and format["type"] not in types


class Refusal(Exception):
    def __init__(self, status: int, error, content_type: str = JSON):
        self.status, self.error, self.content_type = status, error, content_type


FAULTS = [
    ("malformed", "not a JSON object"),
    ("drop", "the connection to .* broke"),
    ("end", "broke off before its end"),
]
"""Ways in which a stand-in's stream can go wrong, and what the engines say of it."""


class JsonHandler(http.server.BaseHTTPRequestHandler):
    """What stand-ins share: quiet, kept-alive connections, JSON answers, chunked bodies, and streams that go wrong."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else small writes wait for the client's acknowledgement

    def log_message(self, *args):
        pass

    def chunk(self, data: bytes):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def end_stream(self):
        self.wfile.write(b"0\r\n\r\n")

    def send(self, status: int, body, content_type: str | None = JSON):
        data = body.encode() if isinstance(body, str) else json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def misbehave(self, fault: str, write, error, malformed: str) -> bool:
        """Do what `fault` says inside a stream, whose pieces `write` sends; True when that was its end."""
        if fault == "silence":  # for as long as the server runs
            self.server.ending.wait()
            return True
        if fault in ("error", "malformed"):
            write(error if fault == "error" else malformed)
        if fault == "drop":
            self.close_connection = True
        else:
            self.end_stream()
        return True


class _Handler(JsonHandler):
    standin: StandIn

    # --- writing ---

    def start_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", NDJSON)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def line(self, value):
        data = (
            value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        ).encode() + b"\n"
        self.chunk(data)

    def stream(self, body: dict, lines, json_type: str = BARE_JSON):
        """Status lines as a stream, or with "stream": false the last of them, errors with status 500."""
        lines = list(lines)
        if body.get("stream") is False:
            return self.send(500 if "error" in lines[-1] else 200, lines[-1], json_type)
        self.start_stream()
        for value in lines:
            self.line(value)
        self.end_stream()

    # --- reading ---

    def do_GET(self):
        self.route()

    do_POST = do_HEAD = do_DELETE = do_GET

    def route(self):
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        routes = {
            "/": ("GET", self.root),
            "/api/version": ("GET", self.show_version),
            "/api/tags": ("GET", self.tags),
            "/api/show": ("POST", self.show),
            "/api/create": ("POST", self.create),
            "/api/pull": ("POST", self.pull),
            "/api/chat": ("POST", self.chat),
            "/api/embed": ("POST", self.embed),
            "/v1/models": ("GET", self.v1_models),
            "/v1/chat/completions": ("POST", self.v1_chat),
        }
        try:
            if self.path.startswith("/api/blobs/"):
                self.standin.requests.append((self.command, self.path, None))
                return self.blob(data)
            if self.path not in routes:
                raise Refusal(404, "404 page not found", TEXT)
            method, answer = routes[self.path]
            if self.command != method:
                raise Refusal(405, "405 method not allowed", TEXT)
            body = None
            if method == "POST":
                if not data:
                    raise Refusal(400, {"error": "missing request body"})
                try:
                    body = json.loads(data)
                except ValueError:
                    raise Refusal(400, {"error": "unexpected EOF"}) from None
            self.standin.requests.append((self.command, self.path, body))
            answer(body) if method == "POST" else answer()
        except Refusal as refusal:
            self.send(refusal.status, refusal.error, refusal.content_type)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    # --- models ---

    def root(self):
        self.send(200, "Ollama is running", "text/plain; charset=utf-8")

    def show_version(self):
        self.send(200, {"version": self.standin.version})

    def details(self, parent: str = "") -> dict:
        return {"parent_model": parent} | DETAILS

    def tags(self):
        more = {"context_length": TRAINED, "embedding_length": WIDTH} if self.standin.new else {}
        models = [
            {
                "name": name,
                "model": name,
                "modified_at": model["modified"],
                "size": 144811176,
                "digest": model["digest"],
            }
            | {"details": self.details() | more}
            | ({"capabilities": model["capabilities"]} if self.standin.new else {})
            for name, model in self.standin.models.items()
        ]
        self.send(200, {"models": models})

    def show(self, body):
        name = body.get("model")
        if not name:
            raise Refusal(400, {"error": "model is required"})
        model = self.standin.find(name)
        if model is None:
            full = name if ":" in name or not self.standin.new else name + ":latest"
            raise Refusal(404, {"error": f"model '{full}' not found"})
        parameters = [
            (k, v) for k, vs in sorted(model["parameters"].items()) for v in (vs if isinstance(vs, list) else [vs])
        ]
        quote = '"""' if '"' in model["template"] else '"'
        modelfile = (
            '# Modelfile generated by "ollama show"\n# To build a new Modelfile based on this, replace FROM with:\n'
            f"# FROM {name}:latest\n\n"
            f"FROM {self.standin.parent}\nTEMPLATE {quote}{model['template']}{quote}\n"
            + (f"SYSTEM {model['system']}\n" if model["system"] else "")
            + "".join(f"PARAMETER {k} {v}\n" for k, v in parameters)
        )
        answer = {"modelfile": modelfile}
        if parameters:
            answer["parameters"] = "\n".join(
                f"{k:<30} {json.dumps(v) if isinstance(v, str) else v}" for k, v in parameters
            )
        answer["template"] = model["template"]
        if model["system"]:
            answer["system"] = model["system"]
        answer |= {
            "details": self.details("" if self.standin.new else self.standin.parent),
            "model_info": MODEL_INFO,
            "tensors": tensors(),
            "capabilities": model["capabilities"],
            "modified_at": model["modified"],
        }
        self.send(200, answer)

    def blob(self, data: bytes):
        wanted = self.path.rpartition("/")[2]
        if self.command == "HEAD":
            present = wanted in self.standin.blobs
            return self.send(200 if present else 404, "", None if present else JSON)
        found = "sha256:" + hashlib.sha256(data).hexdigest()
        if found != wanted:
            raise Refusal(400, {"error": f'digest mismatch, expected "{wanted}", got "{found}"'})
        self.standin.blobs.add(found)
        self.send(201, "", None)

    def create(self, body):
        source, files = body.get("from"), body.get("files")
        if not source and not files:
            raise Refusal(400, {"error": "neither 'from' or 'files' was specified"}, BARE_JSON)
        self.stream(body, self.creation(body, source, files))

    def creation(self, body, source, files):
        # a template found by itself brings its stop words
        stop = {} if body.get("template") else {"stop": ["<|im_start|>", "<|im_end|>"]}
        base = self.standin.find(source) if source else {"template": CHATML, "system": "", "parameters": stop}
        if base is None:
            yield {"error": f"model '{source}' not found"}
            return
        for blob in (files or {}).values():
            yield {"status": "parsing GGUF"}
            if blob not in self.standin.blobs:
                path = self.standin.parent.rpartition("/")[0] + "/" + blob.replace(":", "-")
                yield {"error": f"open {path}: no such file or directory"}
                return
            if self.standin.new:
                yield {"status": "verifying conversion"}
            template = body.get("template") or CHATML
            if template.count("{{") != template.count("}}"):
                yield {"error": "template error: template: :1: unclosed action"}
                return
            yield {"status": f"using existing layer {blob}"}
        for part in ("template", "system", "parameters"):
            if body.get(part):
                yield {
                    "status": f"creating new layer sha256:{hashlib.sha256(json.dumps(body[part]).encode()).hexdigest()}"
                }
        self.standin.add(
            body["model"],
            body.get("template") or base["template"],
            body.get("system") or base["system"],
            base["parameters"] | (body.get("parameters") or {}),
        )
        yield {"status": "writing manifest"}
        yield {"status": "success"}

    def pull(self, body):
        name = body.get("model") or body.get("name") or ""
        if not re.fullmatch(r"([\w.-]+(:\d+)?/)*[\w.-]+(:[\w.-]+)?", name):
            raise Refusal(400, {"error": "invalid model name"})
        self.stream(body, self.pulling(name))

    def pulling(self, name):
        yield {"status": "pulling manifest"}
        size = self.standin.registry.get(name)
        if size is None:
            path, _, tag = name.partition(":")
            path = path if "/" in path else "library/" + path
            address = f"https://registry.ollama.ai/v2/{path}/manifests/{tag or 'latest'}"
            yield {
                "error": f'pull model manifest: Get "{address}": dial tcp: lookup registry.ollama.ai on 127.0.0.1:53: no such host'
            }
            return
        digest = hashlib.sha256(name.encode()).hexdigest()
        for done in (0, size // 2, size):
            yield {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": size, "completed": done}
        if self.standin.fault == "error":
            yield {"error": "digest mismatch, file must be downloaded again"}
            return
        if self.standin.fault == "end":
            return
        self.standin.add(name)
        yield {"status": "verifying sha256 digest"}
        yield {"status": "writing manifest"}
        yield {"status": "success"}

    # --- generation ---

    def checked(self, body) -> tuple[dict, list[dict], dict]:
        """The model, messages and options of a chat request, refused as Ollama refuses them."""
        messages = body.get("messages", [])
        if not isinstance(messages, list):
            kind = "string" if isinstance(messages, str) else "number"
            raise Refusal(
                400,
                {
                    "error": f"json: cannot unmarshal {kind} into Go struct field ChatRequest.messages of type []api.Message"
                },
            )
        if any(isinstance(m.get("content"), list) for m in messages):
            raise Refusal(
                400, {"error": "json: cannot unmarshal array into Go struct field Alias.content of type string"}
            )
        name = body.get("model")
        if not name:
            raise Refusal(400, {"error": "model is required"})
        model = self.standin.find(name)
        if model is None:
            raise Refusal(404, {"error": f"model '{name}' not found"})
        if body.get("tools") and "tools" not in model["capabilities"]:
            full = name if ":" in name else name + ":latest"
            raise Refusal(400, {"error": f"registry.ollama.ai/library/{full} does not support tools"})
        if body.get("think") and "thinking" not in model["capabilities"]:
            raise Refusal(400, {"error": f'"{name}" does not support thinking'})
        options = model["parameters"] | (body.get("options") or {})
        for key, value in options.items():
            kind = "integer" if key in INTEGERS else "float32" if key in FLOATS else None
            if kind and not isinstance(value, (int, float)):
                raise Refusal(500, {"error": f'option "{key}" must be of type {kind}'})
        return model, messages, options

    def chat(self, body):
        standin, (model, messages, options) = self.standin, self.checked(body)
        head = {"model": body["model"], "created_at": now()}
        if not messages:
            return self.send(
                200, head | {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "load"}
            )
        if body.get("_debug_render_only"):
            rendered = {"rendered_template": render(model, messages)}
            return self.send(
                200, head | {"message": {"role": "", "content": ""}, "done": False, "_debug_info": rendered}
            )
        format = body.get("format")
        if isinstance(format, str) and format not in ("", "json"):
            raise Refusal(
                500,
                {
                    "error": f'invalid format: {json.dumps(json.dumps(format))}; expected "json" or a valid JSON Schema object'
                },
            )
        if schema_is_bad(format):
            if not standin.new:
                raise Refusal(500, {"error": "invalid JSON schema in format"})
            words = f"Unrecognized schema: {json.dumps(format, separators=(',', ':'))}"
            words = f"Field 'json_schema': \"json_schema\": JSON schema conversion failed:\n{words}"
            raise Refusal(400, {"error": inner_error(words, "invalid_request_error")})
        num_ctx = min(options.get("num_ctx", 4096), TRAINED)
        whole = len(tokens(render(model, messages)))
        prompt = whole
        if whole > num_ctx and body.get("truncate") is False and not standin.ignore_truncate:
            if not standin.new:
                raise Refusal(400, {"error": "the input length exceeds the context length"})
            window = -(-num_ctx // 256) * 256
            if whole >= window:
                words = (
                    f"request ({whole} tokens) exceeds the available context size ({window} tokens), try increasing it"
                )
                raise Refusal(
                    400, {"error": inner_error(words, "exceed_context_size_error", n_prompt_tokens=whole, n_ctx=window)}
                )
        elif whole > num_ctx:
            prompt = fit(standin, model, messages, num_ctx)
        pieces = tokens(standin.reply(messages, format))
        limit = options.get("num_predict", -1)
        if body.get("shift") is False:
            room = (-(-num_ctx // 256) * 256 if standin.new else num_ctx) - prompt
            limit = room if limit < 0 else min(limit, room)
        reason, count = "stop", len(pieces) + 1  # the token that ends the answer is counted
        if 0 <= limit < count:
            reason, count, pieces = "length", limit, pieces[:limit]
        final = {
            "done": True,
            "done_reason": reason,
            "total_duration": 7_000_000 + 1_000_000 * count,
            "load_duration": 2_000_000,
            "prompt_eval_count": prompt,
            "prompt_eval_duration": 5_000_000,
            "eval_count": count,
            "eval_duration": 1_000_000 * count,
        }
        if body.get("stream") is False:
            return self.send(200, head | {"message": {"role": "assistant", "content": "".join(pieces)}} | final)
        self.start_stream()
        for i, piece in enumerate(pieces):
            if standin.fault and i == standin.fault_after:
                error = {"error": "an error was encountered while running the model: unexpected EOF"}
                if self.misbehave(standin.fault, self.line, error, '{"model":"tuned","mess'):
                    return
            time.sleep(standin.piece_seconds)
            self.line(head | {"created_at": now(), "message": {"role": "assistant", "content": piece}, "done": False})
        self.line(head | {"created_at": now(), "message": {"role": "assistant", "content": ""}} | final)
        self.end_stream()

    def embed(self, body):
        name, given = body.get("model", ""), body.get("input", "")
        model = self.standin.find(name)
        if model is None:
            raise Refusal(404, {"error": f'model "{name}" not found, try pulling it first'})
        inputs = [given] if isinstance(given, str) else given
        if not any(inputs):
            return self.send(200, {"model": name, "embeddings": []})
        num_ctx = (body.get("options") or {}).get("num_ctx", 4096)
        counts = [len(tokens(text)) for text in inputs]
        if max(counts) > num_ctx and body.get("truncate") is False:
            raise Refusal(400, {"error": "the input length exceeds the context length"})
        if self.standin.new:
            raise Refusal(501, {"error": "This server does not support embeddings. Start it with `--embeddings`"})
        vectors = [[(byte - 128) / 2048 for byte in (hashlib.sha256(text.encode()).digest() * 18)] for text in inputs]
        times = {"total_duration": 5_000_000, "load_duration": 2_000_000}
        self.send(
            200,
            {"model": name, "embeddings": vectors}
            | times
            | {"prompt_eval_count": sum(min(n, num_ctx - 2) for n in counts)},
        )

    # --- the OpenAI-compatible part ---

    def v1_models(self):
        data = [
            {"id": name, "object": "model", "created": int(time.time()), "owned_by": "library"}
            for name in self.standin.models
        ]
        self.send(200, json.dumps({"object": "list", "data": data}) + "\n", BARE_JSON)

    def v1_chat(self, body):
        model = self.standin.find(body["model"])
        if model is None:
            error = {
                "message": f"model '{body['model']}' not found",
                "type": "not_found_error",
                "param": None,
                "code": None,
            }
            return self.send(404, json.dumps({"error": error}) + "\n", BARE_JSON)
        prompt = len(tokens(render(model, body["messages"])))
        pieces = tokens(self.standin.reply(body["messages"], body.get("response_format")))
        cut = pieces[: body.get("max_tokens", len(pieces))]
        reason, count = (
            ("length", len(cut)) if len(cut) <= len(pieces) and "max_tokens" in body else ("stop", len(cut) + 1)
        )
        usage = {"prompt_tokens": prompt, "completion_tokens": count, "total_tokens": prompt + count}
        choice = {"index": 0, "message": {"role": "assistant", "content": "".join(cut)}, "finish_reason": reason}
        answer = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body["model"],
            "system_fingerprint": "fp_ollama",
            "choices": [choice],
            "usage": usage,
        }
        self.send(200, json.dumps(answer) + "\n", BARE_JSON)


def inner_error(message: str, kind: str, **more) -> str:
    """What newer servers hand on from llama.cpp's server: an error object written as a string."""
    return json.dumps({"error": {"code": 400, "message": message, "type": kind, **more}}, separators=(",", ":"))


def tensors() -> list[dict]:
    """The tensors of SmolLM2-135M as /api/show lists them."""
    shapes = {
        "attn_k": (WIDTH, KV_WIDTH),
        "attn_norm": (WIDTH,),
        "attn_output": (WIDTH, WIDTH),
        "attn_q": (WIDTH, WIDTH),
        "attn_v": (WIDTH, KV_WIDTH),
        "ffn_down": (HIDDEN, WIDTH),
        "ffn_gate": (WIDTH, HIDDEN),
        "ffn_norm": (WIDTH,),
        "ffn_up": (WIDTH, HIDDEN),
    }
    named = [("output_norm.weight", (WIDTH,)), ("token_embd.weight", (WIDTH, VOCABULARY))]
    named += [(f"blk.{i}.{name}.weight", shape) for i in range(LAYERS) for name, shape in shapes.items()]
    return [{"name": name, "type": "F32" if len(shape) == 1 else "Q8_0", "shape": list(shape)} for name, shape in named]
