"""A GGUF file loaded through llama-cpp-python's C bindings: weights, context, chat template, vocabulary."""

import contextlib
import ctypes
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from mem0_slm import hardware
from mem0_slm.engines._grammar import schema_matcher
from mem0_slm.engines.answer import EngineError


class LlamaModel:
    """A loaded GGUF file. Only one thread may use its context and its batch; all else is safe from many."""

    def __init__(
        self,
        path: Path,
        *,
        n_ctx: int,
        n_parallel: int,
        n_threads: int | None,
        n_batch: int,
        lora: str | Path | None,
        lora_scale: float,
        n_gpu_layers: int,
    ):
        import llama_cpp as C

        self.C, self.path, self.n_parallel, self.n_batch = C, path, n_parallel, n_batch
        self.n_threads = n_threads or hardware.threads()
        _check_gguf(path)
        C.llama_backend_init()
        silence(C)
        parameters = C.llama_model_default_params()
        parameters.n_gpu_layers = n_gpu_layers
        self.model = C.llama_model_load_from_file(str(path).encode(), parameters)
        if not self.model:
            raise EngineError(
                f"{path}: llama.cpp cannot load it (damaged, or an architecture it does not know). "
                "Fetch it or make it again."
            )
        self.vocab = C.llama_model_get_vocab(self.model)
        self.n_vocab = C.llama_vocab_n_tokens(self.vocab)
        self.n_ctx = min(n_ctx, C.llama_model_n_ctx_train(self.model))
        self.context = self._new_context()
        self.threadpool = _attach_threads(C, self.context, self.n_threads)
        self.adapter = None
        if lora:
            self._apply_lora(Path(lora), lora_scale)
        self.batch = C.llama_batch_init(n_batch, 0, 1)
        self._template = self._chat_template()
        self._guide: Any = None  # llguidance's view of the vocabulary, made when first needed
        self._guide_lock = threading.Lock()

    def _new_context(self) -> Any:
        settings = self.C.llama_context_default_params()
        settings.n_ctx, settings.n_batch, settings.n_ubatch = self.n_ctx, self.n_batch, self.n_batch
        settings.n_seq_max, settings.kv_unified = self.n_parallel, True
        settings.n_threads = settings.n_threads_batch = self.n_threads
        settings.no_perf = True
        context = self.C.llama_init_from_model(self.model, settings)
        if not context:
            raise EngineError(f"{self.path}: no memory for a context of {self.n_ctx} tokens. Ask for a smaller n_ctx.")
        return context

    def _apply_lora(self, lora: Path, scale: float) -> None:
        _check_gguf(lora)
        self.adapter = self.C.llama_adapter_lora_init(self.model, str(lora).encode())
        if not self.adapter:
            raise EngineError(
                f"{lora}: llama.cpp cannot apply this adapter to {self.path}. "
                "Export it again from an adapter of this base."
            )
        kind: Any = ctypes.c_void_p if isinstance(self.adapter, int) else type(self.adapter)
        if self.C.llama_set_adapters_lora(self.context, (kind * 1)(self.adapter), 1, (ctypes.c_float * 1)(scale)):
            raise EngineError(f"{lora}: llama.cpp refused the adapter.")

    def _chat_template(self) -> Any:
        source = self.C.llama_model_chat_template(self.model, None)
        if not source:
            raise EngineError(f"{self.path}: it has no chat template in its metadata. Use an instruction-tuned model.")
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = _tojson
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
        """The token ids of a rendered prompt; none is added: the template writes a start token where one belongs."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        buffer = (self.C.llama_token * room)()
        n = self.C.llama_tokenize(self.vocab, data, len(data), buffer, room, False, True)
        if n < 0:
            raise EngineError(f"llama.cpp could not tokenize a text of {len(data)} bytes.")
        return list(buffer[:n])

    def piece(self, token: int, special: bool = False) -> bytes:
        """The bytes that a token stands for, maybe part of a character; of a control token only with `special`."""
        if token < 0:
            return b""
        buffer = ctypes.create_string_buffer(256)
        n = self.C.llama_token_to_piece(self.vocab, token, buffer, 256, 0, special)
        return buffer.raw[: max(n, 0)]

    def matcher(self, schema: dict) -> Any:
        """A fresh llguidance matcher for a JSON schema."""
        with self._guide_lock:
            if self._guide is None:
                from llguidance.llamacpp import lltokenizer_from_vocab

                self._guide = lltokenizer_from_vocab(self.vocab)
        return schema_matcher(self._guide, schema)

    def pause_threads(self) -> None:
        """Let the threads sleep until the next pass: else they look for work for another tenth of a second, time that
        an embedder in this process would miss."""
        self.C._ggml.libggml.ggml_threadpool_pause(self.threadpool)

    def free(self) -> None:
        """Give the memory back. Using the model afterwards ends the process: the C library does not check."""
        self.C.llama_batch_free(self.batch)
        self.C.llama_free(self.context)
        self.C._ggml.libggml.ggml_threadpool_free(self.threadpool)
        self.C.llama_model_free(self.model)


def _attach_threads(C: Any, context: Any, n: int) -> ctypes.c_void_p:
    """Give a context threads that outlive a pass, as llama.cpp's own programs do; else each pass starts its own.

    The bindings leave these functions out. The settings stay opaque: llama.cpp fills them in, with room to spare.
    """
    import llama_cpp._ggml as ggml

    settings = ctypes.create_string_buffer(4096)
    ggml.libggml.ggml_threadpool_params_init(settings, ctypes.c_int(n))
    ggml.libggml.ggml_threadpool_new.restype = ctypes.c_void_p
    pool = ctypes.c_void_p(ggml.libggml.ggml_threadpool_new(settings))
    C.llama_cpp._lib.llama_attach_threadpool(ctypes.c_void_p(context), pool, pool)
    return pool


def _tojson(value: Any, indent: int | None = None) -> str:
    """JSON as transformers and llama.cpp's own templates write it; Jinja's writes <, >, & and ' as escapes for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_template_error(message: str) -> None:
    raise EngineError(f"the model's chat template refused the messages: {message}")


def _check_gguf(path: Path) -> None:
    if not path.is_file():
        raise EngineError(f"{path}: no such file. Make it first, or pass the path of a GGUF file.")
    with open(path, "rb") as f:
        head = f.read(4)
    if head != b"GGUF":
        raise EngineError(f"{path}: not a GGUF file (it begins with {head!r}). Fetch it or make it again.")


_log_callback = None
"""Kept alive here: llama.cpp holds only a pointer to it."""
LOG_LEVEL_ERROR = 4
"""ggml's GGML_LOG_LEVEL_ERROR; the bindings leave it out."""


def silence(C: Any) -> None:
    """Let llama.cpp (the module C) write only errors to stderr; everything where MEM0_SLM_LLAMA_LOG is set."""
    global _log_callback
    if _log_callback is not None or os.environ.get("MEM0_SLM_LLAMA_LOG"):
        return

    @C.llama_log_callback
    def only_errors(level: int, text: bytes, user_data: Any) -> None:
        if level == LOG_LEVEL_ERROR:
            with contextlib.suppress(OSError):
                os.write(2, text)

    _log_callback = only_errors
    C.llama_log_set(_log_callback, ctypes.c_void_p(0))
