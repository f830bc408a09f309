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
import datetime
import functools
import hashlib
import hmac
import html
import ipaddress
import json
import logging
import os
import signal
import socket
import sys
import textwrap
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False",
    MEM0_TELEMETRY="False",
    HF_HUB_DISABLE_TELEMETRY="1",
    TOKENIZERS_PARALLELISM="false",
)

from mem0_slm import params
from mem0_slm.io import DataError

PASSWORD = "MEM0_SLM_APP_PASSWORD"
logger = logging.getLogger("mem0_slm")
WRITING_SECONDS, IDLE_SECONDS = 0.1, 1.0
"""How often the page asks for what has changed, while a reply is written and else."""


@dataclass(frozen=True)
class Params:
    chat_engine: str
    chat_model: str
    extraction_engine: str
    extraction_model: str
    embedder: str
    qdrant: str
    folder: str
    host: str
    port: int
    share: bool
    threads: int
    reply_tokens: int
    temperature: float
    top_k: int
    threshold: float
    history: int
    remember_replies: str

    def __post_init__(self):
        from mem0_slm.engines import ENGINES

        for key in ("chat_engine", "extraction_engine"):
            params.require(
                getattr(self, key) in ENGINES, key, getattr(self, key), f"must be one of {', '.join(ENGINES)}"
            )
        params.require(
            self.embedder == "minilm" or self.embedder.startswith("ollama:"),
            "embedder",
            self.embedder,
            'must be "minilm" or "ollama:<model>"',
        )
        params.require(
            self.qdrant == "embedded" or self.qdrant.startswith(("http://", "https://")),
            "qdrant",
            self.qdrant,
            'must be "embedded" or a server\'s address',
        )
        params.require(0 < self.port < 65536, "port", self.port, "must be from 1 to 65535")
        params.require(self.reply_tokens >= 1, "reply_tokens", self.reply_tokens, "must be at least 1")
        params.require(
            self.temperature >= 0, "temperature", self.temperature, "must be 0 (the likeliest words) or more"
        )
        params.require(self.top_k >= 0, "top_k", self.top_k, "must be the most memories in a prompt, 0 or more")
        params.require(0 <= self.threshold <= 1, "threshold", self.threshold, "must be from 0 to 1")
        params.require(self.history >= 0, "history", self.history, "must be 0 or more messages")
        params.require(
            self.remember_replies in ("auto", "always", "never"),
            "remember_replies",
            self.remember_replies,
            "must be auto, always or never",
        )

    @property
    def replies_remembered(self) -> bool:
        """Whether Mem0 is given the replies too. What the extractor itself replies repeats memories, and would be stored as news."""
        same = (self.chat_engine, self.chat_model) == (self.extraction_engine, self.extraction_model)
        return self.remember_replies == "always" or (self.remember_replies == "auto" and not same)


def required_password(p: Params) -> str:
    """The password from the environment, or "" where none is needed.

    Raises DataError when others than this machine could open the page and there is no password.
    """
    password = os.environ.get(PASSWORD, "")
    try:
        loopback = p.host == "localhost" or ipaddress.ip_address(p.host).is_loopback
    except ValueError:
        loopback = False
    if (p.share or not loopback) and not password:
        what = "app.share: true" if p.share else f"app.host: {p.host}"
        raise DataError(
            f"params.yaml: {what} lets others open the page. Set a password in {PASSWORD}, or use host 127.0.0.1 and share false."
        )
    return password


def open_chat(p: Params):
    """The Mem0 store, both models, and the `Chat` over them, ready to answer."""
    from mem0 import Memory

    from mem0_slm import memory as slm
    from mem0_slm.chat import Chat, Settings

    embedder, dims = _embedder(p.embedder)
    config = slm.memory_config(
        p.extraction_model,
        engine=p.extraction_engine,
        options=_options(p.extraction_engine, p),
        embedder=embedder,
        path=p.folder,
        vector_store=None if p.qdrant == "embedded" else _server(p.qdrant, dims),
    )
    memory = Memory(config)
    handle = slm.shared_handle(
        p.chat_engine, p.chat_model, _options(p.chat_engine, p)
    )  # the same as the extractor's, if it is the same model
    return Chat(
        memory,
        p.chat_engine,
        handle,
        p.folder,
        Settings(p.reply_tokens, p.temperature, p.top_k, p.threshold, p.history, p.replies_remembered),
    )


