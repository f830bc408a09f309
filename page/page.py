"""The page itself, in Gradio."""

import datetime
import functools
import hashlib
import html
import json
import logging
import time

from page.cards import _count, memory_cards, messages, shown

logger = logging.getLogger("mem0_slm")

WRITING_SECONDS, IDLE_SECONDS = 0.1, 1.0
"""How often the page asks for what has changed, while a reply is written and else."""


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

    from page.session import ChatError, name_of, user_id

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
