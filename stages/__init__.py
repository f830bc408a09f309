"""The stages of dvc.yaml, in pipeline order. Each is run as `python -m stages.<name>`."""

import sys
from pathlib import Path

from page.settings import AppSettings
from pipeline import params
from pipeline.data.settings import GenerateDatasetSettings
from pipeline.evaluation.settings import BenchSettings, RetrievalEvalSettings
from pipeline.export.settings import ExportGgufSettings, ExportMergedSettings
from pipeline.params import ParamsError
from pipeline.registry import PrepareBaseSettings, Registry
from pipeline.report.settings import ReportSettings
from pipeline.training.settings import FinetuneSettings, override_mistakes


class Params(Registry):
    """The whole of params.yaml: the registry, a section a stage in pipeline order, and the chat's."""

    prepare_base: PrepareBaseSettings
    generate_dataset: GenerateDatasetSettings
    baseline_bench: BenchSettings
    finetune: FinetuneSettings
    export_merged: ExportMergedSettings
    export_gguf: ExportGgufSettings
    finetuned_bench: BenchSettings
    retrieval_eval: RetrievalEvalSettings
    report: ReportSettings
    app: AppSettings


STAGES = [name for name in Params.model_fields if name not in Registry.model_fields and name != "app"]
STAGES[STAGES.index("report") : STAGES.index("report")] = ["truth", "own_data", "grounding"]
"""truth and grounding have no settings, own_data reads those of retrieval_eval."""


def check_params(path=params.PARAMS_FILE) -> None:
    """Check the whole of params.yaml, so that a mistake in the last stage is found before the first works.

    Raises ParamsError that names every mistake in the file.
    """
    values = params.read(path)
    params.refuse(path, params.mistakes(Params, values) + override_mistakes(values))


def run_stage(main) -> None:
    """Run a stage's `main()`: errors that a user can mend are one clear line on stderr and exit code 1."""
    import argparse
    import os

    module = sys.modules[main.__module__]
    parser = argparse.ArgumentParser(
        prog=f"python -m stages.{Path(module.__file__).stem}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parameters = getattr(module, "ARGUMENTS", {})
    for name, (choices, text) in parameters.items():
        parser.add_argument(name, choices=choices, help=text)
    arguments = vars(parser.parse_args())
    # no library phones home from a stage, and nothing looks for a model hub unless a hub source asks for it
    os.environ.update(MEM0_TELEMETRY="False", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    from mem0_slm.engines.answer import EngineError
    from mem0_slm.io import DataError, MissingFile

    try:
        check_params()
        main(**arguments)
    except (ParamsError, DataError, EngineError, FileNotFoundError) as error:
        remedy = " Run `dvc repro` to make it." if isinstance(error, (MissingFile, FileNotFoundError)) else ""
        print(f"error: {error}{remedy}", file=sys.stderr)
        raise SystemExit(1) from None
