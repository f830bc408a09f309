"""Chat with memory: a page on this machine, over the tuned model and real Mem0. `make app`, or `python app.py`.

Each message is searched for among the memories of the name it is said under; what is found goes into the prompt; the
reply streams; then both (`app.remember_replies`) are given to Mem0 in the background, and what became of that stands under the reply.

Both models are params (`app` in params.yaml). The default is the tuned model for both, so that nothing more is needed;
135 million parameters extract well and converse poorly. The sensible set-up is a small tuned extractor beside a larger
chat model, such as `chat_engine: ollama`, `chat_model: llama3.1:8b`.

The page is for this machine alone. With `share`, or a `host` that others reach, it wants a password in
MEM0_SLM_APP_PASSWORD and refuses to start without. A name keeps memories apart, it does not protect them.

Reads  the models, params.yaml
Writes the folder `app.folder`: Qdrant's files, Mem0's log of changes (history.db), messages still to be added (pending/)
"""

import argparse
import logging
import os
import sys
import warnings
from pathlib import Path

os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False",
    MEM0_TELEMETRY="False",
    HF_HUB_DISABLE_TELEMETRY="1",
    TOKENIZERS_PARALLELISM="false",
)

from mem0_slm.io import DataError
from page.server import required_password, serve
from page.settings import AppSettings
from pipeline import params


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--params", default=params.PARAMS_FILE, help="a file with an `app` section (default: params.yaml)"
    )
    arguments = parser.parse_args()
    from mem0_slm.engines import EngineError

    # libraries' advice to their own developers; what this program has to say goes through its own lines and logger
    warnings.simplefilter("ignore")
    logging.getLogger("mem0").setLevel(logging.ERROR)
    try:
        p = params.load(AppSettings, "app", arguments.params)
        if p.chat_engine == "llama_cpp" and not Path(p.chat_model).is_file():
            raise DataError(
                f"params.yaml: app.chat_model: {p.chat_model}: no such file. Run `make repro`, or name another model."
            )
        serve(p, required_password(p))
    except (params.ParamsError, DataError, EngineError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