def _options(engine: str, p: Params) -> dict:
    return {"n_threads": p.threads or None} if engine == "llama_cpp" else {}


def _embedder(name: str) -> tuple[dict, int]:
    """Mem0's embedder dict and the dimension of its vectors."""
    from mem0_slm.memory import default_embedder

    if name == "minilm":
        return default_embedder(), 384
    import ollama

    model, host = name.removeprefix("ollama:"), os.environ.get("OLLAMA_HOST", "http://127.0.0.1:11434")
    try:
        dims = len(ollama.Client(host=host).embed(model=model, input="dimension")["embeddings"][0])
    except (OSError, ollama.ResponseError) as error:
        raise DataError(
            f"params.yaml: app.embedder: {name}: {error}. Is `ollama serve` running at {host}, and `ollama pull {model}` done?"
        ) from None
    return {"provider": "ollama", "config": {"model": model, "ollama_base_url": host, "embedding_dims": dims}}, dims


def _server(address: str, dims: int) -> dict:
    from qdrant_client import QdrantClient

    return {
        "provider": "qdrant",
        "config": {
            "client": QdrantClient(url=address),
            "collection_name": "mem0_slm_chat",
            "embedding_model_dims": dims,
        },
    }


# --- what the page shows: plain values from the state of the chat, everything of a user's escaped ---

SOURCES = {"conversation": "from the conversation", "edited": "edited by you", "imported": "imported"}
SAID_LENGTH = 90
"""Most letters of a message beside the memory that came of it; the whole message shows under the pointer."""
ADDED = {
    "waiting": "Looking for something to remember …",
    "known": "Nothing new to remember",
    "nothing": "Nothing to remember",
    "forgotten": "Not remembered: all was deleted meanwhile",
}


def shown(text: str) -> str:
    """Text as it was written, for a place that takes HTML: nothing in it is markup."""
    return html.escape(text).replace("\n", "<br>")


def messages(turns) -> list[dict]:
    """Turns as messages of gr.Chatbot; what was used and what was stored are foldable lines of their own."""
    out = []
    for turn in turns:
        out.append({"role": "user", "content": shown(turn.message)})
        if turn.used:
            lines = "<br>".join(f"{shown(m['memory'])} <small>({m['score']:.2f})</small>" for m in turn.used)
            out.append(_line(f"Used {_count(len(turn.used), 'memory', 'memories')}", lines))
        if turn.state == "failed":
            out.append(
                {"role": "assistant", "content": f"<span class='failed'>The reply failed: {shown(turn.error)}</span>"}
            )
        elif turn.state == "writing" and not turn.reply:
            out.append({"role": "assistant", "content": "<i class='writing'>thinking …</i>"})
        else:
            ending = (
                " <small>(stopped)</small>"
                if turn.state == "stopped"
                else ""
                if turn.reply.strip()
                else "<small>(no words)</small>"
            )
            out.append({"role": "assistant", "content": shown(turn.reply.strip()) + ending})
        if turn.state != "writing":
            out.append(_added(turn))
    return out


def _added(turn) -> dict:
    lines = "<br>".join(shown(text) for text in [*turn.stored, *([turn.note] if turn.note else [])])
    if turn.added == "stored":
        return _line(f"Remembered {_count(len(turn.stored), 'memory', 'memories')}", lines)
    if turn.added == "failed":
        return _line("Not remembered: it failed", lines)
    return _line(ADDED[turn.added], lines, pending=turn.added == "waiting")


