"""A report's blocks as Markdown and as one HTML file."""

import html
import re
from pathlib import Path


def markdown(blocks: list[tuple]) -> str:
    from tabulate import tabulate

    written = []
    for kind, *content in blocks:
        if kind == "table":
            written.append(tabulate(content[1], headers=content[0], tablefmt="github", disable_numparse=True))
        elif kind == "list":
            written.append("\n".join(f"- {item}" for item in content[0]))
        elif kind == "plot":
            written.append(f"![{content[1]}](plots/{content[0]}.svg)")
        else:
            written.append({"h1": "# ", "h2": "## ", "h3": "### ", "p": ""}[kind] + content[0])
    return "\n\n".join(written) + "\n"


STYLE = """
:root { color-scheme: light dark; --line: #8886; --quiet: #777 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid var(--line) } h3 { font-size: 1rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem; white-space: nowrap }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left } figure { margin: 1rem 0 } svg { max-width: 100%; height: auto }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #16181c } }
"""


def rich(text: str) -> str:
    """Text for HTML: escaped, **bold** kept."""
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(str(text)))


def page(blocks: list[tuple], plots: Path) -> str:
    """The report as one HTML file: styles and plots inside, no script, nothing fetched."""
    written = []
    for kind, *content in blocks:
        if kind == "table":
            head = "".join(f"<th>{rich(cell)}</th>" for cell in content[0])
            body = "".join("<tr>" + "".join(f"<td>{rich(cell)}</td>" for cell in row) + "</tr>" for row in content[1])
            written.append(
                f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
            )
        elif kind == "list":
            written.append("<ul>" + "".join(f"<li>{rich(item)}</li>" for item in content[0]) + "</ul>")
        elif kind == "plot":
            drawing = (plots / f"{content[0]}.svg").read_text(encoding="utf-8")
            written.append(
                f'<figure aria-label="{html.escape(content[1])}">{drawing[drawing.index("<svg") :]}</figure>'
            )
        else:
            written.append(f"<{kind}>{rich(content[0])}</{kind}>")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{rich(blocks[0][1])}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(written) + "\n</body></html>\n"
