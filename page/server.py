"""Opening the models, and serving the page on this machine."""

import hmac
import ipaddress
import os
import signal
import socket
import sys
from pathlib import Path

from mem0_slm import engines, stores
from mem0_slm.io import DataError
from page.settings import AppSettings
from pipeline import params

PASSWORD = "MEM0_SLM_APP_PASSWORD"
"""The environment variable that holds the password."""


def required_password(p: AppSettings) -> str:
    """The password from the environment, or "" where none is needed.

    Raises DataError when other machines could open the page and there is no password.
    """
    password = os.environ.get(PASSWORD, "")
    try:
        loopback = p.host == "localhost" or ipaddress.ip_address(p.host).is_loopback
    except ValueError:
        loopback = False
    if (p.share or not loopback) and not password:
        what = "app.share: true" if p.share else f"app.host: {p.host}"
        raise DataError(
            f"params.yaml: {what} lets others open the page. Set a password in {PASSWORD}, "
            "or use host 127.0.0.1 and share false."
        )
    return password


def open_chat(p: AppSettings):
    """The Mem0 store, both models, and the `Chat` over them, ready to answer."""
    from mem0 import Memory

    from mem0_slm import memory as slm
    from page.session import Chat, Settings

    with params.set_by("app.embedder", engines.EngineError):
        embedder, dims = stores.embedder_by_name(p.embedder)
    vector_store = None  # memory_config's own, in p.folder
    if p.qdrant != "embedded":
        with params.set_by("app.qdrant", engines.EngineError):
            vector_store = stores.vector_store_by_name(
                p.qdrant, folder=Path(p.folder), collection="mem0_slm_chat", dims=dims
            )
    config = slm.memory_config(
        p.extraction_model,
        engine=p.extraction_engine,
        options=engines.load_options(p.extraction_engine, threads=p.threads),
        embedder=embedder,
        path=p.folder,
        vector_store=vector_store,
    )
    memory = Memory(config)
    # the same as the extractor's, if it is the same model
    options = engines.load_options(p.chat_engine, threads=p.threads)
    handle = engines.shared_handle(p.chat_engine, p.chat_model, options)
    settings = Settings(p.reply_tokens, p.temperature, p.top_k, p.threshold, p.history, p.replies_remembered)
    return Chat(memory, p.chat_engine, handle, p.folder, settings)


def launch(page, p: AppSettings, password: str) -> None:
    """Put the page on its address; with a password, behind a login."""
    from page.page import SCRIPT, STYLE, theme

    app_kwargs = {}
    if p.host in ("127.0.0.1", "localhost") and not p.share:
        # a foreign page that points its own name at this machine gets nothing
        from starlette.middleware import Middleware
        from starlette.middleware.trustedhost import TrustedHostMiddleware

        app_kwargs = {"middleware": [Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])]}
    auth = (lambda name, given: hmac.compare_digest(given.encode(), password.encode())) if password else None
    page.launch(
        server_name=p.host,
        server_port=p.port,
        share=p.share,
        auth=auth,
        auth_message="Any user name, and the password.",
        theme=theme(),
        css_paths=STYLE,
        head=f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>",
        quiet=True,
        show_error=False,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        prevent_thread_lock=True,
        inbrowser=False,
        app_kwargs=app_kwargs,
    )


def serve(p: AppSettings) -> None:
    """Load, warm up, open the page, and stay until the process is told to end.

    Raises DataError for a model that is not there, a password that is needed and not set, and a port that is in use;
    EngineError when a model cannot be loaded.
    """
    if p.chat_engine == "llama_cpp" and not Path(p.chat_model).is_file():
        raise DataError(
            f"params.yaml: app.chat_model: {p.chat_model}: no such file. Run `make repro`, or name another model."
        )
    password = required_password(p)
    if not _free(p.host, p.port):
        raise DataError(
            f"params.yaml: app.port: {p.port} is in use on {p.host}. End what uses it, or set another port."
        )
    from page.page import build  # takes seconds, so what is wrong is said before

    print("Loading the models ...", flush=True)
    chat = open_chat(p)
    try:
        print(f"Ready: {chat.warm():.2f} s to a first token.", flush=True)
        page = build(chat)
        launch(page, p, password)
        print(f"Chat with memory: {page.share_url or page.local_url}  (Ctrl+C ends it)", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        page.block_thread()
    finally:
        chat.close()
        stores.close(chat.memory)


def _free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
