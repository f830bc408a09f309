"""How a training is written down. No adapter depends on it: a change here trains nothing again."""

from pipeline import results
from pipeline.paths import METRICS
from pipeline.training.result import TrainingResult

HEADLINE = ("train_loss_last", "validation_loss", "seconds", "tokens_per_second", "peak_rss_gib", "peak_vram_gib")
"""What DVC's tables show of a training; the rest is in reports/runs."""
LOG_COLUMNS = ("loss", "eval_loss", "learning_rate", "grad_norm", "rss_gib", "vram_gib")
"""The columns of metrics/loss.csv, beside the step."""
PACKAGES = ("torch", "transformers", "peft")


def record(result: TrainingResult) -> None:
    """Write metrics/loss.csv, metrics/finetune.json and reports/runs/finetune.json."""
    results.write_csv(METRICS / "loss.csv", ("step", *LOG_COLUMNS), log_rows(result.log))
    figures = result.figures()
    results.record("finetune", figures, *PACKAGES, headline=results.pick(figures, HEADLINE))


def log_rows(log: list[dict]) -> list[list]:
    """transformers' log as rows of a step and `LOG_COLUMNS`, one a step; None where a step has no such figure."""
    steps: dict[int, dict] = {}
    for row in log:
        steps.setdefault(row["step"], {}).update(row)
    return [[step, *(row.get(column) for column in LOG_COLUMNS)] for step, row in sorted(steps.items())]