def _line(title: str, content: str, pending: bool = False) -> dict:
    return {
        "role": "assistant",
        "content": content,
        "metadata": {"title": title, "status": "pending" if pending else "done"},
    }


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def memory_cards(memories: list[dict], used: dict[str, float], query: str) -> str:
    """The list in the memory panel. `used`: scores of the memories in the last prompt, by id."""
    if not memories:
        text = (
            "No memory is like this."
            if query
            else "Nothing remembered yet. Say something about yourself: where you live, what you like, whom you know."
        )
        return f"<p class='empty'>{text}</p>"
    cards = []
    for m in memories:
        facts = [
            f"<time datetime='{html.escape(m['created_at'])}'>{_when(m['created_at'])}</time>",
            SOURCES.get(m["source"], html.escape(str(m["source"]))),
        ]
        if m["updated_at"] > m["created_at"]:
            facts[1] += f" {_when(m['updated_at'])}"
        said = (
            f"<q title='{html.escape(m['said'])}'>{html.escape(textwrap.shorten(m['said'], SAID_LENGTH, placeholder=' …'))}</q>"
            if m["said"]
            else ""
        )
        badges = f"<b class='used'>used for the last reply · {used[m['id']]:.2f}</b>" if m["id"] in used else ""
        badges += f"<b class='alike'>alike · {m['score']:.2f}</b>" if "score" in m else ""
        text, name = html.escape(m["memory"]), html.escape(m["memory"][:60], quote=True)
        cards.append(
            f"<li class='{'card is-used' if m['id'] in used else 'card'}'><p>{text}</p><small>{' · '.join(facts)}{said}</small>{badges}"
            f"<span class='acts'><button type='button' data-act='edit' data-id='{html.escape(m['id'])}' aria-label='Edit: {name}'>Edit</button>"
            f"<button type='button' data-act='delete' data-id='{html.escape(m['id'])}' aria-label='Delete: {name}'>Delete</button></span></li>"
        )
    return f"<ul class='cards' aria-label='Memories'>{''.join(cards)}</ul>"


def _when(iso: str) -> str:
    """A time as this machine's clock shows it."""
    try:
        when = datetime.datetime.fromisoformat(iso).astimezone()
    except ValueError:
        return "at an unknown time"
    today = when.date() == datetime.datetime.now().astimezone().date()
    return when.strftime("today %H:%M" if today else "%-d %b %Y %H:%M")


# --- the page ---

