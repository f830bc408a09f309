"""The sections `retrieval_eval`, `baseline_bench` and `finetuned_bench` of params.yaml."""

from dataclasses import dataclass, field

from pipeline import params
from pipeline.export import gguf


@dataclass(frozen=True)
class Target:
    """A model in one form on one engine. `prompts`: fewer than the section's, for a form that is slow."""

    engine: str
    model: str
    format: str
    precision: str
    adapter: str | None = None
    prompts: int | None = None
    load_in_4bit: bool = False

    def __post_init__(self):
        from mem0_slm.engines import ENGINES

        params.require(self.engine in ENGINES, "engine", self.engine, f"must be one of {', '.join(ENGINES)}")
        params.require(self.prompts is None or self.prompts >= 1, "prompts", self.prompts, "must be at least 1")
        params.require(
            not self.load_in_4bit or self.engine == "transformers",
            "load_in_4bit",
            self.load_in_4bit,
            "is an option of the transformers engine alone",
        )


@dataclass(frozen=True)
class BenchSettings:
    prompts: int
    new_tokens: int
    warmup: int
    threads: int
    missing_is_error: bool
    targets: dict[str, Target]
    extractions: int = 8
    clients: list[int] = field(default_factory=lambda: [4, 8])
    client_requests: int = 16

    def __post_init__(self):
        for name in ("prompts", "new_tokens", "client_requests"):
            params.require(getattr(self, name) >= 1, name, getattr(self, name), "must be at least 1")
        for name in ("warmup", "threads", "extractions"):
            params.require(getattr(self, name) >= 0, name, getattr(self, name), "must not be negative")
        params.require(
            all(n >= 2 for n in self.clients),
            "clients",
            self.clients,
            "must be numbers of at least 2 (one client is always measured)",
        )


CANDIDATES = ("no_llm", "base", "finetuned")


DECODINGS = ("free", "json", "schema")


@dataclass(frozen=True)
class RetrievalEvalSettings:
    engine: str
    finetuned_model: str
    base_type: str
    constrain: str
    second_look: bool
    quotes: bool
    max_tokens: int
    concurrency: int
    top_k: int
    qdrant: str
    embedder: str
    threads: int
    limit: int
    decodings: list[str]
    decoding_items: int
    sets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        from mem0_slm.engines import ENGINES

        params.require(
            self.base_type in ("", *gguf.QUANTISED),
            "base_type",
            self.base_type,
            f'must be "" (the file as it is) or one of {", ".join(gguf.QUANTISED)}',
        )
        for decoding in self.decodings:
            params.require(decoding in DECODINGS, "decodings", decoding, "must be of free, json, schema")
        params.require(
            self.decoding_items >= 0,
            "decoding_items",
            self.decoding_items,
            "must be 0 (no comparison) or a number of conversations",
        )
        params.require(
            self.limit >= 0,
            "limit",
            self.limit,
            "must be 0 (all) or the number of conversations and of small talk to take",
        )

        params.require(self.engine in ENGINES, "engine", self.engine, f"must be one of {', '.join(ENGINES)}")
        params.require(self.constrain in DECODINGS, "constrain", self.constrain, "must be free, json or schema")
        params.require(self.max_tokens >= 1, "max_tokens", self.max_tokens, "must be at least 1")
        params.require(self.concurrency >= 1, "concurrency", self.concurrency, "must be at least 1")
        params.require(self.top_k >= 10, "top_k", self.top_k, "must be at least 10, for hit_at_10")
        params.require(
            self.qdrant == "embedded" or self.qdrant.startswith(("http://", "https://")),
            "qdrant",
            self.qdrant,
            'must be "embedded" or a server\'s address such as http://127.0.0.1:6333',
        )
        params.require(
            self.embedder == "minilm" or self.embedder.startswith("ollama:"),
            "embedder",
            self.embedder,
            'must be "minilm" or "ollama:<model>" such as ollama:nomic-embed-text',
        )
