"""Make a small language model a dependable memory extractor for Mem0.

    from mem0 import Memory
    from mem0_slm import memory_config
    memory = Memory(memory_config())

Names are imported on first use, so that importing the package costs nothing.
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mem0_slm.answers import classify
    from mem0_slm.memory import memory_config, watch

# No library phones home on our account; a value that the user has set stands. Mem0 reads its own when it is imported,
# Unsloth when it loads a model.
os.environ.setdefault("MEM0_TELEMETRY", "False")
os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")

__all__ = ["classify", "memory_config", "watch"]


def __getattr__(name: str) -> Any:
    if name == "classify":
        from mem0_slm.answers import classify

        return classify
    if name in ("memory_config", "watch"):
        from mem0_slm import memory

        return getattr(memory, name)
    raise AttributeError(f"module 'mem0_slm' has no attribute {name!r}")
