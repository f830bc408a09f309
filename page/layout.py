"""What is on the page: Gradio's components, each under the name by which page.py wires it up."""

import gradio as gr

from page.cards import LOADING

WELCOME = (
    "<b>Say something about yourself</b><br>What is worth keeping appears among the memories. "
    "Then start a new conversation, and ask."
)
EXAMPLES = ["I live in Lisbon with my dog Bruno", "I'm allergic to peanuts", "My sister Ana is a nurse in Porto"]


def small_button(label: str, elem_id: str, variant: str = "secondary") -> gr.Button:
    return gr.Button(label, variant=variant, size="sm", min_width=80, elem_id=elem_id)


class Layout:
    """The whole page. Its only state of its own is the user, and which memory is being edited."""

    def __init__(self):
        self.user, self.editing = gr.State(""), gr.State("")
        self.moved = gr.State(0)  # when this page last did something
        self.address = gr.Textbox(visible="hidden", elem_id="address")  # the name for the page's address
        title = "<h1>Chat with memory</h1><p>A small model on this machine remembers what you tell it.</p>"
        gr.HTML(title, elem_id="title")
        self.gate = Gate()
        with gr.Row(visible=False, equal_height=False) as self.room:
            self.conversation = Conversation()
            self.memories = Memories()


class Gate:
    """Where a name is asked for."""

    def __init__(self):
        with gr.Column(elem_id="gate") as self.column:
            self.name = gr.Textbox(
                label="Your name",
                info="Memories are kept under it. It is no password.",
                max_length=200,
                autofocus=True,
                elem_id="name",
            )
            self.problem = gr.HTML(visible=False, elem_id="problem")
            self.start = gr.Button("Start", variant="primary", elem_id="start")


class Conversation:
    """The messages, the box for the next one, and the buttons below."""

    def __init__(self):
        with gr.Column(scale=3, min_width=320):
            self.talk = gr.Chatbot(
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
                self.message = gr.Textbox(
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
                beside = {"scale": 1, "min_width": 80}
                self.send = gr.Button("Send", variant="primary", elem_id="send", **beside)
                self.stop = gr.Button("Stop", variant="stop", visible=False, elem_id="stop", **beside)
            with gr.Row():
                self.new_conversation = small_button("New conversation", "fresh")
                self.change_name = small_button("Change name", "other")


class Memories:
    """The panel beside the conversation: search, the cards, editing, export and deleting."""

    def __init__(self):
        with gr.Column(scale=2, min_width=300, elem_id="panel"):
            self.heading = gr.HTML(elem_id="who")
            self.query = gr.Textbox(
                show_label=False,
                label="Search memories",
                placeholder="Search memories",
                elem_id="query",
                container=False,
                max_length=300,
            )
            with gr.Group(visible=False) as self.editor:
                self.edited = gr.Textbox(label="Edit memory", lines=2, max_length=2000, elem_id="edited")
                with gr.Row():
                    self.save = small_button("Save", "save", "primary")
                    self.cancel = small_button("Cancel", "cancel")
            clicks = "reportCardClicks(element, trigger)"
            self.cards = gr.HTML(LOADING, elem_id="cards", js_on_load=clicks, apply_default_css=False)
            with gr.Row():
                self.export = small_button("Export JSON", "export")
                self.delete_all = small_button("Delete all", "wipe")
            with gr.Group(visible=False) as self.confirm:
                self.question = gr.HTML(elem_id="question", padding=True)
                with gr.Row():
                    self.yes = small_button("Delete all", "yes", "stop")
                    self.no = small_button("Keep", "no")
            self.exported = gr.Textbox(visible="hidden", elem_id="exported")
            # what the page shows (fingerprints); in here, so that they are there when it is
            self.talk_mark, self.cards_mark = gr.Textbox(visible="hidden"), gr.Textbox(visible="hidden")
