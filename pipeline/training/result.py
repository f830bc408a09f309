"""What a training came to."""

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class TrainingResult:
    """The figures of a training, and its log."""

    train_loss_last: float
    """The last training loss of the log, a mean over the steps since the one before."""
    validation_loss: float
    """On the validation examples, after the last step."""
    seconds: float
    """Of the training alone: loading and writing are left out."""
    tokens_per_second: float
    """`train_tokens` over `seconds`."""
    train_tokens: int
    """Tokens of the examples seen, in all processes; padding is left out."""
    train_examples: int
    too_long_left_out: int
    """Training and validation examples of more than max_length tokens."""
    steps: int
    resumed: bool
    """Whether it went on from a checkpoint of a killed run; the seconds and tokens are then those since."""
    trainable_parameters: int
    precision: str
    """The dtype of the computation, "bfloat16" or "float32"."""
    compiled: bool
    instructions_answered_in_prose: float | None
    """The share of `instructions_asked` general instructions whose answer does not begin as JSON; None without any."""
    instructions_asked: int
    trainer: str
    """The trainer, "peft" or "unsloth"."""
    trainer_because: str
    load_in_4bit: bool
    processes: int
    peak_rss_gib: float
    """Most memory that this process held."""
    estimated_gib: float
    """What fit.memory_needed expected of all processes."""
    seed: int
    peak_vram_gib: float | None = None
    """Most memory that this process held on its GPUs; None without a GPU."""
    log: list[dict] = field(default_factory=list, repr=False)
    """transformers' log: dicts with `step` and some of loss, eval_loss, learning_rate, grad_norm, rss_gib, vram_gib."""

    def figures(self) -> dict:
        """All but the log, by the names above; without `peak_vram_gib` where there is no GPU."""
        found = asdict(self)
        del found["log"]
        if self.peak_vram_gib is None:
            del found["peak_vram_gib"]
        return found
