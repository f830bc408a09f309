"""The slides of the walkthrough: the pipeline's own figures and plots, as HTML."""

import base64
from pathlib import Path

from mem0_slm import io
from tools.servers import ROOT

STYLE = """<style>
body {margin: 0; padding: 34px 56px; font: 20px/1.45 system-ui, sans-serif; color: #17202a; background: #fff}
h1 {font-size: 34px; margin: 0 0 14px; color: #0f766e} p {margin: 8px 0}
img {max-height: 350px; max-width: 100%; display: block} table {border-collapse: collapse; margin: 10px 0}
td, th {padding: 6px 16px; text-align: right; border-bottom: 1px solid #d5dbdb}
td:first-child, th:first-child {text-align: left; padding-left: 0} small {color: #667} code {font-size: 18px}
</style>"""
LAST = (
    "The whole of it",
    "<h1>Two commands</h1><p><code>make repro</code> sets everything up and runs the pipeline.</p>"
    "<p><code>make app</code> opens this chat.</p>",
)
CANDIDATES = ("no_llm", "base", "finetuned")


def slides(metrics: Path = ROOT / "metrics", plots: Path = ROOT / "reports/plots") -> list[tuple[str, str]]:
    """Caption and HTML of each slide."""

    def read(name: str) -> dict:
        run = plots.parent / "runs" / f"{name}.json"  # the whole record of what metrics/ has the numbers of
        return io.read_json(run if run.exists() else metrics / f"{name}.json")

    base = read("base")["model"]
    generated = {name: read(f"retrieval_{name}_quality") for name in CANDIDATES}
    natural = {name: read(f"natural_{name}") for name in CANDIDATES}
    speed = read("finetuned_speed")
    return [
        ("What this is", _what_this_is(base, read("baseline_check"), natural["base"], speed["host"]["threads"])),
        ("The data: written by hand, filled and varied by the pipeline", _data(read("dataset"))),
        ("Fine-tuning: the loss falls on training and validation data", _fine_tuning(read("finetune"), plots)),
        ("What it is worth to Mem0's search", _retrieval(base, generated, natural)),
        ("The same, with intervals", f"<h1>Retrieval, before and after</h1>{_picture(plots / 'retrieval.svg')}"),
        ("The exports: smaller files that decide alike", _exports(read("export_gguf")["types"])),
        ("The benchmark: one request at a time", _speed(speed["targets"], plots)),
    ]


def _what_this_is(base: str, check: dict, natural: dict, threads: int) -> str:
    said = check["adds"][0]
    return (
        f"<h1>mem0-slm</h1><p>Make a small language model a dependable memory extractor for Mem0, and prove it.</p>"
        f"<p>The base model is {base}. Asked as Mem0's extractor for what to keep of <i>{said['said']}</i>, "
        f"it ends as <b>{said['outcome']}</b>; of {sum(natural['outcomes'].values())} natural conversations, "
        f"{natural['failed_adds']} adds fail.</p>"
        f"<p>Everything below was measured by <code>dvc repro</code> on {threads} processors without a GPU.</p>"
    )


def _data(data: dict) -> str:
    train = data["train"]
    return (
        f"<h1>Data</h1>"
        f"<p><b>{train['extraction']:,}</b> training examples from <b>{train['frames']:,}</b> conversations "
        f"written by hand, <b>{train['nothing_to_store_share']:.0%}</b> of them with nothing to store; "
        f"{train['instructions']} general instructions.</p>"
        f"<p>{data['validation']['extraction']} for validation, {data['eval']['queries']} generated and "
        f"{data['natural']['memories']} natural questions for evaluation.</p>"
        f"<p>Left out of training, for being too like the evaluation: {sum(data['left_out'].values())}.</p>"
    )


def _fine_tuning(tuned: dict, plots: Path) -> str:
    return (
        f"<h1>Fine-tuning</h1><p>LoRA, {tuned['trainable_parameters']:,} parameters, {tuned['steps']} steps in "
        f"{tuned['seconds'] / 60:.0f} minutes; validation loss {tuned['validation_loss']:.3f}.</p>"
        f"{_picture(plots / 'loss.svg')}"
    )


def _retrieval(base: str, generated: dict, natural: dict) -> str:
    names = {"no_llm": "raw message, no LLM", "base": base, "finetuned": f"{base}, fine-tuned"}
    columns = (
        ("precision@5", "generated"),
        *((what, "natural") for what in ("precision@5", "small talk stored", "failed adds")),
    )
    head = ["", *(f"{what}<br><small>{data_set}</small>" for what, data_set in columns)]
    rows = [
        [
            names[name],
            f"{generated[name]['precision_at_5']:.3f}",
            f"{natural[name]['precision_at_5']:.3f}",
            f"{natural[name]['small_talk_stored']:.1%}",
            natural[name].get("failed_adds", "-"),
        ]
        for name in CANDIDATES
    ]
    return f"<h1>Retrieval through real Mem0 and Qdrant</h1>{_table(head, rows)}"


def _exports(types: dict) -> str:
    rows = [
        [f"GGUF {name}", f"{t['bytes'] / 1e6:.0f}", f"{t['well_formed']:.0%}", f"{t['same_decision_to_store']:.0%}"]
        for name, t in types.items()
    ]
    return f"<h1>Exports</h1>{_table(['', 'megabytes', 'well-formed', 'same decision as unquantised'], rows)}"


def _speed(targets: dict, plots: Path) -> str:
    rows = [
        [
            f"{t['engine']}, {t['format']} {t['precision']}",
            f"{t['first_token_p50_s']:.3f} s",
            f"{t['decode_tokens_per_second']:.0f}",
        ]
        for t in targets.values()
    ]
    table = _table(["", "first token", "tokens/s"], rows)
    return f"<h1>Speed</h1>{table}{_picture(plots / 'quality_speed.svg', 200)}"


def _table(head: list, rows: list[list]) -> str:
    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def _picture(path: Path, height: int = 350) -> str:
    """A plot as an image in the HTML itself; nothing where there is none."""
    if not path.is_file():
        return ""
    svg = base64.b64encode(path.read_bytes()).decode()
    return f"<img style='max-height: {height}px' src='data:image/svg+xml;base64,{svg}'>"
