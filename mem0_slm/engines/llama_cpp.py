"""llama.cpp in this process, through llama-cpp-python's C bindings, with continuous batching.

One thread owns the llama.cpp context and steps every running request by one token at a time in a shared batch, so that
concurrent requests share each pass over the weights and never each other's tokens: a request is a llama.cpp sequence
of its own. (The package's own `Llama` class runs one request at a time and is not thread-safe.)
"""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import queue
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from mem0_slm.engines import Answer, ContextOverflow, EngineError


def load(
    model,
    *,
    n_ctx: int = 4096,
    n_parallel: int = 8,
    n_threads: int | None = None,
    n_batch: int = 512,
    lora: str | Path | None = None,
    lora_scale: float = 1.0,
    n_gpu_layers: int = 0,
) -> "Handle":
    """Load a GGUF file.

    n_ctx: tokens in the key-value cache, shared by all running requests. n_parallel: how many run at once.
    n_threads: None takes the processors this process may use. n_batch: prompt tokens computed in one step.
    lora: a GGUF LoRA adapter applied at run time, times lora_scale.
    Raises EngineError for a missing or damaged file.
    """
    return Handle(
        Path(model),
        n_ctx=n_ctx,
        n_parallel=n_parallel,
        n_threads=n_threads,
        n_batch=n_batch,
        lora=lora,
        lora_scale=lora_scale,
        n_gpu_layers=n_gpu_layers,
    )


def generate(
    handle: "Handle",
    messages: list[dict],
    *,
    max_tokens: int = 512,
    schema: dict | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    on_text=None,
    ignore_eos: bool = False,
) -> Answer:
    """Answer chat messages.

    schema: a JSON schema that the answer is held to while it is decoded. temperature 0 is greedy. on_text: called in
    the engine's thread with each new piece of text; what it raises ends the request. ignore_eos: always write
    max_tokens tokens (for benchmarks). Raises ContextOverflow before any work, EngineError when llama.cpp fails.
    """
    request = Request(
        tokens=tokenize(handle, messages),
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        on_text=on_text,
        ignore_eos=ignore_eos,
        matcher=handle.matcher(schema) if schema else None,
    )
    if schema:
        handle.force(request)
        if len(request.output) == max_tokens or request.matcher.is_stopped():  # one token at least is the model's
            request.matcher.rollback(1)
            request.text = request.text.removesuffix(handle.piece(request.output.pop()))
    return handle.submit(request).result()


def tokenize(handle: "Handle", messages: list[dict]) -> list[int]:
    """The token ids the model receives for these messages: its chat template rendered, then tokenized."""
    handle.require_open()
    return handle.tokens(handle.render(messages))


def close(handle: "Handle") -> None:
    handle.close()


@dataclass(eq=False)
class Request:
    """One generation: what was asked, and where it stands."""

    tokens: list[int]
    max_tokens: int
    temperature: float = 0.0
    seed: int = 0
    on_text: object = None
    ignore_eos: bool = False
    matcher: object = None
    future: concurrent.futures.Future = field(default_factory=concurrent.futures.Future)
    sequence: int = -1
    done: int = 0  # tokens of `tokens` + `output` already in the cache
    output: list[int] = field(default_factory=list)
    text: bytearray = field(default_factory=bytearray)
    sent: int = 0  # bytes of `text` already given to on_text
    started: float = 0.0
    times: list[float] = field(default_factory=list)
    generator: object = None

    @property
    def pending(self) -> list[int]:
        """Tokens that must go through the model before the next one can be chosen."""
        prompt = len(self.tokens)
        return self.tokens[self.done :] + self.output if self.done < prompt else self.output[self.done - prompt :]


