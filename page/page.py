"""The page itself: what is on it (layout.py), wired up with what it does (handlers.py)."""

import json
from pathlib import Path

import gradio as gr

from page.handlers import IDLE_SECONDS, Handlers
from page.layout import Layout

STYLE = Path(__file__).with_name("style.css")
SCRIPT = Path(__file__).with_name("page.js")

QUIET = {"show_progress": "hidden", "api_visibility": "private"}
LATEST = QUIET | {"trigger_mode": "always_last", "queue": False}
"""For events whose last answer is the only one that counts."""


def theme() -> gr.themes.Base:
    """Colours and fonts. Fonts of the system, by name: none is fetched."""
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    return gr.themes.Soft(primary_hue="teal", **fonts).set(
        # the theme's own are too pale to be read easily
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
    )


def focus(*ids: str) -> dict:
    """For `.then(**focus(...))`: the focus goes to the first of these text boxes and buttons that is there."""
    return {"fn": None, "js": f"() => focusFirst(...{json.dumps(ids)})"}


def build(chat) -> gr.Blocks:
    """The page over a `Chat`.

    The conversation and the memories each have one event that writes them, which answers once: `follow` and
    `remembered`. It comes with a timer's tick and whenever an action has set `moved`. The page itself says what it
    shows, by a fingerprint that came with it, so the next tick makes up for an answer that was lost or came late. (A
    streaming event is no way to do it: Gradio sends a stream's last values twice, the second time over what has been
    shown since.)
    """
    handlers = Handlers(chat)
    with gr.Blocks(title="Chat with memory", analytics_enabled=False) as page:
        layout = Layout()
        wire_what_is_shown(layout, handlers)
        wire_names(page, layout, handlers)
        wire_conversation(layout, handlers)
        wire_memories(layout, handlers)
    page.queue(default_concurrency_limit=16)
    return page


def wire_what_is_shown(layout: Layout, handlers: Handlers) -> None:
    conversation, memories = layout.conversation, layout.memories
    pulse, slow_pulse = gr.Timer(IDLE_SECONDS), gr.Timer(IDLE_SECONDS)
    gr.on(
        [pulse.tick, layout.moved.change],
        handlers.follow,
        [layout.user, memories.talk_mark],
        [conversation.talk, conversation.send, conversation.stop, pulse, memories.talk_mark],
        **LATEST,
    )
    gr.on(
        [slow_pulse.tick, layout.moved.change, memories.query.change],
        handlers.remembered,
        [layout.user, memories.query, memories.cards_mark],
        [memories.cards, memories.heading, memories.cards_mark],
        **LATEST,
    )


def wire_names(page: gr.Blocks, layout: Layout, handlers: Handlers) -> None:
    gate, address = layout.gate, layout.address
    # in the order of the fields of handlers.Entered
    entered = [layout.user, gate.name, address, gate.column, layout.room, gate.problem, layout.moved]
    remember_name = {"fn": None, "inputs": address, "js": "(name) => rememberName(name)"}
    arrived = page.load(handlers.arrive, None, entered, **QUIET)
    arrived.then(**remember_name).then(**focus("message"))
    given = gr.on([gate.start.click, gate.name.submit], handlers.enter, gate.name, entered, **QUIET)
    given.then(**remember_name).then(**focus("message"))
    left = layout.conversation.change_name.click(handlers.leave, None, entered, **QUIET)
    left.then(**remember_name).then(**focus("name"))


def wire_conversation(layout: Layout, handlers: Handlers) -> None:
    part, user, moved = layout.conversation, layout.user, layout.moved
    sent = gr.on(
        [part.send.click, part.message.submit], handlers.send, [user, part.message], [part.message, moved], **QUIET
    )
    sent.then(**focus("message"))
    part.stop.click(handlers.stop, user, None, **QUIET)
    part.talk.example_select(handlers.pick, None, part.message, **QUIET).then(**focus("message"))
    part.new_conversation.click(handlers.begin_anew, user, moved, **QUIET).then(**focus("message"))


def wire_memories(layout: Layout, handlers: Handlers) -> None:
    part, user, editing, moved = layout.memories, layout.user, layout.editing, layout.moved
    part.cards.edit(handlers.begin_edit, user, [part.editor, part.edited, editing], **QUIET).then(**focus("edited"))
    part.cards.delete(handlers.delete, user, moved, **QUIET).then(**focus("query"))
    save = [part.save.click, part.edited.submit]
    saved = gr.on(save, handlers.save_edit, [user, editing, part.edited], [part.editor, moved], **QUIET)
    saved.then(**focus("edited", "query"))
    part.cancel.click(handlers.close, None, part.editor, **QUIET).then(**focus("query"))
    exported = part.export.click(handlers.export_json, user, part.exported, **QUIET)
    exported.success(None, part.exported, js="(json) => downloadMemories(json)")
    asked = part.delete_all.click(handlers.ask_delete_all, user, [part.confirm, part.question], **QUIET)
    asked.then(**focus("no"))
    part.yes.click(handlers.delete_all, user, [part.confirm, moved], **QUIET).then(**focus("query"))
    part.no.click(handlers.close, None, part.confirm, **QUIET).then(**focus("wipe"))