CSS = """
.gradio-container {max-width: 1180px !important; margin: 0 auto !important}
.gradio-container main {padding: 14px !important}
footer, #talk .icon-button-wrapper {display: none !important}
#title h1 {font-size: 1.25rem; margin: 0} #title p {margin: .15rem 0 0; color: var(--body-text-color-subdued)}
#gate {max-width: 460px; width: min(460px, 100%); margin: 10vh auto 0; gap: 12px}
#who h2 {margin: 0; font-size: 1.05rem}
#message textarea, #query textarea, #name textarea, #query input, #name input {border: 1px solid var(--border-color-primary) !important}
#message textarea:focus, #query textarea:focus, #name textarea:focus, #query input:focus, #name input:focus {border-color: var(--color-accent) !important}
#talk {height: calc(100dvh - 232px) !important; min-height: 300px; border: 1px solid var(--border-color-primary)}
#talk .message {white-space: normal; overflow-wrap: anywhere}
#talk .placeholder, #talk .placeholder-content {text-align: center; padding: 0 24px}
#talk .example {border: 1px solid var(--border-color-primary) !important; border-radius: 10px; padding: 10px 14px !important}
.writing {opacity: .6; animation: writing 1.2s ease-in-out infinite alternate} @keyframes writing {to {opacity: 1}}
@media (prefers-reduced-motion: reduce) {.writing {animation: none}}
.failed {color: var(--error-text-color)}
#cards {max-height: calc(100dvh - 272px); min-height: 120px; overflow-y: auto; padding: 2px}
.cards {list-style: none; margin: 0; padding: 0; display: grid; gap: 8px}
.card {border: 1px solid var(--border-color-primary); border-radius: 10px; padding: 10px 12px; background: var(--block-background-fill)}
.card.is-used {border-color: var(--color-accent); box-shadow: inset 3px 0 0 var(--color-accent)}
.card p {margin: 0 0 3px; overflow-wrap: anywhere; white-space: pre-wrap; color: var(--body-text-color); font-size: .95rem}
.card small, .empty {color: var(--body-text-color-subdued); font-size: .8rem}
.card q {display: block; font-style: italic; overflow-wrap: anywhere}
.card b {display: block; margin-top: 2px; font-size: .8rem; font-weight: 600; color: var(--color-accent)}
.card b.alike {color: var(--body-text-color-subdued)}
.acts {display: flex; gap: 6px; margin-top: 8px}
.acts button {font: inherit; font-size: .8rem; padding: 3px 12px; min-height: 30px; border-radius: 8px; cursor: pointer;
  border: 1px solid var(--border-color-primary); background: var(--button-secondary-background-fill); color: var(--body-text-color)}
.acts button:hover {border-color: var(--color-accent)}
button:focus-visible, .acts button:focus-visible {outline: 2px solid var(--color-accent) !important; outline-offset: 1px}
.empty {padding: 24px 8px; margin: 0; text-align: center; border: 1px dashed var(--border-color-primary); border-radius: 10px}
@media (max-width: 768px) {
  .gradio-container main {padding: 10px !important}
  #talk {height: 58dvh !important} #cards {max-height: none; min-height: 0}
  #gate {margin-top: 4vh} .acts button {min-height: 40px; padding: 6px 16px}
}
"""
CLICKS = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-act]');
  if (button) trigger(button.dataset.act, {id: button.dataset.id});
});
"""
REMEMBER_NAME = """(name) => {
  const url = new URL(location);
  if (name) url.searchParams.set('name', name); else url.searchParams.delete('name');
  history.replaceState(null, '', url);
}"""
FOCUS = """() => {
  let rounds = 0;
  const look = setInterval(() => {
    const found = WHERE.flatMap((id) => [...document.querySelectorAll(`#${id} textarea, #${id} input, button#${id}`)]);
    if (found.length || ++rounds > 40) clearInterval(look);
    found[0]?.focus();
  }, 50);
}"""
DOWNLOAD = """(text) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type: 'application/json'}));
  link.download = 'memories.json';
  link.click();
  URL.revokeObjectURL(link.href);
}"""
LOADING = "<p class='empty'>Looking for memories …</p>"
WELCOME = "<b>Say something about yourself</b><br>What is worth keeping appears among the memories. Then start a new conversation, and ask."
EXAMPLES = ["I live in Lisbon with my dog Bruno", "I'm allergic to peanuts", "My sister Ana is a nurse in Porto"]


def focus(*where: str) -> dict:
    """For `.then(**focus(...))`: the focus goes to the first of these text boxes and buttons that is on the page, as soon as one is."""
    return {"fn": None, "js": FOCUS.replace("WHERE", json.dumps(where))}


def fingerprint(*shown) -> str:
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


def build(chat):
    """The page (gr.Blocks). Its only state is the user; all else is asked of `chat`.

    The conversation and the memories each have one event that writes them, which answers once: `follow` and `remembered`.
    It comes with a timer's tick and whenever an action has set `moved`. The page itself says what it shows, by a
    fingerprint that came with it, so what got lost or came late is made up for with the next tick. (A streaming event is
    no way to do it: Gradio sends the last values of a stream twice, the second time over what has been shown since.)
    """
    import gradio as gr

    from mem0_slm.chat import ChatError, name_of, user_id

    def follow(user, mark):
        """The conversation, the button beside the message, and when to ask again; nothing if the page shows that."""
        turns = chat.turns(user)
        now, writing = messages(turns), bool(turns) and turns[-1].state == "writing"
        if (new := fingerprint(user, now, writing)) == mark:
            return (gr.skip(),) * 5
        return (
            now,
            gr.update(visible=not writing),
            gr.update(visible=writing),
            gr.Timer(WRITING_SECONDS if writing else IDLE_SECONDS),
            new,
        )

    def remembered(user, query, mark):
        """The memories, their heading, and the fingerprint; nothing if the page shows them."""
        if not user:
            return LOADING, "", ""
        try:
            everything, used = (
                chat.memories(user),
                {m["id"]: m["score"] for turn in chat.turns(user)[-1:] for m in turn.used},
            )
            today = str(datetime.date.today())  # the cards say "today"
            if (new := fingerprint(user, query, everything, used, today)) == mark:
                return (gr.skip(),) * 3
            found = chat.search(user, query) if query.strip() else everything
        except Exception as error:  # a store that cannot be reached: said where the memories would stand
            if (new := fingerprint(user, str(error))) == mark:
                return (gr.skip(),) * 3
            logger.exception("memories cannot be read")
            return f"<p class='empty failed' role='alert'>The memories cannot be read: {shown(str(error))}</p>", "", new
        heading = f"Memories of {name_of(user)}: {len(everything)}" if everything else f"Memories of {name_of(user)}"
        return memory_cards(found, used, query.strip()), f"<h2>{html.escape(heading)}</h2>", new

    def told(handler):
        """The handler, but what cannot be done is told, and changes nothing on the page."""

        @functools.wraps(handler)
        def careful(user, *more):
            try:
                if not user:  # the page is older than this process
                    raise ChatError("The app was started anew. Reload the page.")
                return handler(user, *more)
            except ChatError as error:
                gr.Warning(html.escape(str(error)))
                return gr.skip()
            except Exception as error:
                logger.exception("an action of the page failed")
                raise gr.Error(
                    f"This could not be done: {html.escape(str(error) or type(error).__name__)}", print_exception=False
                ) from None

        return careful

    def enter(name):
        try:
            user = user_id(name)
        except ChatError as error:
            return (
                "",
                gr.skip(),
                "",
                gr.skip(),
                gr.skip(),
                gr.update(value=f"<p role='alert' class='failed'>{shown(str(error))}</p>", visible=True),
                time.time_ns(),
            )
        return (
            user,
            name_of(user),
            name_of(user),
            gr.update(visible=False),
            gr.update(visible=True),
            gr.update(visible=False),
            time.time_ns(),
        )

    def arrive(request: gr.Request):
        """A reload comes back under the name in the address. Without one it changes nothing: somebody may have entered meanwhile."""
        name = request.query_params.get("name", "")
        return enter(name) if name else (gr.skip(),) * 7

    def leave():
        return "", "", "", gr.update(visible=True), gr.update(visible=False), gr.skip(), time.time_ns()

    @told
    def send(user, text):
        chat.send(user, text)
        return "", time.time_ns()

    def stop(user):
        for turn in chat.turns(user):
            turn.stop = True

    @told
    def begin_anew(user):
        chat.new_conversation(user)
        return time.time_ns()

    def pick(event: gr.SelectData):
        return event.value["text"]

    @told
    def begin_edit(user, event: gr.EventData):
        return gr.update(visible=True), chat.own(user, event.id)["memory"], event.id

    @told
    def save_edit(user, memory_id, text):
        chat.edit(user, memory_id, text)
        return gr.update(visible=False), time.time_ns()

    @told
    def delete(user, event: gr.EventData):
        chat.forget(user, event.id)
        return time.time_ns()

    @told
    def ask_delete_all(user):
        n = len(chat.memories(user))
        return gr.update(
            visible=True
        ), f"Delete all {_count(n, 'memory', 'memories')} of {html.escape(name_of(user))}? This cannot be undone."

    @told
    def delete_all(user):
        chat.forget_all(user)
        return gr.update(visible=False), time.time_ns()

    @told
    def export_json(user):
        return chat.export(user)

    def close():
        return gr.update(visible=False)

    with gr.Blocks(title="Chat with memory", analytics_enabled=False) as page:
        user, editing = gr.State(""), gr.State("")
        moved = gr.State(0)  # when this page last did something
        address = gr.Textbox(visible="hidden", elem_id="address")  # the name for the page's address
        gr.HTML(
            "<h1>Chat with memory</h1><p>A small model on this machine remembers what you tell it.</p>", elem_id="title"
        )
        with gr.Column(elem_id="gate") as gate:
            name = gr.Textbox(
                label="Your name",
                info="Memories are kept under it. It is no password.",
                max_length=200,
                autofocus=True,
                elem_id="name",
            )
            problem = gr.HTML(visible=False, elem_id="problem")
            start = gr.Button("Start", variant="primary", elem_id="start")
        with gr.Row(visible=False, equal_height=False) as room:
            with gr.Column(scale=3, min_width=320):
                talk = gr.Chatbot(
                    show_label=False,
                    elem_id="talk",
                    buttons=[],
                    render_markdown=False,
                    sanitize_html=True,
                    latex_delimiters=[],
                    allow_tags=False,
                    feedback_options=None,
                    placeholder=WELCOME,
                    examples=[{"text": text} for text in EXAMPLES],
                    height=None,
                )
                with gr.Row(equal_height=True):
                    text = gr.Textbox(
                        show_label=False,
                        label="Message",
                        placeholder="Write a message, Enter sends",
                        lines=1,
                        max_lines=6,
                        max_length=4000,
                        scale=6,
                        min_width=160,
                        elem_id="message",
                        container=False,
                    )
                    go = gr.Button("Send", variant="primary", scale=1, min_width=80, elem_id="send")
                    halt = gr.Button("Stop", variant="stop", scale=1, min_width=80, visible=False, elem_id="stop")
                with gr.Row():
                    fresh = gr.Button("New conversation", size="sm", min_width=80, elem_id="fresh")
                    other = gr.Button("Change name", size="sm", min_width=80, elem_id="other")
            with gr.Column(scale=2, min_width=300, elem_id="panel"):
                who = gr.HTML(elem_id="who")
                query = gr.Textbox(
                    show_label=False,
                    label="Search memories",
                    placeholder="Search memories",
                    elem_id="query",
                    container=False,
                    max_length=300,
                )
                with gr.Group(visible=False) as editor:
                    edited = gr.Textbox(label="Edit memory", lines=2, max_length=2000, elem_id="edited")
                    with gr.Row():
                        save = gr.Button("Save", variant="primary", size="sm", min_width=80, elem_id="save")
                        cancel = gr.Button("Cancel", size="sm", min_width=80, elem_id="cancel")
                cards = gr.HTML(LOADING, elem_id="cards", js_on_load=CLICKS, apply_default_css=False)
                with gr.Row():
                    export = gr.Button("Export JSON", size="sm", min_width=80, elem_id="export")
                    wipe = gr.Button("Delete all", size="sm", min_width=80, elem_id="wipe")
                with gr.Group(visible=False) as confirm:
                    question = gr.HTML(elem_id="question", padding=True)
                    with gr.Row():
                        yes = gr.Button("Delete all", variant="stop", size="sm", min_width=80, elem_id="yes")
                        no = gr.Button("Keep", size="sm", min_width=80, elem_id="no")
                exported = gr.Textbox(visible="hidden", elem_id="exported")
                # what the page shows; in here, so that they are there when it is
                talk_mark, cards_mark = gr.Textbox(visible="hidden"), gr.Textbox(visible="hidden")

        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        latest = quiet | {"trigger_mode": "always_last", "queue": False}
        pulse, slow_pulse = gr.Timer(IDLE_SECONDS), gr.Timer(IDLE_SECONDS)
        gr.on([pulse.tick, moved.change], follow, [user, talk_mark], [talk, go, halt, pulse, talk_mark], **latest)
        gr.on(
            [slow_pulse.tick, moved.change, query.change],
            remembered,
            [user, query, cards_mark],
            [cards, who, cards_mark],
            **latest,
        )

        entered = [user, name, address, gate, room, problem, moved]
        for event in (
            page.load(arrive, None, entered, **quiet),
            gr.on([start.click, name.submit], enter, name, entered, **quiet),
        ):
            event.then(None, address, js=REMEMBER_NAME).then(**focus("message"))
        other.click(leave, None, entered, **quiet).then(None, address, js=REMEMBER_NAME).then(**focus("name"))

        gr.on([go.click, text.submit], send, [user, text], [text, moved], **quiet).then(**focus("message"))
        halt.click(stop, user, None, **quiet)
        talk.example_select(pick, None, text, **quiet).then(**focus("message"))
        fresh.click(begin_anew, user, moved, **quiet).then(**focus("message"))

        cards.edit(begin_edit, user, [editor, edited, editing], **quiet).then(**focus("edited"))
        cards.delete(delete, user, moved, **quiet).then(**focus("query"))
        gr.on([save.click, edited.submit], save_edit, [user, editing, edited], [editor, moved], **quiet).then(
            **focus("edited", "query")
        )
        cancel.click(close, None, editor, **quiet).then(**focus("query"))
        export.click(export_json, user, exported, **quiet).success(None, exported, js=DOWNLOAD)
        wipe.click(ask_delete_all, user, [confirm, question], **quiet).then(**focus("no"))
        yes.click(delete_all, user, [confirm, moved], **quiet).then(**focus("query"))
        no.click(close, None, confirm, **quiet).then(**focus("wipe"))
    page.queue(default_concurrency_limit=16)
    return page


def launch(page, p: Params, password: str) -> None:
    """Put the page on its address; with a password, behind a login."""
    import gradio as gr

    theme = gr.themes.Soft(
        primary_hue="teal", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )  # names: no font is fetched
    theme = theme.set(  # the theme's own are too pale to be read easily
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
    )
    app_kwargs = {}
    if (
        p.host in ("127.0.0.1", "localhost") and not p.share
    ):  # a foreign page that points its own name at this machine gets nothing
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
        theme=theme,
        css=CSS,
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


def serve(p: Params, password: str) -> None:
    """Load, warm up, open the page, and stay until the process is told to end."""
    from mem0_slm import memory as slm

    if not _free(p.host, p.port):
        raise DataError(
            f"params.yaml: app.port: {p.port} is in use on {p.host}. End what uses it, or set another port."
        )
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
        slm.close(chat.memory)


def _free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


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
        p = params.load(Params, "app", arguments.params)
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