class Handle:
    """A loaded model with its worker thread. Safe to use from many threads."""

    def __init__(self, model: Path, *, n_ctx, n_parallel, n_threads, n_batch, lora, lora_scale, n_gpu_layers):
        import llama_cpp as C

        self.C, self.path = C, model
        _check_gguf(model)
        C.llama_backend_init()
        _silence(C)
        parameters = C.llama_model_default_params()
        parameters.n_gpu_layers = n_gpu_layers
        self.model = C.llama_model_load_from_file(str(model).encode(), parameters)
        if not self.model:
            raise EngineError(
                f"{model}: llama.cpp cannot load it (damaged, or an architecture it does not know). Run `dvc repro`, or fetch it again."
            )
        self.vocab = C.llama_model_get_vocab(self.model)
        self.n_vocab = C.llama_vocab_n_tokens(self.vocab)
        self.n_ctx = min(n_ctx, C.llama_model_n_ctx_train(self.model))
        self.n_parallel, self.n_batch = n_parallel, n_batch
        self.n_threads = n_threads or len(os.sched_getaffinity(0))
        settings = C.llama_context_default_params()
        settings.n_ctx, settings.n_batch, settings.n_ubatch = self.n_ctx, n_batch, n_batch
        settings.n_seq_max, settings.kv_unified = n_parallel, True
        settings.n_threads = settings.n_threads_batch = self.n_threads
        settings.no_perf = True
        self.context = C.llama_init_from_model(self.model, settings)
        if not self.context:
            raise EngineError(f"{model}: no memory for a context of {self.n_ctx} tokens. Ask for a smaller n_ctx.")
        self.threadpool = _attach_threads(C, self.context, self.n_threads)
        self.adapter = None
        if lora:
            self._apply_lora(Path(lora), lora_scale)
        self.batch = C.llama_batch_init(n_batch, 0, 1)
        self._template = self._chat_template()
        self._tokenizer, self._lock, self._closed = None, threading.Lock(), False
        self._inbox: queue.SimpleQueue = queue.SimpleQueue()
        self._worker = threading.Thread(target=self._run, name=f"llama.cpp {model.name}", daemon=True)
        self._worker.start()

    def _apply_lora(self, lora: Path, scale: float):
        _check_gguf(lora)
        self.adapter = self.C.llama_adapter_lora_init(self.model, str(lora).encode())
        if not self.adapter:
            raise EngineError(
                f"{lora}: llama.cpp cannot apply this adapter to {self.path}. Export it again from an adapter of this base."
            )
        adapters = (
            (type(self.adapter) * 1)(self.adapter)
            if not isinstance(self.adapter, int)
            else (ctypes.c_void_p * 1)(self.adapter)
        )
        if self.C.llama_set_adapters_lora(self.context, adapters, 1, (ctypes.c_float * 1)(scale)):
            raise EngineError(f"{lora}: llama.cpp refused the adapter.")

    # --- text and tokens ---

    def _chat_template(self):
        source = self.C.llama_model_chat_template(self.model, None)
        if not source:
            raise EngineError(f"{self.path}: it has no chat template in its metadata. Use an instruction-tuned model.")
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.globals.update(raise_exception=_raise_template_error, strftime_now=time.strftime)
        return environment.from_string(source.decode())

    def render(self, messages: list[dict]) -> str:
        """The model's chat template, filled: the text up to where the answer begins."""
        names = {
            "bos_token": self.piece(self.C.llama_vocab_bos(self.vocab), special=True).decode(errors="replace"),
            "eos_token": self.piece(self.C.llama_vocab_eos(self.vocab), special=True).decode(errors="replace"),
        }
        return self._template.render(messages=messages, add_generation_prompt=True, **names)

    def tokens(self, text: str) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        buffer = (self.C.llama_token * room)()
        # the template writes the model's own start token where one belongs, so none is added
        n = self.C.llama_tokenize(self.vocab, data, len(data), buffer, room, False, True)
        if n < 0:
            raise EngineError(f"llama.cpp could not tokenize a text of {len(data)} bytes.")
        return list(buffer[:n])

    def piece(self, token: int, special: bool = False) -> bytes:
        if token < 0:
            return b""
        buffer = ctypes.create_string_buffer(256)
        n = self.C.llama_token_to_piece(self.vocab, token, buffer, 256, 0, special)
        return buffer.raw[: max(n, 0)]

    def matcher(self, schema: dict):
        """A fresh llguidance matcher for a JSON schema, in the spacing of `json.dumps`."""
        from llguidance import LLMatcher

        with self._lock:
            if self._tokenizer is None:
                from llguidance.llamacpp import lltokenizer_from_vocab

                self._tokenizer = lltokenizer_from_vocab(self.vocab)
        spacing = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
        grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=spacing)
        matcher = LLMatcher(self._tokenizer, grammar)
        if matcher.is_error():
            raise EngineError(f"the JSON schema cannot be used: {matcher.get_error()}")
        return matcher

    # --- requests ---

    def require_open(self) -> None:
        if self._closed:  # the C library does not check, and a freed model ends the process
            raise EngineError(f"{self.path}: the engine is closed.")

    def submit(self, request: Request) -> concurrent.futures.Future:
        if len(request.tokens) > self.n_ctx - request.max_tokens:
            raise ContextOverflow(len(request.tokens), self.n_ctx, request.max_tokens)
        with self._lock:  # else a request could come after close's end mark and wait for ever
            self.require_open()
            self._inbox.put(request)
        return request.future

    def close(self):
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._inbox.put(None)
        self._worker.join()
        self.C.llama_batch_free(self.batch)
        self.C.llama_free(self.context)
        self.C._ggml.libggml.ggml_threadpool_free(self.threadpool)
        self.C.llama_model_free(self.model)

    def _run(self):
        """The worker: admit what fits, step all running requests, deliver what is finished."""
        waiting: list[Request] = []
        running: list[Request] = []
        free = list(range(self.n_parallel))
        open_ = True
        while open_ or waiting or running:
            while open_:
                try:
                    request = self._inbox.get(block=not (waiting or running))
                except queue.Empty:
                    break
                if request is None:
                    open_ = False
                else:
                    waiting.append(request)
            # each request reserves its prompt and its longest answer, so that the cache can never run out midway
            reserved = sum(len(r.tokens) + r.max_tokens for r in running)
            while waiting and free and reserved + len(waiting[0].tokens) + waiting[0].max_tokens <= self.n_ctx:
                request = waiting.pop(0)
                if not request.future.set_running_or_notify_cancel():
                    continue
                request.sequence, request.started = free.pop(), time.perf_counter()
                reserved += len(request.tokens) + request.max_tokens
                running.append(request)
            if not running:
                continue
            try:
                finished = self._step(running)
            except Exception as error:  # delivered to every caller whose request it ends
                for request in running:
                    request.future.set_exception(
                        error if isinstance(error, EngineError) else EngineError(f"llama.cpp: {error}")
                    )
                finished = running[:]
            for request in finished:
                running.remove(request)
                free.append(request.sequence)
                self.C.llama_memory_seq_rm(self.C.llama_get_memory(self.context), request.sequence, -1, -1)
            if not running:  # else the threads go on looking for work for a tenth of a second, which an embedder would miss; a pass wakes them
                self.C._ggml.libggml.ggml_threadpool_pause(self.threadpool)

    def _step(self, running: list[Request]) -> list[Request]:
        """One pass through the model; returns the requests that ended with it."""
        batch, position, wanted = self.batch, 0, []
        # requests that only need their next token first: a long prompt must not hold them up
        for request in sorted(running, key=lambda r: len(r.pending)):
            for token in request.pending:
                if position == self.n_batch:
                    break
                batch.token[position] = token
                batch.pos[position] = request.done
                batch.n_seq_id[position] = 1
                batch.seq_id[position][0] = request.sequence
                request.done += 1
                last = request.done == len(request.tokens) + len(request.output)
                batch.logits[position] = last
                if last:
                    wanted.append((request, position))
                position += 1
        batch.n_tokens = position
        code = self.C.llama_decode(self.context, batch)
        if code:
            raise EngineError(f"llama.cpp could not compute a batch of {position} tokens (code {code}).")
        finished = []
        for request, index in wanted:
            try:
                if self._advance(request, index):
                    finished.append(request)
            except Exception as error:  # one request's callback or grammar; the others go on
                request.future.set_exception(error)
                finished.append(request)
        return finished

    def _advance(self, request: Request, index: int) -> bool:
        """Choose the next token of a request; True when that ends it."""
        token = self._choose(request, index)
        ended = self.C.llama_vocab_is_eog(self.vocab, token)
        if not ended or request.ignore_eos:
            self._write(request, [token])
            if request.matcher is not None:
                self.force(request)
                ended = request.matcher.is_stopped()  # nothing but an end token can follow
            if request.on_text:
                self._stream(request, final=False)
        request.times += [time.perf_counter()] * (len(request.output) - len(request.times) or 1)
        if ended and not request.ignore_eos or len(request.output) >= request.max_tokens:
            if request.on_text:
                self._stream(request, final=True)
            request.future.set_result(
                Answer(
                    text=request.text.decode("utf-8", "replace"),
                    finish_reason="stop" if ended else "length",
                    prompt_tokens=len(request.tokens),
                    output_tokens=len(request.output),
                    started=request.started,
                    token_times=request.times,
                    tokens=list(request.output),
                )
            )
            return True
        return False

    def force(self, request: Request) -> None:
        """Write the tokens about which the schema leaves no choice: they go through the model with the one before, in one step."""
        forced = request.matcher.compute_ff_tokens()[: request.max_tokens - len(request.output)]
        request.matcher.consume_tokens(forced)
        self._write(request, forced)

    def _write(self, request: Request, tokens: list[int]) -> None:
        for token in tokens:
            request.output.append(token)
            request.text += self.piece(token)

    def _choose(self, request: Request, index: int) -> int:
        import numpy as np

        logits = np.ctypeslib.as_array(self.C.llama_get_logits_ith(self.context, index), shape=(self.n_vocab,))
        matcher = request.matcher
        if request.temperature == 0:
            token = int(logits.argmax())
            # a whole mask is computed only when the model's own choice is not allowed: with a tuned model, seldom
            if matcher is None or matcher.validate_tokens([token]) == 1:
                if matcher is not None:
                    matcher.consume_token(token)
                return token
        logits = logits.copy()
        if matcher is not None:
            allowed = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
            allowed = np.unpackbits(allowed, bitorder="little")[: self.n_vocab].astype(bool)
            if not allowed.any():
                raise EngineError(f"no token is allowed by the JSON schema: {matcher.get_error()}")
            logits[~allowed] = -np.inf
        if request.temperature == 0:
            token = int(logits.argmax())
        else:
            if request.generator is None:
                request.generator = np.random.default_rng(request.seed)
            scores = logits.astype(np.float64) / request.temperature
            weights = np.exp(scores - scores.max())
            token = int(request.generator.choice(self.n_vocab, p=weights / weights.sum()))
        if matcher is not None:
            matcher.consume_token(token)
        return token

    @staticmethod
    def _stream(request: Request, final: bool):
        """Give on_text what is new, holding back a character whose bytes are not all there yet."""
        piece = bytes(request.text[request.sent :])
        text = piece.decode("utf-8", "replace" if final else "ignore")
        if text:
            request.on_text(text)
            request.sent += len(piece) if final else len(text.encode())


