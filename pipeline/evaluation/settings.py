"""The sections `retrieval_eval`, `baseline_bench` and `finetuned_bench` of params.yaml."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from mem0_slm.engines import ENGINES
from pipeline.export import gguf
from pipeline.params import Count, CountOrNone, Settings

DECODINGS = ("free", "json", "schema")


def _known_embedder(name: str) -> str:
    if name != "minilm" and not name.startswith("ollama:"):
        raise ValueError('must be "minilm" or "ollama:<model>" such as ollama:nomic-embed-text')
    return name


def _known_qdrant(place: str) -> str:
    if place != "embedded" and not place.startswith(("http://", "https://")):
        raise ValueError('must be "embedded" or a server\'s address such as http://127.0.0.1:6333')
    return place


Engine = Literal[ENGINES]
Embedder = Annotated[str, AfterValidator(_known_embedder)]
Qdrant = Annotated[str, AfterValidator(_known_qdrant)]


class Target(Settings):
    """A model in one form on one engine."""

    engine: Engine
    """What runs the model."""
    model: str
    """The model's file or folder, or the name under which a server has it."""
    format: str
    """The form of the weights as the report calls it: GGUF, safetensors."""
    precision: str
    """Their precision as the report calls it: Q8_0, bf16."""
    adapter: str | None = None
    """A LoRA adapter on top of the model: its folder, for llama_cpp its GGUF file."""
    prompts: Count | None = None
    """General prompts for this target, when fewer than the section's: for a form that is slow."""
    load_in_4bit: bool = False
    """Whether the transformers engine loads the weights in 4 bits (bitsandbytes)."""

    @field_validator("load_in_4bit")
    @classmethod
    def _is_possible(cls, load_in_4bit: bool, info: ValidationInfo) -> bool:
        if load_in_4bit and info.data.get("engine", "transformers") != "transformers":
            raise ValueError("is an option of the transformers engine alone")
        return load_in_4bit


class BenchSettings(Settings):
    """What both benches do, each with a section of its own."""

    prompts: Count
    """General prompts that each target answers, one after the other."""
    new_tokens: Count
    """Tokens of each answer."""
    warmup: CountOrNone
    """Answers before the clock starts."""
    threads: CountOrNone
    """Processor threads; 0 takes all processors that this process may use."""
    missing_is_error: bool
    """Whether a target that cannot run here fails the stage; else the reason goes into the report."""
    targets: dict[str, Target]
    """What is measured, by name."""
    extractions: CountOrNone = 8
    """Mem0 extraction calls, the second workload; 0 leaves it out."""
    clients: list[Annotated[int, Field(ge=2)]] = [4, 8]
    """Numbers of clients that ask at once; one client is always measured, engines that do not batch have no other."""
    client_requests: Count = 16
    """General prompts for each number of clients."""


class RetrievalEvalSettings(Settings):
    engine: Engine
    """What runs the base and the tuned model."""
    finetuned_model: str
    """The tuned model's file or folder."""
    base_type: Literal[("", *gguf.QUANTISED)]
    """The type to which the base's GGUF is quantised for the evaluation; "" takes the file as it is."""
    constrain: Literal[DECODINGS]
    """What the decoding is held to: free (nothing), json (any object), schema (Mem0's contract)."""
    gate: bool
    """Whether only what follows from the user's words is stored, and these words in place of what does not."""
    max_tokens: Count
    """Most tokens of an answer."""
    concurrency: Count
    """Adds at once."""
    top_k: Annotated[int, Field(ge=10)]
    """Memories that a search returns; at least 10, for hit_at_10."""
    qdrant: Qdrant
    """Where the vectors lie: embedded (a folder) or a server's address."""
    embedder: Embedder
    """What embeds the memories: minilm, or ollama:<model>."""
    threads: CountOrNone
    """Processor threads of llama.cpp; 0 takes all processors that this process may use."""
    limit: CountOrNone
    """Conversations, and as many pieces of small talk, that are taken of each set; 0: all."""
    decodings: list[Literal[DECODINGS]]
    """Decodings that are compared in the metrics of base and tuned model."""
    decoding_items: CountOrNone
    """Generated conversations that the comparison takes; 0: no comparison."""
    sets: dict[str, str] = {}
    """Evaluation sets of your own: a file by name."""
