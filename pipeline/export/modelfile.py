"""The Ollama Modelfile of an exported model: stock Mem0 then gets the compact prompt with nothing of ours installed.

Ollama renders prompts with Go's text/template, so `contract.compact` has to be said in that language. It has no string
search, but it has what one is made of: `range $i := len $s` counts the bytes of a string, `index $s $i` is one of them,
`slice $s $i` cuts, `eq` compares, and the length of a slice is a difference of two places. `go_template` searches Mem0's
headings that way: the first one from the front, the last one from the back, so that only what stands around the
conversation is walked, and the conversation once more to break up `<|`. A byte costs one to two microseconds.

What a template cannot do as `contract.compact` does:
- Where Mem0's headings are missing it passes the messages on unchanged; it cannot raise.
- The sentence that marks an agent's memory is searched in the last `AGENT_WINDOW` bytes of the system prompt, where Mem0
  appends it, not in all 34 KB.
- White space in front of Mem0's prompt, and what Llama's templates trim, is ASCII's, not Unicode's.
- Ollama joins messages of one role that follow each other before a template sees them.

`range` over an integer needs Go 1.24, which Ollama has been built with since 0.5.12 (with Go 1.26 since 0.23.1).
"""

import json
from dataclasses import dataclass
from pathlib import PurePath

from mem0_slm import contract
from mem0_slm.io import DataError

MODEL_NAME = "mem0-slm"
CREATE = f"ollama create {MODEL_NAME} -f Modelfile"
"""The command that makes an Ollama model of the export, run in the export's folder."""

DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""What SmolLM2's chat template says when a conversation has no system message."""
KNOWLEDGE = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
"""What Llama 3.1's chat template puts in front of every system message."""
FUNCTIONS = (
    "Given the following functions, please respond with a JSON for a function call with its proper arguments that best answers"
    ' the given prompt.\n\nRespond in the format {"name": function name, "parameters": dictionary of argument name and its value}.'
    "Do not use variables.\n\n"
)
"""How Llama's chat templates offer functions."""
AGENT_WINDOW = 2000
"""Bytes at the end of Mem0's system prompt in which its sentence about agents is looked for (it stands 542 from the end)."""


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


def style_of(chat_template: str) -> str:
    """The name in STYLES of a Jinja chat template's turn format, with or without the swap of Mem0's prompt in it.

    Raises DataError for a template whose text the Go template could not reproduce.
    """
    remedy = (
        f"Modelfiles are written for the chat templates of SmolLM2, Llama 3.1 and Llama 4. Use such a base model, add its turn"
        f" format to STYLES in {__name__}, or serve the GGUF with the llama.cpp server, which reads the chat template itself."
    )
    if STYLES["llama4"].opening in chat_template:
        return "llama4"
    if STYLES["llama3"].opening in chat_template:
        if "strftime_now" in chat_template:
            raise DataError(
                "chat template: Llama 3's with the date of the call in it (strftime_now), which an Ollama template cannot know."
                " Put the date 26 Jul 2024 in its place before training, as in Llama 3.1's."
            )
        missing = [
            line for line in ("Cutting Knowledge Date: December 2023", "26 Jul 2024") if line not in chat_template
        ]
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


