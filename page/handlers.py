"""What the page does: each method answers one kind of event with new values for its outputs (wired up in page.py)."""

import datetime
import functools
import hashlib
import html
import json
import logging
import time
from typing import NamedTuple

import gradio as gr

from page.cards import LOADING, count, failed_to_read, memory_cards, messages, shown
from page.names import ChatError, name_of, user_id

logger = logging.getLogger("mem0_slm")

WRITING_SECONDS, IDLE_SECONDS = 0.1, 1.0
"""How often the page asks what has changed: while a reply is being written, and otherwise."""


class Entered(NamedTuple):
    """New values when somebody enters or leaves; what is not given stays as it is."""

    user: str | dict = gr.skip()
    name: str | dict = gr.skip()
    address: str | dict = gr.skip()
    """The name in the page's address."""
    gate: dict = gr.skip()
    room: dict = gr.skip()
    problem: dict = gr.skip()
    """What is wrong with the name."""
    moved: int | dict = gr.skip()


def fingerprint(*shown) -> str:
    """A short text that differs where what is shown differs."""
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


def report_errors(handler):
    """The handler, except that the user is told what cannot be done, and nothing else on the page changes."""

    @functools.wraps(handler)
    def careful(self, user, *more):
        try:
            if not user:  # the page is older than this process
                raise ChatError("The app was started anew. Reload the page.")
            return handler(self, user, *more)
        except ChatError as error:
            gr.Warning(html.escape(str(error)))
            return gr.skip()
        except Exception as error:
            logger.exception("an action of the page failed")
            reason = html.escape(str(error) or type(error).__name__)
            raise gr.Error(f"This could not be done: {reason}", print_exception=False) from None

    return careful


class Handlers:
    """The page's handlers. They keep nothing: who the user is comes with each event, all else is asked of `chat`."""

    def __init__(self, chat):
        self.chat = chat

    # --- what is shown ---

    def follow(self, user, mark):
        """The conversation, Send or Stop, when to ask again, and the fingerprint; nothing if the page shows that."""
        turns = self.chat.turns(user)
        now, writing = messages(turns), bool(turns) and turns[-1].state == "writing"
        if (new := fingerprint(user, now, writing)) == mark:
            return (gr.skip(),) * 5
        next_look = gr.Timer(WRITING_SECONDS if writing else IDLE_SECONDS)
        return now, gr.update(visible=not writing), gr.update(visible=writing), next_look, new

    def remembered(self, user, query, mark):
        """The memories, their heading, and the fingerprint; nothing if the page shows them."""
        if not user:
            return LOADING, "", ""
        try:
            everything = self.chat.memories(user)
            used = {m["id"]: m["score"] for turn in self.chat.turns(user)[-1:] for m in turn.used}
            today = str(datetime.date.today())  # the cards say "today"
            if (new := fingerprint(user, query, everything, used, today)) == mark:
                return (gr.skip(),) * 3
            found = self.chat.search(user, query) if query.strip() else everything
        except Exception as error:  # a store that cannot be reached: said where the memories would be
            if (new := fingerprint(user, str(error))) == mark:
                return (gr.skip(),) * 3
            logger.exception("memories cannot be read")
            return failed_to_read(error), "", new
        heading = f"Memories of {name_of(user)}" + (f": {len(everything)}" if everything else "")
        return memory_cards(found, used, query.strip()), f"<h2>{html.escape(heading)}</h2>", new

    # --- coming and going ---

    def enter(self, name) -> Entered:
        try:
            user = user_id(name)
        except ChatError as error:
            problem = f"<p role='alert' class='failed'>{shown(str(error))}</p>"
            return Entered("", address="", problem=gr.update(value=problem, visible=True), moved=time.time_ns())
        hidden, visible = gr.update(visible=False), gr.update(visible=True)
        return Entered(user, name_of(user), name_of(user), hidden, visible, hidden, time.time_ns())

    def arrive(self, request: gr.Request) -> Entered:
        """A reload comes back under the name in the address.

        Without one nothing changes: somebody may have entered meanwhile.
        """
        name = request.query_params.get("name", "")
        return self.enter(name) if name else Entered()

    def leave(self) -> Entered:
        return Entered("", "", "", gr.update(visible=True), gr.update(visible=False), moved=time.time_ns())

    # --- talking ---

    @report_errors
    def send(self, user, text):
        self.chat.send(user, text)
        return "", time.time_ns()

    def stop(self, user):
        for turn in self.chat.turns(user):
            turn.stop = True

    @report_errors
    def begin_anew(self, user):
        self.chat.new_conversation(user)
        return time.time_ns()

    def pick(self, event: gr.SelectData):
        """The text of the example that was clicked."""
        return event.value["text"]

    # --- the memories ---

    @report_errors
    def begin_edit(self, user, event: gr.EventData):
        return gr.update(visible=True), self.chat.own(user, event.id)["memory"], event.id

    @report_errors
    def save_edit(self, user, memory_id, text):
        self.chat.edit(user, memory_id, text)
        return gr.update(visible=False), time.time_ns()

    @report_errors
    def delete(self, user, event: gr.EventData):
        self.chat.forget(user, event.id)
        return time.time_ns()

    @report_errors
    def ask_delete_all(self, user):
        memories = count(len(self.chat.memories(user)), "memory", "memories")
        question = f"Delete all {memories} of {html.escape(name_of(user))}? This cannot be undone."
        return gr.update(visible=True), question

    @report_errors
    def delete_all(self, user):
        self.chat.forget_all(user)
        return gr.update(visible=False), time.time_ns()

    @report_errors
    def export_json(self, user):
        return self.chat.export(user)

    def close(self):
        return gr.update(visible=False)
