"""The pipeline file against the code: DVC does not track imports, so a shared module missing from `deps` would leave
stale results in place, and one too many would train again for nothing."""

import pytest
from ruamel.yaml import YAML

import stages
from pipeline import params
from tests.paths import ROOT
from tools import deps

WRITTEN = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]
VALUES = params.read(ROOT / "params.yaml")
PIPELINE = {name: stage.get("do", stage) for name, stage in WRITTEN.items()}
"""By name; of a stage for each candidate the template, with ${key} and ${item.model} in it."""


def outputs(name: str, *kinds: str) -> dict[str, dict]:
    """A stage's outputs of these kinds by path, with what is said of each."""
    listed = [out for kind in kinds for out in PIPELINE[name].get(kind, [])]
    return {path: about for out in listed for path, about in ({out: {}} if isinstance(out, str) else out).items()}


def written_out(text: str) -> list[str]:
    """A path of the template for each candidate."""
    candidates = WRITTEN["retrieval_eval"]["foreach"]
    model = VALUES["retrieval_eval"]["finetuned_model"]
    paths = [
        text.replace("${key}", key)
        .replace("${item.model}", about["model"])
        .replace("${retrieval_eval.finetuned_model}", model)
        for key, about in candidates.items()
    ]
    return list(dict.fromkeys(paths))


def test_the_stages_are_those_of_the_code():
    assert list(PIPELINE) == stages.STAGES


@pytest.mark.parametrize("name", stages.STAGES)
def test_a_stage_says_what_it_is_for_and_runs_its_module(name):
    stage = PIPELINE[name]
    assert stage["desc"]
    assert stage["cmd"].startswith(f"python -m stages.{name}")


@pytest.mark.parametrize("name", stages.STAGES)
def test_a_stage_depends_on_the_code_that_it_imports_and_on_no_other(name):
    listed = [dep for dep in PIPELINE[name]["deps"] if deps.is_code(dep)]
    assert listed == deps.code_of(name), "run `python -m tools.deps`"


def test_the_code_left_out_is_the_writing_of_figures_alone():
    """A change in how a figure is written makes no other model, so it trains and exports nothing."""
    assert deps.LEFT_OUT == {
        "pipeline/results.py": ("prepare_base", "generate_dataset", "finetune", "export_merged", "export_gguf"),
        "pipeline/training/record.py": ("finetune",),
    }
    for name in ("baseline_bench", "finetuned_bench", "retrieval_eval", "own_data"):
        assert "pipeline/results.py" in deps.code_of(name), name


def test_imports_are_followed():
    """What the lists are made by: names taken of a package, engines found by name, imports inside functions."""
    assert "mem0_slm/engines" in deps.code_of("finetuned_bench"), "a bench runs any engine"
    assert "mem0_slm/engines/ollama.py" not in deps.code_of("export_merged")
    assert "mem0_slm/engines/transformers.py" in deps.code_of("export_merged"), "imported inside a function"
    assert not any(dep.startswith("mem0_slm/engines") for dep in deps.code_of("finetune")), "training asks no engine"
    assert not any(dep.startswith("stages/") for name in stages.STAGES for dep in deps.code_of(name)[1:])


def test_the_lists_are_written_by_the_tool():
    text = (ROOT / "dvc.yaml").read_text()
    assert deps.rewritten(text) == text
    broken = text.replace("      - pipeline/paths.py\n", "", 1).replace(
        "      - data/sources\n", "      - data/sources\n      - pipeline/no.py\n", 1
    )
    assert broken != text
    assert deps.rewritten(broken) == text


@pytest.mark.parametrize("name", stages.STAGES)
def test_every_dependency_exists_or_is_made_by_a_stage(name):
    made = [
        path for other in PIPELINE for out in outputs(other, "outs", "metrics", "plots") for path in written_out(out)
    ]
    for dep in (path for listed in PIPELINE[name]["deps"] for path in written_out(listed)):
        assert any(dep == out or dep.startswith(out + "/") for out in made) or (ROOT / dep).exists(), dep


@pytest.mark.parametrize("name", stages.STAGES)
def test_tracked_params_exist(name):
    for key in PIPELINE[name].get("params", []):
        value = VALUES
        for part in key.split("."):
            assert part in value, f"{name} tracks {key}, which params.yaml does not have"
            value = value[part]


def test_every_param_of_a_stage_is_tracked():
    """A knob that no stage tracks could be turned without anything running again."""
    tracked = {key for stage in PIPELINE.values() for key in stage.get("params", [])}
    untracked = {
        key
        for section, content in VALUES.items()
        if section not in tracked
        for key in ([f"{section}.{name}" for name in content] if isinstance(content, dict) else [section])
    } - tracked
    untracked = {key for key in untracked if not key.startswith("app.")}  # the chat is no stage
    assert untracked <= {
        "retrieval_eval.finetuned_model",  # a dependency, by its path
        "report.max_fall",  # read by the gate, no stage
    }


def test_in_git_is_what_people_read_and_in_the_cache_what_machines_make():
    for name in stages.STAGES:
        for path, about in outputs(name, "outs").items():
            assert "cache" not in about, f"{path}: `cache: false` under outs keeps all of {name} out of the run cache"
            assert path.startswith(("models/", "data/", "reports/items_", "reports/report.html")) or path.endswith(
                "_samples.jsonl"
            )
        for path, about in outputs(name, "metrics", "plots").items():
            assert about.get("cache") is False, f"{path} belongs in git"


def test_the_table_of_metrics_is_of_a_few_figures():
    shown = [path for name in stages.STAGES for path in outputs(name, "metrics")]
    assert shown == [
        "metrics/baseline_speed.json",
        "metrics/finetune.json",
        "metrics/finetuned_speed.json",
        "metrics/retrieval_${key}_quality.json",
        "metrics/natural_${key}.json",
        "metrics/own_data_${key}.json",
        "metrics/grounding.json",
    ]


def test_every_file_of_metrics_has_its_whole_record():
    """metrics/ holds numbers; where they come from stands in the record of the same name."""
    for name in stages.STAGES:
        paths = outputs(name, "outs", "metrics", "plots")
        for path in paths:
            if path.endswith(".csv") or path == "metrics/dataset.json":  # curves, and counts that are all there is
                continue
            if path.startswith("metrics/"):
                assert path.replace("metrics/", "reports/runs/") in paths, path