def modelfile(gguf_name: str, style: str, license_text: str, n_ctx: int = 4096) -> str:
    """The Modelfile to lie beside the file `gguf_name`, with the swap in its TEMPLATE.

    Raises DataError for a `gguf_name` with folders in it, a `style` that is not in STYLES, a licence that cannot be quoted
    and an `n_ctx` below 1.
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
        *(f'PARAMETER stop "{token}"' for token in STYLES[style].stop),
        f'LICENSE """{license_text}"""',
    ]
    return "\n".join(lines) + "\n"


# --- pieces of Go template: every action trims the white space in front of it, what is said stands in quotes ----------

WHITE_SPACE = r"' ' '\t' '\n' '\v' '\f' '\r'"


def quote(text: str) -> str:
    return json.dumps(text)  # JSON's escapes are Go's


def say(text: str) -> str:
    return f"{{{{- {quote(text)} }}}}"


def fill(go: str, **values) -> str:
    """`go` with each @NAME@ replaced by the value of that name."""
    for name, value in values.items():
        go = go.replace(f"@{name}@", str(value))
    return go.strip("\n")


def search(text: str, needle: str, found: str, *, last: bool = False) -> str:
    """Run `found` at the first or the last `needle` in the variable `text`; $i is its place, $at what begins there."""
    walk = (
        """
{{- range $k := len @TEXT@ }}
{{- $i := len (slice @TEXT@ 1 (len (slice @TEXT@ $k))) }}
"""
        if last
        else """
{{- range $i := len @TEXT@ }}
"""
    )
    test = """
{{- if eq (index @TEXT@ $i) '@BYTE@' }}
{{- $at := slice @TEXT@ $i }}
{{- if and (ge (len $at) @SIZE@) (eq (slice $at 0 @SIZE@) @NEEDLE@) }}
@FOUND@
{{- break }}
{{- end }}
{{- end }}
{{- end }}
"""
    values = {
        "TEXT": text,
        "BYTE": quote(needle[0])[1:-1],
        "SIZE": len(needle.encode()),
        "NEEDLE": quote(needle),
        "FOUND": found,
    }
    return fill(walk.rstrip("\n") + test, **values)


def strip(text: str, what: str = WHITE_SPACE, *, left: bool = True) -> str:
    """Take the bytes in `what` from both ends of the variable `text`, or from its right end only."""
    from_left = """
{{- range len @TEXT@ }}
{{- if not (eq (index @TEXT@ 0) @WHAT@) }}
{{- break }}
{{- end }}
{{- @TEXT@ = slice @TEXT@ 1 }}
{{- end }}
"""
    from_right = """
{{- range len @TEXT@ }}
{{- $end := len (slice @TEXT@ 1) }}
{{- if not (eq (index @TEXT@ $end) @WHAT@) }}
{{- break }}
{{- end }}
{{- @TEXT@ = slice @TEXT@ 0 $end }}
{{- end }}
"""
    return fill((from_left if left else "") + from_right.lstrip("\n" if left else ""), TEXT=text, WHAT=what)


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
        f"{{{{- if $i }}}}\n{{{{- $text = print $text {quote(contract.CUSTOM_INSTRUCTIONS)} (slice $rest 0 $i) }}}}\n{{{{- end }}}}",
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


def llama(style: Style, *, old: bool) -> str:
    """Any other conversation, as Llama 3.1's (`old`) or Llama 4's chat template has it, functions included.

    3.1 always has a system message, with dates in it, and trims every content; 4 only trims the system message and what
    the functions are put in front of. Functions are shown in Ollama's JSON, which is not indented.
    """
    environment = "{{- if $.Tools }}\n" + say("Environment: ipython\n") + "\n{{- end }}"
    trim = strip("$content")
    return fill(
        """
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
""",
        BEFORE="\n".join((say(style.head("system")), environment, say(KNOWLEDGE)))
        if old
        else "{{- /* No system message of its own. */}}",
        TRIM=trim if old else '{{- if or (not $told) (and (eq $i 0) (eq .Role "system")) }}\n' + trim + "\n{{- end }}",
        SYSTEM="{{- /* Its head is said. */}}" if old else say(style.head("system")) + "\n" + environment,
        NO_SYSTEM="{{- if eq $i 0 }}\n" + say(style.closing) + "\n{{- end }}" if old else "{{- /* A turn. */}}",
        USER_AND_FUNCTIONS=say(style.head("user") + FUNCTIONS),
        ASSISTANT=say(style.head("assistant") + ("" if old else "<|python_start|>")),
        BEFORE_CALLS="{{- /* No words. */}}" if old else "{{- .Content }}\n" + say("<|python_end|>"),
        IPYTHON=say(style.head("ipython")),
        CLOSING=say(style.closing),
        OPENING=say(style.opening),
        MIDDLE=say(style.middle),
    )
