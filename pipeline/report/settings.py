"""The section `report` of params.yaml."""

from pipeline.params import Settings, Share


class ReportSettings(Settings):
    max_fall: Share
    """Most that a quality metric of the tuned model may fall before stages.gate fails: 0.03 is three points."""
