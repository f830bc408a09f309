"""The section `report` of params.yaml."""

from dataclasses import dataclass

from pipeline import params


@dataclass(frozen=True)
class ReportSettings:
    max_fall: float
    """Most that a quality metric of the tuned model may fall before stages.gate fails."""

    def __post_init__(self):
        params.require(0 <= self.max_fall <= 1, "max_fall", self.max_fall, "must be a share from 0 to 1")
