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

USE = """
Stock Mem0 needs nothing of this project: the chat template in the export swaps Mem0's 34 KB extraction prompt for the compact one
that the model was trained on. Put one of these in Mem0's configuration, beside your embedder and vector store.

### transformers
```sh
pip install "transformers[serving]"{extra}
transformers serve --port 8000 {transformers}
```
```python
config = {{"llm": {{"provider": "openai", "config": {{"model": "{transformers}", "openai_base_url": "http://localhost:8000/v1", "api_key": "none", "temperature": 0}}}}}}
```
Inside your own process, with this project installed: `Memory(mem0_slm.memory_config("{transformers}", engine="transformers"))`.

### vLLM
```sh
vllm serve {vllm} --served-model-name mem0-slm --port 8000
```
```python
config = {{"llm": {{"provider": "vllm", "config": {{"model": "mem0-slm", "vllm_base_url": "http://localhost:8000/v1", "temperature": 0}}}}}}
```

### llama.cpp
```sh
llama-server -m models/gguf/{gguf} --jinja -c 4096 --port 1234
```
```python
config = {{"llm": {{"provider": "lmstudio", "config": {{"model": "mem0-slm", "lmstudio_base_url": "http://localhost:1234/v1", "temperature": 0}}}}}}
```

### Ollama
```sh
cd models/gguf && ollama create mem0-slm -f Modelfile
```
```python
config = {{"llm": {{"provider": "ollama", "config": {{"model": "mem0-slm", "ollama_base_url": "http://localhost:11434", "temperature": 0}}}}}}
```
"""
USE_ADAPTER = """
The adapter goes on top of `{base}`, unmerged. The chat template beside it swaps Mem0's 34 KB extraction prompt for the compact one
that the adapter was trained on; the base's own template does not.

### transformers
```python
config = mem0_slm.memory_config("{base}", engine="transformers", options={{"adapter": "{path}"}})
```

### vLLM
```sh
vllm serve {base} --enable-lora --max-lora-rank {rank} --lora-modules mem0-slm={path} --chat-template {path}/chat_template.jinja --port 8000
```
```python
config = {{"llm": {{"provider": "vllm", "config": {{"model": "mem0-slm", "vllm_base_url": "http://localhost:8000/v1", "temperature": 0}}}}}}
```

### llama.cpp
```sh
llama-server -m models/base/base.gguf --lora models/gguf/adapter-f16.gguf --jinja --chat-template-file {path}/chat_template.jinja -c 4096 --port 1234
```
```python
config = {{"llm": {{"provider": "lmstudio", "config": {{"model": "mem0-slm", "lmstudio_base_url": "http://localhost:1234/v1", "temperature": 0}}}}}}
```

### Ollama
Takes the merged GGUF: `cd models/gguf && ollama create mem0-slm -f Modelfile`.
"""


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


def use_model(path: Path, gguf: str = "model-q8_0.gguf") -> str:
    """How four engines serve the model: transformers and vLLM the folder `path`, llama.cpp and Ollama a file of models/gguf."""
    return USE.format(
        transformers=path, vllm=path, gguf=gguf, extra=' "bitsandbytes>=0.49"' if "nf4" in path.name else ""
    )


def use_adapter(path: Path, base: Path, rank: int) -> str:
    """How four engines serve the adapter in `path`, of `rank`, on top of the Hugging Face folder `base`."""
    return USE_ADAPTER.format(path=path, base=base, rank=rank)


def write(folder: Path, form: str, made_of: dict, quality: dict[str, dict], *, relation: str, use: str) -> None:
    """Write the card of the export in `folder`, which is whole but for it.

    form: what it is, in words. made_of: `provenance`. quality: rows of figures, each by its name. relation: the hub's
    word for what it is to its base (merge, quantized, adapter). use: `use_model` or `use_adapter`.
    """
    from huggingface_hub import ModelCardData

    base = made_of["base"]
    head = ModelCardData(
        license=made_of["license"],
        language="en",
        library_name={"gguf": "gguf", "adapter-fp16": "peft"}.get(folder.name, "transformers"),
        pipeline_tag="text-generation",
        base_model=base.removeprefix("hub:") if base.startswith("hub:") else None,
        base_model_relation=relation if base.startswith("hub:") else None,
        tags=["mem0", "memory", "information-extraction"],
        model_name=f"{made_of['name']} mem0-slm",
        basename=made_of["name"],
        finetune="mem0-slm",
        provenance=made_of,
    )
    origin = [["base", f"`{base}`", made_of["base_sha256"]], ["adapter", "LoRA", made_of["adapter_sha256"]]]
    origin += [["data", f"`{file}`", digest] for file, digest in made_of["data_sha256"].items()]
    origin += [["params", ", ".join(made_of["params"]), made_of["params_sha256"]]]
    files = [
        [f"`{f.relative_to(folder)}`", f"{f.stat().st_size:,}", io.sha256(f)]
        for f in sorted(folder.rglob("*"))
        if f.is_file() and f.name != CARD
    ]
    figures = sorted({key for row in quality.values() for key in row})
    sections = [
        f"# {made_of['name']} for Mem0: {form}",
        "Reads conversations and answers with lasting facts as the JSON that [Mem0](https://github.com/mem0ai/mem0) stores.",
        "## Made of",
        _table(["", "what", "SHA-256"], origin),
        "## Quality",
        "On validation data. Speed on the machine that ran the pipeline: `reports/runs/finetuned_speed.json`.",
        _table(
            ["form", *(key.replace("_", " ") for key in figures)],
            [[name, *(row.get(key, "-") for key in figures)] for name, row in quality.items()],
        ),
        "## Files",
        _table(["file", "bytes", "SHA-256"], files),
        "## Use",
        use.strip(),
    ]
    io.write_text(folder / CARD, f"---\n{head.to_yaml()}\n---\n\n" + "\n\n".join(sections) + "\n")


def _table(heads: list[str], rows: list[list]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
