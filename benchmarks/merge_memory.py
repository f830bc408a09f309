"""Memory and speed of the streamed merge on Llama 4 Scout's layer shapes, beside a copy of the files and PEFT's merge.

    python -m benchmarks.merge_memory [--layers 3] [--peft-layers 1] [--folder DIR]

Prints the figures and writes them to benchmarks/merge_memory.json. Weights are synthetic: a block of random numbers,
repeated. Layers, adapter and their names are those of transformers' and PEFT's classes at Llama 4's default shapes
(hidden 5,120, 16 experts of 8,192, a shared expert, 40 heads of 128); only the vocabulary is small. The adapter changes
attention and experts. Each merge is a process of its own; its memory is the peak over what it held with torch imported.
Files leave the page cache before each timing; a copy is synced to disk as the merge's shards are.
Twice the layers are merged too: with weights of zeros in sparse files where the disk could not hold more.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import record
from mem0_slm import io

VOCABULARY = 2048
TARGETS = {
    "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "target_parameters": ["feed_forward.experts.gate_up_proj", "feed_forward.experts.down_proj"],
}
SMALL = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "intermediate_size_mlp": 512,
    "num_local_experts": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
}
"""Shapes for a test."""

STREAMED = """
import json, sys
from pathlib import Path
import torch, tqdm
from mem0_slm.hardware import peak_rss_bytes
from pipeline.export import merge
torch.ones(64, 64) @ torch.ones(64, 64)
before = peak_rss_bytes()
folder = Path(sys.argv[1])
report = merge.merge(folder / "base", folder / "adapter", folder / "out", dtype="bfloat16")
planned = merge.plan(folder / "base", folder / "adapter", "bfloat16")["memory_bytes"]
print(json.dumps(report | {"above_interpreter_bytes": report["peak_rss_bytes"] - before, "planned_bytes": planned}))
"""
PEFT = """
import json, sys, time
from pathlib import Path
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
from mem0_slm.hardware import peak_rss_bytes
Path("/proc/self/oom_score_adj").write_text("1000")  # if memory runs out, it is this process that the system ends
torch.ones(64, 64) @ torch.ones(64, 64)
before, folder, started = peak_rss_bytes(), Path(sys.argv[1]), time.perf_counter()
model = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.bfloat16)
model = PeftModel.from_pretrained(model, folder / "adapter")
model.merge_and_unload().save_pretrained(folder / "out")
seconds, peak = time.perf_counter() - started, peak_rss_bytes()
print(json.dumps({"seconds": seconds, "peak_rss_bytes": peak, "above_interpreter_bytes": peak - before}))
"""


def write_tensors(path: Path, shapes: dict[str, tuple], dtype, sparse: bool) -> None:
    """A safetensors file of random numbers, or of zeros that take no disk."""
    import torch

    header, position = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes.items():
        size = torch.Size(shape).numel() * dtype.itemsize
        header[name] = {
            "dtype": {torch.bfloat16: "BF16", torch.float16: "F16"}[dtype],
            "shape": list(shape),
            "data_offsets": [position, position + size],
        }
        position += size
    text = json.dumps(header).encode()
    block = (
        (torch.randn(1 << 22, generator=torch.Generator().manual_seed(0)) * 0.02).to(dtype).view(torch.uint8).numpy()
    )
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        if sparse:
            f.truncate(f.tell() + position)
            return
        while position > 0:
            position -= f.write(block[:position])
        f.flush()
        os.fsync(f.fileno())


def synthesise(folder: Path, layers: int, shape: dict, sparse: bool = False) -> None:
    """A base in bfloat16, one shard a layer, and an adapter of rank 16 for it: their names and shapes are those that
    the classes give on torch's meta device."""
    import torch
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
    from transformers import Llama4ForCausalLM, Llama4TextConfig

    config = Llama4TextConfig(
        vocab_size=VOCABULARY,
        num_hidden_layers=layers,
        pad_token_id=0,
        architectures=["Llama4ForCausalLM"],
        dtype="bfloat16",
        **shape,
    )
    with torch.device("meta"):
        model = Llama4ForCausalLM(config)
        weights = {name: tuple(t.shape) for name, t in model.state_dict().items()}
        lora = LoraConfig(r=16, lora_alpha=32, task_type="CAUSAL_LM", **TARGETS)
        deltas = {name: tuple(t.shape) for name, t in get_peft_model_state_dict(get_peft_model(model, lora)).items()}
    base, adapter = folder / "base", folder / "adapter"
    base.mkdir(parents=True)
    adapter.mkdir()
    shards = {}
    for name in weights:
        number = int(name.split(".")[2]) + 1 if name.startswith("model.layers.") else 0
        shards.setdefault(f"model-{number:05}-of-{layers:05}.safetensors", []).append(name)
    for file, names in shards.items():
        write_tensors(base / file, {name: weights[name] for name in names}, torch.bfloat16, sparse)
    io.write_json(
        base / "model.safetensors.index.json",
        {"metadata": {}, "weight_map": {name: file for file, names in shards.items() for name in names}},
    )
    config.save_pretrained(base)
    write_tensors(adapter / "adapter_model.safetensors", deltas, torch.float16, sparse=False)
    lora.save_pretrained(adapter)


