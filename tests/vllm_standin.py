"""A stand-in for a vLLM server, or llama.cpp's, for tests: it speaks the protocol and has no model.

It speaks as vLLM 0.32 or as llama.cpp's server does; its error messages are theirs.

    with serve("vllm") as server:
        handle = vllm.load(base_url=server.url)
"""

import contextlib
import json
import time

from tests.ollama_standin import JsonHandler, listening


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
