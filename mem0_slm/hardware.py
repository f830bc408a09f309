"""What this machine is, and what it computes well."""

import functools
import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig


def threads() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def cpu_flags() -> frozenset[str]:
    """Instruction sets of the processor, as Linux names them; none where it does not say."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return frozenset()
    return frozenset(
        word
        for line in text.splitlines()
        if line.startswith(("flags", "Features"))
        for word in line.split(":")[1].split()
    )


def compute_dtype(precision: str = "auto") -> str:
    """The dtype to compute in: "bfloat16" or "float32". auto takes bf16 only where the processor has instructions for
    it: elsewhere PyTorch emulates it, up to hundreds of times slower (pytorch#146508)."""
    if precision != "auto":
        return {"bf16": "bfloat16", "fp32": "float32"}[precision]
    import torch

    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"} else "float32"


def nf4_config(dtype: str) -> "BitsAndBytesConfig":
    """How bitsandbytes makes 4-bit weights (NF4) computed in `dtype`: their scales quantised too, as in QLoRA.

    One definition for training, export and engine: with scales in 32 bits the same weights answer otherwise (the
    untrained SmolLM2-135M: logits up to 2.9 apart, one greedy answer of six the same).
    """
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, dtype),
    )


def peak_rss_bytes() -> int:
    """Largest resident memory of this process so far. Not getrusage where /proc has it: a child begins there with its
    parent's peak."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:  # macOS has no /proc
        found = None
    if found:
        return int(found[1]) * 1024
    import resource  # Windows has none

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def memory_now() -> dict[str, float]:
    """GiB that this process holds: `rss_gib`, and on GPUs `vram_gib` of all of them."""
    import psutil
    import torch

    held = {"rss_gib": psutil.Process().memory_info().rss}
    if torch.cuda.is_available():
        held["vram_gib"] = sum(torch.cuda.memory_allocated(i) for i in range(torch.cuda.device_count()))
    return {name: round(size / 2**30, 3) for name, size in held.items()}


def peak_vram_bytes() -> int | None:
    """Most memory that this process held on its GPUs; None without one."""
    import torch

    if not torch.cuda.is_available():
        return None
    return sum(torch.cuda.max_memory_allocated(i) for i in range(torch.cuda.device_count()))


def free_memory_bytes() -> int:
    """Memory that a model can still take: that of all GPUs (of this process's own, where it is one of several), or
    without one the machine's, within its container's limit."""
    import psutil
    import torch

    if torch.cuda.is_available():
        if "LOCAL_RANK" in os.environ:
            return torch.cuda.mem_get_info(int(os.environ["LOCAL_RANK"]))[0]
        return sum(torch.cuda.mem_get_info(i)[0] for i in range(torch.cuda.device_count()))
    free = psutil.virtual_memory().available
    try:
        group = Path("/sys/fs/cgroup")
        used = int((group / "memory.current").read_text())
        cached = re.search(r"^inactive_file (\d+)", (group / "memory.stat").read_text(), re.MULTILINE)
        limit = int((group / "memory.max").read_text())
    except (OSError, ValueError):  # no control group, or "max": no limit
        return free
    return min(free, limit - used + int(cached[1])) if cached else free  # cached files are given back
