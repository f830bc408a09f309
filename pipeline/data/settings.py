"""The section `generate_dataset` of params.yaml."""

from typing import Literal

from pydantic import field_validator

from mem0_slm.engines import ENGINES
from pipeline.params import Count, CountOrNone, Settings, Share


class GenerateDatasetSettings(Settings):
    extraction_n: Count
    """Extraction examples for training."""
    validation_n: Count
    """Extraction examples held out of training."""
    instructions_n: CountOrNone
    """General instructions mixed into training."""
    instructions: str
    """Their source: offline (data/sources/instructions.jsonl), hub (tatsu-lab/alpaca) or a file in Alpaca's form."""
    memory_words: CountOrNone
    """Most words of a memory that joins facts of one conversation; 0: one memory a fact."""
    joined_share: Share
    """Share of examples that join two conversations into one."""
    noisy_share: Share
    """Share of examples whose user text is lower-cased, loses punctuation or gets a typo."""
    scoped_share: Share = 0.0
    """Share of conversations of a known topic that are asked with a custom instruction about it."""
    check_targets: Literal["none", "repair", "strict"] = "none"
    """Whether memories that the gate would not store are mended before they are taught: none, repair or strict."""
    teacher: str = "none"
    """A larger model that is asked for more conversations, as <engine>:<model>; or none."""
    teacher_n: CountOrNone = 0
    """Conversations that the teacher is asked for."""

    @field_validator("teacher")
    @classmethod
    def _runs_on_an_engine(cls, teacher: str) -> str:
        if teacher != "none" and teacher.partition(":")[0] not in ENGINES:
            raise ValueError(f"must be none or <engine>:<model>, with an engine of {', '.join(ENGINES)}")
        return teacher
