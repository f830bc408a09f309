"""What every engine gives and raises, in a module of its own: no engine has to import the package that finds it."""

from dataclasses import dataclass, field


class EngineError(RuntimeError):
    """The engine could not load the model or finish a request. The message names the cause and the remedy."""

    __module__ = "mem0_slm.engines"  # where users import it from, and what a traceback should say


class ContextOverflow(EngineError):
    """The prompt does not fit the context window.

    `prompt_tokens` and `limit` (what the window leaves beside the answer) are token counts. `what` is said first and
    `remedy` last, in the engine's own words.
    """

    __module__ = "mem0_slm.engines"

    def __init__(
        self,
        prompt_tokens: int,
        window: int,
        max_tokens: int,
        what: str = "",
        remedy: str = "Load the model with a larger n_ctx",
    ) -> None:
        self.prompt_tokens, self.limit = prompt_tokens, window - max_tokens
        super().__init__(
            f"{what or f'the prompt has {prompt_tokens} tokens'}; "
            f"the context window of {window} leaves {self.limit} for it. "
            f"{remedy}, or let mem0-slm send its compact prompt."
        )


@dataclass(frozen=True)
class Answer:
    """What a model answered, and what it took. Times are `time.perf_counter` seconds."""

    text: str
    finish_reason: str
    """"stop" (the model ended its answer) or "length" (it reached max_tokens)."""
    prompt_tokens: int
    output_tokens: int
    started: float
    """When the engine began to work on the request (after waiting in a queue)."""
    token_times: list[float] = field(default_factory=list, repr=False)
    """When each output token was known; the first minus `started` is the time to first token."""
    server: dict = field(default_factory=dict, repr=False)
    """What a server said about the request, in its own units (Ollama: nanoseconds); empty for engines that run here."""
    tokens: list[int] = field(default_factory=list, repr=False)
    """The answer's token ids without the one that ends it; empty where an engine does not tell."""

    @property
    def seconds(self) -> float:
        return (self.token_times[-1] if self.token_times else self.started) - self.started
