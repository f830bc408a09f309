"""The section `app` of params.yaml."""

from dataclasses import dataclass

from pipeline import params


@dataclass(frozen=True)
class AppSettings:
    chat_engine: str
    chat_model: str
    extraction_engine: str
    extraction_model: str
    embedder: str
    qdrant: str
    folder: str
    host: str
    port: int
    share: bool
    threads: int
    reply_tokens: int
    temperature: float
    top_k: int
    threshold: float
    history: int
    remember_replies: str

    def __post_init__(self):
        from mem0_slm.engines import ENGINES

        for key in ("chat_engine", "extraction_engine"):
            params.require(
                getattr(self, key) in ENGINES, key, getattr(self, key), f"must be one of {', '.join(ENGINES)}"
            )
        params.require(
            self.embedder == "minilm" or self.embedder.startswith("ollama:"),
            "embedder",
            self.embedder,
            'must be "minilm" or "ollama:<model>"',
        )
        params.require(
            self.qdrant == "embedded" or self.qdrant.startswith(("http://", "https://")),
            "qdrant",
            self.qdrant,
            'must be "embedded" or a server\'s address',
        )
        params.require(0 < self.port < 65536, "port", self.port, "must be from 1 to 65535")
        params.require(self.reply_tokens >= 1, "reply_tokens", self.reply_tokens, "must be at least 1")
        params.require(
            self.temperature >= 0, "temperature", self.temperature, "must be 0 (the likeliest words) or more"
        )
        params.require(self.top_k >= 0, "top_k", self.top_k, "must be the most memories in a prompt, 0 or more")
        params.require(0 <= self.threshold <= 1, "threshold", self.threshold, "must be from 0 to 1")
        params.require(self.history >= 0, "history", self.history, "must be 0 or more messages")
        params.require(
            self.remember_replies in ("auto", "always", "never"),
            "remember_replies",
            self.remember_replies,
            "must be auto, always or never",
        )

    @property
    def replies_remembered(self) -> bool:
        """Whether Mem0 is given the replies too. What the extractor itself replies repeats memories, and would be stored as news."""
        same = (self.chat_engine, self.chat_model) == (self.extraction_engine, self.extraction_model)
        return self.remember_replies == "always" or (self.remember_replies == "auto" and not same)