def _attach_threads(C, context, n: int) -> ctypes.c_void_p:
    """Give a context threads that outlive a pass through the model, as llama.cpp's own programs do; else each pass starts its own.

    The bindings leave these functions out. The settings stay opaque: llama.cpp fills them in, in more room than they take.
    """
    import llama_cpp._ggml as ggml

    settings = ctypes.create_string_buffer(4096)
    ggml.libggml.ggml_threadpool_params_init(settings, ctypes.c_int(n))
    ggml.libggml.ggml_threadpool_new.restype = ctypes.c_void_p
    pool = ctypes.c_void_p(ggml.libggml.ggml_threadpool_new(settings))
    C.llama_cpp._lib.llama_attach_threadpool(ctypes.c_void_p(context), pool, pool)
    return pool


def _raise_template_error(message):
    raise EngineError(f"the model's chat template refused the messages: {message}")


def _check_gguf(path: Path):
    if not path.is_file():
        raise EngineError(f"{path}: no such file. Run `dvc repro` to make it, or pass the path of a GGUF file.")
    with open(path, "rb") as f:
        head = f.read(4)
    if head != b"GGUF":
        raise EngineError(f"{path}: not a GGUF file (it begins with {head!r}). Run `dvc repro`, or fetch it again.")


_logger = None
LOG_LEVEL_ERROR = 4
"""ggml's GGML_LOG_LEVEL_ERROR; the bindings leave it out."""


def _silence(C):
    """llama.cpp writes its log to stderr; keep only errors."""
    global _logger
    if _logger is None and not os.environ.get("MEM0_SLM_LLAMA_LOG"):

        @C.llama_log_callback
        def _logger(level, text, user_data):
            if level == LOG_LEVEL_ERROR:
                with contextlib.suppress(OSError):
                    os.write(2, text)

        globals()["_logger"] = _logger
        C.llama_log_set(_logger, ctypes.c_void_p(0))
