"""Continuous batching over llama.cpp: one thread steps every running request by one token at a time in a shared batch,
so that concurrent requests share each pass over the weights and never each other's tokens: a request is a llama.cpp
sequence of its own. (llama-cpp-python's own `Llama` class runs one request at a time and is not thread-safe.)
"""

import concurrent.futures
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mem0_slm.engines._llama_model import LlamaModel
from mem0_slm.engines.answer import Answer, ContextOverflow, EngineError


@dataclass(eq=False)
class Request:
    """One generation: what was asked, and where it stands."""

    tokens: list[int]
    """The prompt."""
    max_tokens: int
    temperature: float = 0.0
    seed: int = 0
    on_text: Callable[[str], Any] | None = None
    ignore_eos: bool = False
    matcher: Any = None
    """llguidance's, which says what tokens a JSON schema allows next; None where all are allowed."""
    future: concurrent.futures.Future = field(default_factory=concurrent.futures.Future)
    sequence: int = -1
    """Number of its llama.cpp sequence while it runs."""
    done: int = 0
    """How many tokens of prompt and output are in the key-value cache."""
    output: list[int] = field(default_factory=list)
    text: bytearray = field(default_factory=bytearray)
    sent: int = 0
    """How many bytes of `text` `on_text` has been given."""
    started: float = 0.0
    """`time.perf_counter` when it was admitted."""
    times: list[float] = field(default_factory=list)
    """`time.perf_counter` of each output token."""
    generator: Any = None
    """numpy's random generator, made with the first token that is drawn."""

    @property
    def pending(self) -> list[int]:
        """Tokens that must go through the model before the next one can be chosen."""
        prompt = len(self.tokens)
        return self.tokens[self.done :] + self.output if self.done < prompt else self.output[self.done - prompt :]

    @property
    def reserved(self) -> int:
        """Tokens it may come to hold in the cache: its prompt and its longest answer."""
        return len(self.tokens) + self.max_tokens


class Handle:
    """A loaded model with its worker thread. Safe to use from many threads."""

    def __init__(self, model: LlamaModel):
        self.model = model
        self._lock, self._closed = threading.Lock(), False
        self._inbox: queue.SimpleQueue = queue.SimpleQueue()
        self._worker = threading.Thread(target=self._run, name=f"llama.cpp {model.path.name}", daemon=True)
        self._worker.start()

    # --- for the callers' threads ---

    def require_open(self) -> None:
        """Raise EngineError if the model is closed: the C library does not check, and the process would end."""
        if self._closed:
            raise EngineError(f"{self.model.path}: the engine is closed.")

    def submit(self, request: Request) -> concurrent.futures.Future:
        """Queue a request; the future gives its Answer. Raises ContextOverflow for one that can never fit."""
        if request.reserved > self.model.n_ctx:
            raise ContextOverflow(len(request.tokens), self.model.n_ctx, request.max_tokens)
        with self._lock:  # else a request could come after close's end mark and wait for ever
            self.require_open()
            self._inbox.put(request)
        return request.future

    def close(self) -> None:
        """Finish what runs and waits, then free the model. Closing twice does no harm."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._inbox.put(None)
        self._worker.join()
        self.model.free()

    def force(self, request: Request) -> None:
        """Write the tokens about which the schema leaves no choice: they cost no step of their own."""
        forced = request.matcher.compute_ff_tokens()[: request.max_tokens - len(request.output)]
        request.matcher.consume_tokens(forced)
        self._write(request, forced)

    # --- the worker's thread ---

    def _run(self) -> None:
        """Admit what fits, step all running requests, deliver what is finished; until closed and nothing is left."""
        C, model = self.model.C, self.model
        waiting: list[Request] = []
        running: list[Request] = []
        free = list(range(model.n_parallel))
        open_ = True
        while open_ or waiting or running:
            open_ = open_ and self._receive(waiting, running)
            self._admit(waiting, running, free)
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
                C.llama_memory_seq_rm(C.llama_get_memory(model.context), request.sequence, -1, -1)
            if not running:
                model.pause_threads()  # a pass wakes them

    def _receive(self, waiting: list[Request], running: list[Request]) -> bool:
        """Move new requests to `waiting`; sleeps until one comes if there is nothing else to do. False: closed."""
        while True:
            try:
                request = self._inbox.get(block=not (waiting or running))
            except queue.Empty:
                return True
            if request is None:
                return False
            waiting.append(request)

    def _admit(self, waiting: list[Request], running: list[Request], free: list[int]) -> None:
        """Start waiting requests, the oldest first, while there is a free sequence and room in the cache.

        Each reserves room for its prompt and its longest answer, so that the cache can never run out midway.
        """
        reserved = sum(request.reserved for request in running)
        while waiting and free and reserved + waiting[0].reserved <= self.model.n_ctx:
            request = waiting.pop(0)
            if not request.future.set_running_or_notify_cancel():
                continue
            request.sequence, request.started = free.pop(), time.perf_counter()
            reserved += request.reserved
            running.append(request)

    def _step(self, running: list[Request]) -> list[Request]:
        """One pass through the model; returns the requests that ended with it."""
        model, position, wanted = self.model, 0, []
        batch = model.batch
        # requests that only need their next token first: a long prompt must not hold them up
        for request in sorted(running, key=lambda r: len(r.pending)):
            for token in request.pending:
                if position == model.n_batch:
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
        code = model.C.llama_decode(model.context, batch)
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
        """Choose the next token of a request; True when that ends it. index: of its logits in the batch."""
        token = self._choose(request, index)
        ended = self.model.C.llama_vocab_is_eog(self.model.vocab, token)
        if not ended or request.ignore_eos:
            self._write(request, [token])
            if request.matcher is not None:
                self.force(request)
                ended = request.matcher.is_stopped()  # nothing but an end token can follow
            if request.on_text:
                _stream(request, final=False)
        request.times += [time.perf_counter()] * (len(request.output) - len(request.times) or 1)
        if not (ended and not request.ignore_eos or len(request.output) >= request.max_tokens):
            return False
        if request.on_text:
            _stream(request, final=True)
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

    def _write(self, request: Request, tokens: list[int]) -> None:
        for token in tokens:
            request.output.append(token)
            request.text += self.model.piece(token)

    def _choose(self, request: Request, index: int) -> int:
        """The next token: the likeliest, or drawn by temperature, of those that the schema allows."""
        import numpy as np

        model, matcher = self.model, request.matcher
        logits = np.ctypeslib.as_array(model.C.llama_get_logits_ith(model.context, index), shape=(model.n_vocab,))
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
            allowed = np.unpackbits(allowed, bitorder="little")[: model.n_vocab].astype(bool)
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
            token = int(request.generator.choice(model.n_vocab, p=weights / weights.sum()))
        if matcher is not None:
            matcher.consume_token(token)
        return token


def _stream(request: Request, final: bool) -> None:
    """Give on_text what is new, holding back a character whose bytes are not all there yet."""
    piece = bytes(request.text[request.sent :])
    text = piece.decode("utf-8", "replace" if final else "ignore")
    if text and request.on_text:
        request.on_text(text)
        request.sent += len(piece) if final else len(text.encode())
