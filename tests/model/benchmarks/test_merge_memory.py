"""benchmarks/merge_memory.py at a small size: the merge's memory does not grow with the model."""

from benchmarks import merge_memory


def test_memory_does_not_grow_with_the_model(tmp_path):
    found = merge_memory.benchmark(tmp_path, 16, 1, merge_memory.SMALL)
    once, twice = found["streamed_once"], found["streamed_twice"]
    assert (once["layers"], twice["layers"]) == (16, 32)
    assert once["merged_tensors"] == 16 * 6 and twice["merged_tensors"] == 32 * 6  # four of attention, two of experts
    assert twice["base_gb"] > 0.12 and twice["base_gb"] - once["base_gb"] > 0.06
    assert twice["peak_gb_above_interpreter"] < 0.04 and twice["peak_gb_above_interpreter"] < twice["announced_gb"]
    assert abs(twice["peak_gb_above_interpreter"] - once["peak_gb_above_interpreter"]) < 0.008
    assert found["peft"]["peak_gb_above_interpreter"] > found["peft"]["base_gb"]
    assert not list(tmp_path.iterdir())
