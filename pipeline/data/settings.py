"""The section `generate_dataset` of params.yaml."""

from dataclasses import dataclass

from pipeline import params
from pipeline.data import teacher


@dataclass(frozen=True)
class GenerateDatasetSettings:
    extraction_n: int
    validation_n: int
    instructions_n: int
    instructions: str
    memory_words: int
    joined_share: float
    noisy_share: float
    scoped_share: float = 0.0
    teacher: str = "none"
    teacher_n: int = 0

    def __post_init__(self):
        params.require(self.extraction_n >= 1, "extraction_n", self.extraction_n, "must be at least 1")
        params.require(self.validation_n >= 1, "validation_n", self.validation_n, "must be at least 1")
        params.require(self.instructions_n >= 0, "instructions_n", self.instructions_n, "must not be negative")
        params.require(
            self.memory_words >= 0,
            "memory_words",
            self.memory_words,
            "must be 0 (one fact per memory) or a number of words",
        )
        params.require(self.teacher_n >= 0, "teacher_n", self.teacher_n, "must not be negative")
        params.require(
            self.teacher == "none" or self.teacher.partition(":")[0] in teacher.engines.ENGINES,
            "teacher",
            self.teacher,
            f"must be none or <engine>:<model>, with an engine of {', '.join(teacher.engines.ENGINES)}",
        )
        for name in ("joined_share", "noisy_share", "scoped_share"):
            params.require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "must lie between 0 and 1")