def forget(folder: Path) -> None:
    """Take the files of `folder` out of the page cache."""
    for file in folder.rglob("*"):
        if file.is_file() and hasattr(os, "posix_fadvise"):
            descriptor = os.open(file, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def seconds_of_a_copy(folder: Path) -> float:
    """Seconds that a copy of the base takes, synced; the copy is removed."""
    forget(folder)
    started = time.perf_counter()
    (folder / "copy").mkdir()
    for file in sorted((folder / "base").iterdir()):
        shutil.copyfile(file, folder / "copy" / file.name)
        with open(folder / "copy" / file.name, "rb+") as f:
            os.fsync(f.fileno())
    seconds = time.perf_counter() - started
    shutil.rmtree(folder / "copy")
    return seconds


def in_fresh_process(code: str, folder: Path) -> dict:
    """Run a merge in a process of its own; its report. The result is removed."""
    forget(folder)
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the merge failed with exit code {done.returncode}: {done.stderr.strip()[-800:]}")
    shutil.rmtree(folder / "out")
    return json.loads(done.stdout)


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def benchmark(folder: Path, layers: int, peft_layers: int, shape: dict) -> dict:
    """Figures of the streamed merge of `layers` and of twice as many, of a copy, and of PEFT on `peft_layers`."""
    gigabytes = lambda count: round(count / 1e9, 3)  # noqa: E731
    result, sizes = {"layers": layers, "shape": shape or "Llama 4 Scout"}, {}
    for name, count in (("once", layers), ("twice", 2 * layers)):
        base_bytes = sizes.get("once", 0) * 2
        sparse = shutil.disk_usage(folder).free < 2.2 * base_bytes + (10 << 30) if base_bytes else False
        synthesise(folder / name, count, shape, sparse)
        sizes[name] = size_of(folder / name / "base")
        if name == "once":
            result["copy_seconds"] = round(seconds_of_a_copy(folder / name), 2)
        report = in_fresh_process(STREAMED, folder / name)
        result[f"streamed_{name}"] = {
            "layers": count,
            "base_gb": gigabytes(sizes[name]),
            "seconds": round(report["seconds"], 2),
            "merged_tensors": report["merged"],
            "peak_gb_above_interpreter": gigabytes(report["above_interpreter_bytes"]),
            "announced_gb": gigabytes(report["planned_bytes"]),
            "weights": "zeros in sparse files" if sparse else "random",
        }
        shutil.rmtree(folder / name)
    result["speed_of_a_copy"] = round(result["copy_seconds"] / result["streamed_once"]["seconds"], 3)
    result["peft"] = peft(folder / "peft", peft_layers, shape, layers, sizes["once"])
    return result


def peft(folder: Path, layers: int, shape: dict, wanted: int, wanted_bytes: int) -> dict:
    """PEFT's merge_and_unload and the streamed merge on the same `layers`; what `wanted` layers would take.

    A run that memory does not hold is reported as failed (exit code -9: the system ended it).
    """
    import psutil

    synthesise(folder, layers, shape)
    base_bytes = size_of(folder / "base")
    streamed = in_fresh_process(STREAMED, folder)
    available = psutil.virtual_memory().available
    found = {
        "layers": layers,
        "base_gb": round(base_bytes / 1e9, 3),
        "streamed_seconds": round(streamed["seconds"], 2),
        "streamed_peak_gb_above_interpreter": round(streamed["above_interpreter_bytes"] / 1e9, 3),
    }
    found["memory_available_gb"] = round(available / 1e9, 3)
    if available < 2 * base_bytes:
        found["not_run"] = (
            f"{available / 1e9:.1f} GB of memory are available; the model and one layer's delta alone take "
            f"{2 * base_bytes / 1e9:.1f} GB"
        )
        shutil.rmtree(folder)
        return found
    try:
        report = in_fresh_process(PEFT, folder)
    except RuntimeError as error:
        found["failed"] = str(error)
    else:
        above = report["above_interpreter_bytes"]
        found |= {"seconds": round(report["seconds"], 2), "peak_gb_above_interpreter": round(above / 1e9, 3)}
        found["estimate_for_all_layers"] = {
            "layers": wanted,
            "peak_gb": round((above + wanted_bytes - base_bytes) / 1e9, 3),
        }
    shutil.rmtree(folder)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--peft-layers", type=int, default=1)
    parser.add_argument("--folder", help="where the weights go while it runs (about 40 GB with three layers)")
    arguments = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        result = benchmark(Path(folder), arguments.layers, arguments.peft_layers, {})
    record(
        "merge_memory",
        result | {"wall_seconds": round(time.perf_counter() - started, 1)},
        "torch",
        "transformers",
        "peft",
    )


if __name__ == "__main__":
    main()
