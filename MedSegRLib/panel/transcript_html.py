"""Transcript as HTML: an exchange in the colours of the palette, its findings as links.

Links name what is to be done, the exchange and the finding: "jump:0:1", "show:0:1", "hide:0:1",
"about:0:1", "delete:0:1". Only what Qt's rich text knows is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from MedSegRLib.panel.gateway import Visibility
from MedSegRLib.panel.shown import ExchangeShown, Row, Stage

__all__ = ["Shades", "answer_html", "question_html", "welcome_html"]

_APART = "&nbsp;&nbsp; "
_CLOSE = "margin-top: 2px; margin-bottom: 2px"


@dataclass(frozen=True)
class Shades:
    """Colours as "#rrggbb": of text, of what is less important, of links, and of good and bad."""

    text: str
    muted: str
    link: str
    good: str
    warn: str
    bad: str


def question_html(exchange: ExchangeShown) -> str:
    """The question."""
    return f"<b>{_lines(exchange.question)}</b>"


def answer_html(exchange: ExchangeShown, shades: Shades, tr: Callable[[str], str]) -> str:
    """Text, findings and notes of an answer."""
    parts = [f'<p style="{_CLOSE}">{_linked(exchange, shades)}</p>'] if exchange.text.strip() else []
    if exchange.rows:
        rows = "".join(
            _row(exchange.number, index, row, shades, tr) for index, row in enumerate(exchange.rows)
        )
        parts.append(f'<table cellspacing="0" cellpadding="2">{rows}</table>')
    if exchange.stage is Stage.STOPPED:
        parts.append(_note(tr("Stopped; what was done until then is kept."), shades.warn))
    colour = shades.bad if exchange.stage is Stage.FAILED else shades.muted
    if exchange.notes:
        parts.append(_note("\n".join(exchange.notes), colour))
    return "".join(parts)


def welcome_html(shades: Shades, tr: Callable[[str], str]) -> str:
    """What stands where nothing was asked yet."""
    told = tr(
        "Ask about the scan in your own words. What the answer names is outlined in the slice views; "
        "click a name to go there."
    )
    return f'<p style="color: {shades.muted}">{escape(told)}</p>'


def _row(number: int, index: int, row: Row, shades: Shades, tr: Callable[[str], str]) -> str:
    facts = tr("{amount}, confidence {percent} %").format(
        amount=row.amount, percent=round(100 * row.confidence)
    )
    place = f"{number}:{index}"
    if row.visibility is Visibility.GONE:
        name = f'<span style="color: {shades.muted}">{escape(row.name)}</span>'
        links = [(f"about:{place}", tr("what is this?"))]
        facts = f"{facts}, {tr('no longer in the scene')}"
    else:
        hidden = row.visibility is Visibility.HIDDEN
        name = _link(f"jump:{place}", row.name, tr("Go to it in the slice views"), shades, bold=True)
        links = [
            (f"jump:{place}", tr("go there")),
            (f"show:{place}", tr("show")) if hidden else (f"hide:{place}", tr("hide")),
            (f"about:{place}", tr("what is this?")),
            (f"delete:{place}", tr("delete")),
        ]
    said = _APART.join(_link(href, words, f"{words}: {row.name}", shades) for href, words in links)
    return (
        f'<tr><td style="padding-top: 5px">{_swatch(row, shades)}</td><td>{name} '
        f'<span style="color: {shades.muted}">{escape(facts)}</span><br>{said}</td></tr>'
    )


def _swatch(row: Row, shades: Shades) -> str:
    red, green, blue = (round(255 * part) for part in row.colour)
    colour = f"#{red:02x}{green:02x}{blue:02x}"
    # Filled while it is seen, an outline while it is not: never by colour alone.
    shown = row.visibility is Visibility.SHOWN
    sign = "\N{BLACK SQUARE}" if shown else "\N{WHITE SQUARE}"
    return f'<span style="color: {colour if shown else shades.muted}; font-size: large">{sign}</span>'


def _linked(exchange: ExchangeShown, shades: Shades) -> str:
    """The text; every name of a finding that is there leads to it."""
    text = _lines(exchange.text)
    if exchange.stage is Stage.RUNNING:
        return text
    places = {
        escape(word).lower(): f"jump:{exchange.number}:{index}"
        for index, row in reversed(list(enumerate(exchange.rows)))
        for word in (row.phrase, row.name)
        if row.visibility is not Visibility.GONE
    }
    if not places:
        return text
    words = _alternatives(list(places))
    return re.sub(
        rf"\b(?:{words})\b",
        lambda found: f'<a href="{places[found[0].lower()]}" style="color: {shades.link}">{found[0]}</a>',
        text,
        flags=re.IGNORECASE,
    )


def _alternatives(words: Sequence[str]) -> str:
    # The longest first, so that "left hippocampus" is not taken for a "hippocampus".
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _link(href: str, words: str, tip: str, shades: Shades, bold: bool = False) -> str:
    style = f"color: {shades.link}; text-decoration: {'underline' if bold else 'none'}"
    weight = "; font-weight: bold" if bold else ""
    return f'<a href="{href}" title="{escape(tip)}" style="{style}{weight}">{escape(words)}</a>'


def _note(note: str, colour: str) -> str:
    return f'<p style="color: {colour}; {_CLOSE}"><small>{_lines(note)}</small></p>'


def _lines(text: str) -> str:
    return escape(text.strip()).replace("\n", "<br>")
