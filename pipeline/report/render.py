"""The report as Markdown, from its template, and as one HTML file, from that Markdown."""

import html
from pathlib import Path

from pipeline.evaluation.candidates import SETS
from pipeline.evaluation.metrics import METRICS
from pipeline.evaluation.statistics import RESAMPLES
from pipeline.report import tables, verdict
from pipeline.report.measured import Measured

TEMPLATE = Path(__file__).with_name("report.md.j2")
STYLE = """
:root { color-scheme: light dark; --line: #8886; --quiet: #777 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem;
  color: #1a1a1a; background: #fff }
h1 { font-size: 1.5rem } h3 { font-size: 1rem }
h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid var(--line) }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem; white-space: nowrap }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left }
figure { margin: 1rem 0 } svg { max-width: 100%; height: auto }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #16181c } }
"""


def table(header: list[str], rows: list[list]) -> str:
    """A Markdown table; a bar or a line break in a cell stays inside it."""
    from tabulate import tabulate

    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return tabulate(cells, headers=header, tablefmt="github", disable_numparse=True)


def markdown(m: Measured, template: Path = TEMPLATE) -> str:
    """The report. Raises jinja2's UndefinedError where the template asks for what was not measured."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.globals |= {"table": table, "tables": tables, "verdict": verdict, "percent": tables.percent}
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        m=m, sets=SETS, metrics=METRICS, resamples=RESAMPLES
    )


def page(text: str, plots: Path) -> str:
    """A report in Markdown as one HTML file: styles and plots inside, no script, nothing fetched.

    Raw HTML in it is text. `plots` holds the SVG files that its images name.
    """
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("image", lambda _, tokens, i, *__: figure(plots, tokens[i].attrs["src"], tokens[i].content))
    reader.add_render_rule("table_open", lambda *_: '<div class="wide"><table>\n')
    reader.add_render_rule("table_close", lambda *_: "</table></div>\n")
    title = html.escape(text.split("\n", 1)[0].removeprefix("# "))
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>{title}</title><style>{STYLE}</style>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{reader.render(text)}</body></html>\n'


def figure(plots: Path, source: str, title: str) -> str:
    """The plot that an image of the report names, drawn in place."""
    drawing = (plots / Path(source).name).read_text(encoding="utf-8")
    return f'<figure aria-label="{html.escape(title)}">{drawing[drawing.index("<svg") :]}</figure>'
