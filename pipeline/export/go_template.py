"""Ollama's template of an exported model: `contract.compact` and the model's chat template in Go's text/template.

`go_template` searches Mem0's headings byte by byte (`go_language`): the first one from the front, the last one from the
back, so that only what stands around the conversation is walked, and the conversation once more to break up `<|`.

What a template cannot do as `contract.compact` does:
- Where Mem0's headings are missing it passes the messages on unchanged; it cannot raise.
- The sentence that marks an agent's memory is searched in the last `AGENT_WINDOW` bytes of the system prompt, where
  Mem0 appends it, not in all 34 KB.
- White space in front of Mem0's prompt, and what Llama's templates trim, is ASCII's, not Unicode's.
- Ollama joins messages of one role that follow each other before a template sees them.
"""

from dataclasses import dataclass

from mem0_slm import contract
from mem0_slm.io import DataError
from pipeline.export.go_language import WHITE_SPACE, fill, quote, say, search, strip

DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""What SmolLM2's chat template says when a conversation has no system message."""
KNOWLEDGE = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
"""What Llama 3.1's chat template puts in front of every system message."""
FUNCTIONS = (
    "Given the following functions, please respond with a JSON for a function call with its proper arguments that best "
    'answers the given prompt.\n\nRespond in the format {"name": function name, "parameters": dictionary of argument '
    "name and its value}.Do not use variables.\n\n"
)
"""How Llama's chat templates offer functions."""
AGENT_WINDOW = 2000
"""Bytes at the end of Mem0's system prompt where its words on agents are looked for (they stand 542 from the end)."""


@dataclass(frozen=True)
class Style:
    """How a family of models marks a turn: `opening` role `middle` content `closing`; what ends generation."""

    opening: str
    middle: str
    closing: str
    stop: tuple[str, ...]

    def head(self, role: str) -> str:
        return self.opening + role + self.middle


STYLES = {
    "chatml": Style("<|im_start|>", "\n", "<|im_end|>\n", ("<|im_end|>", "<|im_start|>")),
    "llama3": Style(
        "<|start_header_id|>",
        "<|end_header_id|>\n\n",
        "<|eot_id|>",
        ("<|eot_id|>", "<|eom_id|>", "<|start_header_id|>"),
    ),
    "llama4": Style("<|header_start|>", "<|header_end|>\n\n", "<|eot|>", ("<|eot|>", "<|eom|>", "<|header_start|>")),
}


def go_template(turn_format: str) -> str:
    """An Ollama template that renders Mem0's extraction call as `contract.compact` and the model's chat template do.

    Other conversations come out as the chat template alone renders them. Llama's functions are handled too: since 0.30
    Ollama prefers a GGUF's own chat template over a TEMPLATE that can do less.
    Raises DataError if `turn_format` is not in STYLES.
    """
    if turn_format not in STYLES:
        raise DataError(f"turn format {turn_format!r} is not known. Take one of {', '.join(STYLES)}.")
    style = STYLES[turn_format]
    swapped = [
        say(style.head("system") + (KNOWLEDGE if turn_format == "llama3" else "")),
        "{{- $prompt }}",
        say(style.closing + style.head("user")),
        strip("$text") if turn_format == "llama3" else "",
        SAY_BROKEN_UP,
        say(style.closing),
    ]
    other = chatml(style) if turn_format == "chatml" else llama(style, old=turn_format == "llama3")
    parts = [SWAP, "{{- if $swap }}", *swapped, "{{- else }}", other, "{{- end }}", say(style.head("assistant"))]
    return "\n".join(part for part in parts if part)


SWAP = fill(
    """
{{- /* Mem0's extraction call: $swap says that it is one, $prompt and $text are then its system and user message. */}}
{{- $swap := false }}
{{- $prompt := @SYSTEM_PROMPT@ }}
{{- $text := "" }}
{{- if eq (len .Messages) 2 }}
{{- $first := index .Messages 0 }}
{{- $second := index .Messages 1 }}
{{- $system := $first.Content }}
{{- $head := "" }}
{{- range $i := len $system }}
{{- if not (eq (index $system $i) @WHITE_SPACE@) }}
{{- $head = slice $system $i }}
{{- break }}
{{- end }}
{{- end }}
{{- if and (eq $first.Role "system") (ge (len $head) @HEAD_SIZE@) (eq (slice $head 0 @HEAD_SIZE@) @HEAD@) }}
{{- $user := $second.Content }}
{{- $rest := "" }}
{{- $tail := "" }}
{{- /* The conversation, and what follows it. */}}
@FIND_CONVERSATION@
@FIND_ITS_END@
@STRIP@
{{- /* Custom instructions. */}}
{{- $rest = "" }}
@FIND_INSTRUCTIONS@
@FIND_THEIR_END@
{{- /* An agent's memory. */}}
{{- if gt (len $system) @WINDOW@ }}
{{- $system = slice $system (len (slice $system @WINDOW@)) }}
{{- end }}
@FIND_AGENT@
{{- end }}
{{- end }}
""",
    SYSTEM_PROMPT=quote(contract.SYSTEM_PROMPT),
    WHITE_SPACE=WHITE_SPACE,
    HEAD=quote(contract.PROMPT_HEAD),
    HEAD_SIZE=len(contract.PROMPT_HEAD.encode()),
    FIND_CONVERSATION=search(
        "$user", contract.NEW_MESSAGES, f"{{{{- $rest = slice $at {len(contract.NEW_MESSAGES)} }}}}"
    ),
    FIND_ITS_END=search(
        "$rest",
        contract.OBSERVATION_DATE,
        "{{- $swap = true }}\n{{- $text = slice $rest 0 $i }}\n"
        f"{{{{- $tail = slice $at {len(contract.OBSERVATION_DATE)} }}}}",
        last=True,
    ),
    STRIP=strip("$text", r"'\n'", left=False),
    FIND_INSTRUCTIONS=search(
        "$tail", contract.CUSTOM_INSTRUCTIONS, f"{{{{- $rest = slice $at {len(contract.CUSTOM_INSTRUCTIONS)} }}}}"
    ),
    FIND_THEIR_END=search(
        "$rest",
        contract.OUTPUT,
        "{{- if $i }}\n"
        f"{{{{- $text = print $text {quote(contract.CUSTOM_INSTRUCTIONS)} (slice $rest 0 $i) }}}}\n"
        "{{- end }}",
        last=True,
    ),
    WINDOW=AGENT_WINDOW,
    FIND_AGENT=search("$system", contract.AGENT_HEAD, f"{{{{- $prompt = {quote(contract.AGENT_PROMPT)} }}}}"),
)

