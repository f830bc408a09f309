"""The stages of dvc.yaml, in pipeline order. Each is run as `python -m stages.<name>`."""

import importlib

STAGES = [
    "prepare_base",
    "generate_dataset",
    "baseline_bench",
    "finetune",
    "export_merged",
    "export_gguf",
    "finetuned_bench",
    "retrieval_eval",
    "report",
]


def check_params(path="params.yaml") -> None:
    """Read every stage's section of params.yaml, so that a mistake in the last stage is found before the first works."""
    from mem0_slm import params

    known = {"model", "models", "seed", "app"}
    for name in STAGES:
        stage = importlib.import_module(f"stages.{name}")
        params.load(stage.Params, name, path)
        known.add(name)
    registry = params.load(importlib.import_module("stages.prepare_base").Registry, None, path)
    if registry.model not in registry.models:
        raise params.ParamsError(
            f"{path}: model: {registry.model!r} is not in the registry. Use one of {', '.join(registry.models)}, or add it under `models`."
        )
    for name in registry.models:
        importlib.import_module("stages.finetune").load_params(path, name)
    for key in params.read(path):
        if key not in known:
            raise params.ParamsError(
                f"{path}: {key}: unknown section. Remove it or use one of: {', '.join(sorted(known))}"
            )
