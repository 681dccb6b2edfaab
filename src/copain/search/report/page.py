"""The page of a report: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from html import escape

_STYLE = """
:root { color-scheme: light; --ink: #1b1f24; --soft: #5b6470; --line: #e1e4e8; --back: #f6f7f9; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
       font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0; }
h2 { font-size: 18px; margin: 36px 0 10px; }
h3 { font-size: 15px; margin: 18px 0 6px; }
p { margin: 6px 0; } .soft { color: var(--soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 10px;
         margin: 18px 0; }
.fact { background: white; border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; }
.fact b { display: block; font-size: 20px; font-variant-numeric: tabular-nums; }
.fact b.words { font-size: 15px; line-height: 2; }
.fact span { color: var(--soft); font-size: 13px; }
figure { margin: 0; background: white; border: 1px solid var(--line); border-radius: 8px;
         padding: 12px; }
figure > img { display: block; width: 100%; height: auto; }
figcaption { color: var(--soft); font-size: 13px; margin-top: 8px; }
.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 8px; }
.strip div { font-size: 12px; color: var(--soft); text-align: center; }
.strip img, .film img { width: 100%; height: auto; image-rendering: pixelated; border-radius: 4px;
                        display: block; }
.film { max-width: 512px; margin-bottom: 12px; }
table { border-collapse: collapse; background: white; border: 1px solid var(--line);
        border-radius: 8px; width: 100%; }
td { padding: 5px 12px; border-top: 1px solid var(--line); vertical-align: top; }
td:first-child { color: var(--soft); width: 220px; white-space: nowrap; }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
"""


def page(title: str, body: Iterable[str]) -> str:
    """The whole page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def heading(title: str, about: str) -> str:
    """The top of the page."""
    return f'<h1>{escape(title)}</h1>\n<p class="soft">{escape(about)}</p>'


def section(title: str) -> str:
    """The heading of a section."""
    return f"<h2>{escape(title)}</h2>"


def text(words: str) -> str:
    """A paragraph."""
    return f"<p>{escape(words)}</p>"


def key_facts(facts: Mapping[str, str]) -> str:
    """Numbers to be seen first, with what they are."""
    cards = (
        f'<div class="fact"><b{"" if len(value) < 12 else " class=words"}>{escape(value)}</b>'
        f"<span>{escape(name)}</span></div>"
        for name, value in facts.items()
    )
    return f'<div class="facts">{"".join(cards)}</div>'


def figure(png: bytes, caption: str) -> str:
    """A figure with what it shows."""
    return (
        f'<figure><img alt="{escape(caption, quote=True)}" src="{_data("png", png)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def film(gif: bytes, name: str) -> str:
    """A movie that plays."""
    return (
        f'<div class="film"><img alt="{escape(name, quote=True)}" src="{_data("gif", gif)}"></div>'
    )


def strip(pictures: Iterable[tuple[str, bytes]]) -> str:
    """Pictures side by side, each with what stands below it."""
    cells = (
        f'<div><img alt="{escape(caption, quote=True)}" src="{_data("png", png)}">'
        f"{escape(caption)}</div>"
        for caption, png in pictures
    )
    return f'<div class="strip">{"".join(cells)}</div>'


def table(rows: Mapping[str, object]) -> str:
    """Names and values."""
    cells = (
        f"<tr><td>{escape(name)}</td><td><code>{escape(str(value))}</code></td></tr>"
        for name, value in rows.items()
    )
    return f"<table>{''.join(cells)}</table>"


def _data(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