SAY_BROKEN_UP = """
{{- /* No text of a user's may stand for a control token: "<|" is said as "< |". */}}
{{- $from := 0 }}
{{- range $i := len $text }}
{{- if eq (index $text $i) '|' }}
{{- if $i }}
{{- if eq (index $text (len (slice $text 1 $i))) '<' }}
{{- slice $text $from $i }}
{{- " " }}
{{- $from = $i }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- slice $text $from }}
""".strip("\n")


def chatml(style: Style) -> str:
    """Any other conversation, as SmolLM2's chat template has it."""
    return fill(
        """
{{- range $i, $message := .Messages }}
{{- if and (eq $i 0) (ne .Role "system") }}
@DEFAULT@
{{- end }}
@OPENING@
{{- .Role }}
@MIDDLE@
{{- .Content }}
@CLOSING@
{{- end }}
""",
        DEFAULT=say(style.head("system") + DEFAULT_SYSTEM + style.closing),
        OPENING=say(style.opening),
        MIDDLE=say(style.middle),
        CLOSING=say(style.closing),
    )


LLAMA_CONVERSATION = """
{{- $told := true }}
{{- if .Tools }}
{{- $told = false }}
{{- end }}
@BEFORE@
{{- range $i, $message := .Messages }}
{{- $content := .Content }}
@TRIM@
{{- if and (eq $i 0) (eq .Role "system") }}
@SYSTEM@
{{- $content }}
@CLOSING@
{{- else }}
@NO_SYSTEM@
{{- if not $told }}
{{- $told = true }}
@USER_AND_FUNCTIONS@
{{- range $.Tools }}
{{- . }}
{{- "\\n\\n" }}
{{- end }}
{{- $content }}
@CLOSING@
{{- else if .ToolCalls }}
@ASSISTANT@
@BEFORE_CALLS@
{{- range .ToolCalls }}
{{- "{\\"name\\": \\"" }}
{{- .Function.Name }}
{{- "\\", \\"parameters\\": " }}
{{- .Function.Arguments }}
{{- "}" }}
{{- end }}
@CLOSING@
{{- else if or (eq .Role "tool") (eq .Role "ipython") }}
@IPYTHON@
{{- json .Content }}
@CLOSING@
{{- else }}
@OPENING@
{{- .Role }}
@MIDDLE@
{{- $content }}
@CLOSING@
{{- end }}
{{- end }}
{{- end }}
"""


def llama(style: Style, *, old: bool) -> str:
    """Any other conversation, as Llama 3.1's (`old`) or Llama 4's chat template has it, functions included.

    3.1 always has a system message, with dates in it, and trims every content; 4 only trims the system message and what
    the functions are put in front of. Functions are shown in Ollama's JSON, which is not indented.
    """
    environment = "{{- if $.Tools }}\n" + say("Environment: ipython\n") + "\n{{- end }}"
    head, trim = say(style.head("system")), strip("$content")
    if old:
        parts = {
            "BEFORE": "\n".join((head, environment, say(KNOWLEDGE))),
            "TRIM": trim,
            "SYSTEM": "{{- /* Its head is said. */}}",
            "NO_SYSTEM": "{{- if eq $i 0 }}\n" + say(style.closing) + "\n{{- end }}",
            "ASSISTANT": say(style.head("assistant")),
            "BEFORE_CALLS": "{{- /* No words. */}}",
        }
    else:
        trimmed = 'or (not $told) (and (eq $i 0) (eq .Role "system"))'
        parts = {
            "BEFORE": "{{- /* No system message of its own. */}}",
            "TRIM": "{{- if " + trimmed + " }}\n" + trim + "\n{{- end }}",
            "SYSTEM": head + "\n" + environment,
            "NO_SYSTEM": "{{- /* A turn. */}}",
            "ASSISTANT": say(style.head("assistant") + "<|python_start|>"),
            "BEFORE_CALLS": "{{- .Content }}\n" + say("<|python_end|>"),
        }
    return fill(
        LLAMA_CONVERSATION,
        **parts,
        USER_AND_FUNCTIONS=say(style.head("user") + FUNCTIONS),
        IPYTHON=say(style.head("ipython")),
        CLOSING=say(style.closing),
        OPENING=say(style.opening),
        MIDDLE=say(style.middle),
    )
