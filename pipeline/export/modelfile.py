"""The Ollama Modelfile of an exported model: stock Mem0 then gets the compact prompt with nothing of ours installed."""

from pathlib import PurePath

from mem0_slm.io import DataError
from pipeline.export.go_template import DEFAULT_SYSTEM, STYLES, go_template

MODEL_NAME = "mem0-slm"
CREATE = f"ollama create {MODEL_NAME} -f Modelfile"
"""The command that makes an Ollama model of the export, run in the export's folder."""


def style_of(chat_template: str) -> str:
    """The name in STYLES of a Jinja chat template's turn format, with or without the swap of Mem0's prompt in it.

    Raises DataError for a template whose text the Go template could not reproduce.
    """
    remedy = (
        "Modelfiles are written for the chat templates of SmolLM2, Llama 3.1 and Llama 4. Use such a base model, add "
        f"its turn format to STYLES in {go_template.__module__}, or serve the GGUF with the llama.cpp server, which "
        "reads the chat template itself."
    )
    if STYLES["llama4"].opening in chat_template:
        return "llama4"
    if STYLES["llama3"].opening in chat_template:
        if "strftime_now" in chat_template:
            raise DataError(
                "chat template: Llama 3's with the date of the call in it (strftime_now), which an Ollama template "
                "cannot know. Put the date 26 Jul 2024 in its place before training, as in Llama 3.1's."
            )
        wanted = ("Cutting Knowledge Date: December 2023", "26 Jul 2024")
        missing = [line for line in wanted if line not in chat_template]
        if missing:
            raise DataError(f"chat template: Llama 3's, but without {missing[0]!r}, which Llama 3.1's has. {remedy}")
        return "llama3"
    if STYLES["chatml"].opening in chat_template:
        if DEFAULT_SYSTEM not in chat_template:
            raise DataError(
                f"chat template: ChatML, but not with SmolLM2's default system message {DEFAULT_SYSTEM!r}. {remedy}"
            )
        return "chatml"
    raise DataError(
        f"chat template: none of the turn formats {', '.join(STYLES)} is in it, found {chat_template[:80]!r}. {remedy}"
    )


def modelfile(gguf_name: str, style: str, license_text: str, n_ctx: int = 4096) -> str:
    """The Modelfile to lie beside the file `gguf_name`, with the swap in its TEMPLATE.

    Raises DataError for a `gguf_name` with folders in it, a `style` that is not in STYLES, a licence that cannot be
    quoted and an `n_ctx` below 1.
    """
    if PurePath(gguf_name).name != gguf_name or not gguf_name.isprintable():
        raise DataError(
            f"gguf_name: expected the name of a file beside the Modelfile, found {gguf_name!r}. Put it there."
        )
    if '"""' in license_text or license_text.endswith('"'):
        raise DataError(
            'license_text: contains """ or ends with ", which closes a Modelfile\'s quotation. Take it out.'
        )
    if n_ctx < 1:
        raise DataError(f"n_ctx: must be at least 1, found {n_ctx}.")
    template = go_template(style)
    lines = [
        "# A memory extractor for Mem0. In this folder, run",
        f"#   {CREATE}",
        f'# and give Mem0 the provider "ollama" with the model "{MODEL_NAME}".',
        f"FROM ./{gguf_name}",
        f'TEMPLATE """{template}"""',
        f"PARAMETER num_ctx {n_ctx}",
        "PARAMETER temperature 0",
        # Ollama's default was 1.1 until 0.32.10: it keeps a memory from naming a thing twice
        "PARAMETER repeat_penalty 1",
        *(f'PARAMETER stop "{token}"' for token in STYLES[style].stop),
        f'LICENSE """{license_text}"""',
    ]
    return "\n".join(lines) + "\n"
