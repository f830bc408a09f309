"""Chat with memory: a page on this machine, over the tuned model and real Mem0. `make app`, or `python app.py`.

For each message, the memories of whoever wrote it are searched. What is found goes into the prompt; the reply streams;
then both (`app.remember_replies`) go to Mem0 in the background, and the page says under the reply what became of them.

Both models are set in params.yaml (`app`). The default is the tuned model for both, so that nothing else is needed;
135 million parameters extract well and converse poorly. Better is the small tuned extractor beside a larger chat model,
such as `chat_engine: ollama`, `chat_model: llama3.1:8b`.

The page is for this machine alone. With `share`, or a `host` that others can reach, it needs a password in
MEM0_SLM_APP_PASSWORD and does not start without one. A name keeps memories apart; it does not protect them.

Reads  the models, params.yaml
Writes the folder `app.folder`: Qdrant's files, Mem0's log of changes (history.db), messages to be added (pending/)
"""

import argparse
import logging
import os
import sys
import warnings

os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False",
    MEM0_TELEMETRY="False",
    HF_HUB_DISABLE_TELEMETRY="1",
    TOKENIZERS_PARALLELISM="false",
)

from mem0_slm.io import DataError
from page.server import serve
from page.settings import AppSettings
from pipeline import params


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    help = "a file with an `app` section (default: params.yaml)"
    parser.add_argument("--params", default=params.PARAMS_FILE, help=help)
    arguments = parser.parse_args()
    from mem0_slm.engines import EngineError

    # libraries' advice to their own developers; what this program has to say, it prints and logs itself
    warnings.simplefilter("ignore")
    logging.getLogger("mem0").setLevel(logging.ERROR)
    try:
        serve(params.load(AppSettings, "app", arguments.params))
    except (params.ParamsError, DataError, EngineError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
