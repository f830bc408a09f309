"""The model card of an export: the README.md that says what it was made of, how good it is and how to use it.

Its YAML head is the Hugging Face hub's (llama.cpp's converter takes name and licence from it), with one key of our own,
`provenance`, which the cards of later exports take over. Nothing in a card changes with the day or the machine.
"""

import hashlib
import json
from pathlib import Path

from mem0_slm import io
from pipeline import params

CARD = "README.md"

TEMPLATE = Path(__file__).with_name("model_card.md.j2")


def provenance(
    name: str, source: str, licence: str, base: Path, adapter: Path, data: list[str], sections: list[str]
) -> dict:
    """What a model was made of: base and adapter, data files and sections of params.yaml, with SHA-256 of each."""
    values = params.read()
    chosen = json.dumps({section: values[section] for section in sections}, sort_keys=True)
    return {
        "name": name,
        "base": source,
        "license": licence,
        "base_sha256": io.sha256(base),
        "adapter_sha256": io.sha256(adapter),
        "data_sha256": {file: io.sha256(file) for file in data},
        "params": sections,
        "params_sha256": hashlib.sha256(chosen.encode()).hexdigest(),
    }


def read_provenance(folder: Path) -> dict:
    """The provenance in the card of an export. Raises DataError if there is none."""
    from huggingface_hub import ModelCard

    card = folder / CARD
    found = ModelCard.load(card).data.to_dict().get("provenance") if card.is_file() else None
    if not found:
        raise io.DataError(f"{card}: no model card with the key `provenance`. Run `dvc repro export_merged`.")
    return found


def use_model(path: Path, gguf: str = "model-q8_0.gguf") -> dict:
    """For `write`: transformers and vLLM serve the folder `path`, llama.cpp and Ollama a file of models/gguf."""
    return {"path": str(path), "gguf": gguf, "extra": ' "bitsandbytes>=0.49"' if "nf4" in path.name else ""}


def use_adapter(path: Path, base: Path, rank: int) -> dict:
    """For `write`: four engines serve the adapter in `path`, of `rank`, on top of the Hugging Face folder `base`."""
    return {"path": str(path), "base": str(base), "rank": rank}


def write(folder: Path, form: str, made_of: dict, quality: dict[str, dict], *, relation: str, use: dict) -> None:
    """Write the card of the export in `folder`, which is whole but for it.

    form: what it is, in words. made_of: `provenance`. quality: rows of figures, each by its name. relation: the hub's
    word for what it is to its base (merge, quantized, adapter). use: `use_model` or `use_adapter`.
    """
    from huggingface_hub import ModelCard

    figures = sorted({key for row in quality.values() for key in row})
    card = ModelCard.from_template(
        head(folder, made_of, relation),
        template_path=str(TEMPLATE),
        form=form,
        made_of=made_of,
        use=use,
        origin=origin(made_of),
        figures=[key.replace("_", " ") for key in figures],
        quality=[[name, *(row.get(key, "-") for key in figures)] for name, row in quality.items()],
        files=files(folder),
    )
    io.write_text(folder / CARD, str(card).rstrip("\n") + "\n")


def head(folder: Path, made_of: dict, relation: str):
    """The hub's facts about the export, as huggingface_hub's ModelCardData, which checks them."""
    from huggingface_hub import ModelCardData

    base = made_of["base"]
    on_hub = base.startswith("hub:")
    return ModelCardData(
        license=made_of["license"],
        language="en",
        library_name={"gguf": "gguf", "adapter-fp16": "peft"}.get(folder.name, "transformers"),
        pipeline_tag="text-generation",
        base_model=base.removeprefix("hub:") if on_hub else None,
        base_model_relation=relation if on_hub else None,
        tags=["mem0", "memory", "information-extraction"],
        model_name=f"{made_of['name']} mem0-slm",
        basename=made_of["name"],
        finetune="mem0-slm",
        provenance=made_of,
    )


def origin(made_of: dict) -> list[list]:
    """What an export was made of, a row a part, with its hash."""
    data = [["data", f"`{file}`", digest] for file, digest in made_of["data_sha256"].items()]
    return [
        ["base", f"`{made_of['base']}`", made_of["base_sha256"]],
        ["adapter", "LoRA", made_of["adapter_sha256"]],
        *data,
        ["params", ", ".join(made_of["params"]), made_of["params_sha256"]],
    ]


def files(folder: Path) -> list[list]:
    """Every file of an export but the card itself: its name, its bytes, its hash."""
    found = sorted(f for f in folder.rglob("*") if f.is_file() and f.name != CARD)
    return [[f"`{f.relative_to(folder)}`", f"{f.stat().st_size:,}", io.sha256(f)] for f in found]
