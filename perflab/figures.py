"""Plots with one look: readable on a light page, on a dark page and in print, and described in words.

On a page a picture is inline SVG whose black is the page's own text color, so that one picture follows the
reader's theme. In print it is PDF. A picture always carries a text alternative.
"""

import base64
import io
import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from html import escape
from typing import Any

import ipywidgets
import matplotlib as mpl
import pypdf
from cycler import cycler
from IPython.display import display
from matplotlib.figure import Figure

MAX_FRAMES = 16  # each frame is in the page: 16 of them are about 300 kB
MAX_STILLS = 4  # panels that fit one printed page
PANEL = 0.7  # of a figure's size: three of them, one above the other, leave room for text

# Okabe and Ito's colors for color-blind readers, the light ones darkened: each has a contrast of at least 3 with
# white and with the dark theme's background. Line styles tell the curves apart in a gray print.
COLORS = {
    "blue": "#0072b2",
    "vermilion": "#d55e00",
    "green": "#009e73",
    "purple": "#b9639a",
    "gray": "#808080",
}

STYLE = {
    "axes.prop_cycle": cycler(color=COLORS.values(), linestyle=["-", "--", "-.", ":", "-"]),
    "axes.facecolor": "none",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.facecolor": "none",
    "figure.figsize": (5.6, 3.2),  # inches: fits a printed page, and stays legible when a phone scales it down
    "figure.constrained_layout.use": True,
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],  # Matplotlib's own; what a browser has instead
    "font.size": 11,
    "grid.alpha": 0.2,
    "grid.color": "black",
    "legend.frameon": False,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "perflab",
}


def subplots(*args: int, size: tuple[float, float] | None = None, **kwargs: Any) -> tuple[Figure, Any]:
    """Make a figure and its axes in the course's style.

    The style stays on for the rest of the notebook, so that a legend or a text that is added later follows it.

    Parameters
    ----------
    *args, **kwargs
        Passed on to `matplotlib.figure.Figure.subplots`, e.g. ``subplots(1, 2, sharey=True)``.
    size : tuple of float, optional
        Width and height in inches.

    Returns
    -------
    fig : matplotlib.figure.Figure
        A figure that pyplot does not know: it appears where `show` puts it, once.
    ax : matplotlib.axes.Axes or numpy.ndarray of Axes
        As `matplotlib.pyplot.subplots` returns it.
    """
    mpl.rcParams.update(STYLE)
    fig = Figure(figsize=size)
    return fig, fig.subplots(*args, **kwargs)


def show(fig: Figure, alt: str) -> None:
    """Display a figure: SVG on a page, PDF in print, words where there is neither.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        The figure, from `subplots`.
    alt : str
        What a reader who cannot see the picture should know: the message and its numbers.

    Raises
    ------
    TypeError
        If `fig` is not a figure.
    ValueError
        If `alt` is empty.
    """
    display({"text/html": svg(fig, alt), **_printed(fig, alt)}, raw=True)


def frames(
    draw: Callable[[Any], Figure],
    values: Iterable[Any],
    *,
    label: str,
    alt: Callable[[Any], str],
    stills: Sequence[Any] = (),
) -> None:
    """Display a slider over precomputed pictures, which needs neither a kernel nor a network.

    In print, and where a browser runs no scripts, some of them stand one above the other.

    Parameters
    ----------
    draw : callable
        ``draw(value)`` returns the figure of one value, from `subplots`. Give all of them the same axis limits.
    values : iterable
        What the slider steps through, at most `MAX_FRAMES`; each is shown beside the slider as ``str(value)``.
    label : str
        What the slider sets, with its unit: ``"stride (bytes)"``.
    alt : callable
        ``alt(value)`` returns the text alternative of that picture.
    stills : sequence, optional
        What stands in print, at most `MAX_STILLS` of `values`; the slider begins with the first of them. By
        default the first, the middle and the last of `values`.

    Raises
    ------
    TypeError
        If `draw` or `alt` is not callable, or `draw` does not return a figure.
    ValueError
        If there are no values or too many, `stills` are too many or none of them, `label` is empty, or `alt`
        returns no words.
    """
    values = list(values)
    if not 2 <= len(values) <= MAX_FRAMES:
        raise ValueError(
            f"values: {len(values)} given, a slider takes 2 to {MAX_FRAMES}: thin them out, or use show"
        )
    if not callable(draw) or not callable(alt):
        raise TypeError("draw and alt: give functions of one value, e.g. alt=lambda n: f'{n} misses'")
    _require_words("label", label, "name what the slider sets, with its unit")
    if unknown := [still for still in stills if still not in values]:
        raise ValueError(f"stills: {unknown[0]!r} is none of the values; choose some of {values}")
    if len(stills) > MAX_STILLS:
        raise ValueError(f"stills: {len(stills)} given, a page takes {MAX_STILLS}")
    chosen = sorted(map(values.index, stills)) or sorted({0, len(values) // 2, len(values) - 1})
    first = values.index(stills[0]) if stills else 0

    figures = [draw(value) for value in values]
    for fig in figures:
        if not isinstance(fig, Figure):
            raise TypeError(f"draw: it returned {type(fig).__name__}; end it with the figure, `return fig`")
    texts = [alt(value) for value in values]
    pictures = [ipywidgets.HTML(svg(fig, text)) for fig, text in zip(figures, texts, strict=True)]
    stack = ipywidgets.Stack(pictures, selected_index=first)
    slider = ipywidgets.SelectionSlider(
        options=[str(value) for value in values],
        index=first,
        description=label,
        style={"description_width": "initial"},
        layout={"width": "auto"},
    )
    # A link in the browser: it works on a page that no kernel stands behind.
    ipywidgets.jslink((slider, "index"), (stack, "selected_index"))
    box = ipywidgets.VBox([slider, stack])
    names = [f"{label.rstrip(':')}: {values[i]}" for i in chosen]
    printed = {
        "application/pdf": _in_base64(_panels([figures[i] for i in chosen], names)),
        "text/plain": "\n".join(f"{name}. {texts[i]}" for name, i in zip(names, chosen, strict=True)),
    }
    display({**box._repr_mimebundle_(), **printed}, raw=True)
    # A page without scripts has no slider; in print it has the panels already.
    shown = "".join(
        f"<p>{escape(name)}</p>{svg(figures[i], texts[i])}" for name, i in zip(names, chosen, strict=True)
    )
    display(
        {"text/html": f"<noscript>{''.join(shown)}</noscript>", "text/markdown": "<!-- the panels are above -->"},
        raw=True,
    )


def svg(fig: Figure, alt: str) -> str:
    """Return a figure as an SVG element to put into a page.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        The figure.
    alt : str
        Its text alternative.

    Returns
    -------
    str
        The element, the same for the same figure and text. What is black takes the color of the text around it,
        the background is transparent, it shrinks to the width of the column, and its ids are no other picture's.
    """
    if not isinstance(fig, Figure):
        raise TypeError(f"fig: {type(fig).__name__} given; pass the figure that figures.subplots() returned")
    _require_words("alt", alt, "say what the picture shows, with its numbers")
    text = _saved(fig, "svg", {"Date": None}).decode()
    text = text[text.index("<svg") :].replace("#000000", "currentColor")
    # A <style> inside an SVG holds for the whole page; what Matplotlib's one says is inherited just as well.
    text = re.sub(r"\s*<(metadata|defs)>\s*(<rdf|<style).*?</\1>", "", text, flags=re.DOTALL)
    prefix = "f" + sha256((alt + text).encode()).hexdigest()[:8] + "-"
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}", text)
    # Matplotlib leaves a fill out where it is black.
    style = "fill: currentColor; stroke-linejoin: round; stroke-linecap: butt; max-width: 100%; height: auto"
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" style="{style}" ', 1)


def _require_words(argument: str, text: Any, advice: str) -> None:
    """Raise a ValueError unless `text` is a string with something in it."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{argument}: {text!r} given; {advice}")


def _printed(fig: Figure, alt: str) -> dict[str, str]:
    """Return the part of a MIME bundle for print and for plain text."""
    return {"application/pdf": _in_base64(_pdf(fig)), "text/plain": alt}


def _panels(figures: Sequence[Figure], names: Sequence[str]) -> bytes:
    """Return a PDF of one page with figures one above the other, each below its name and `PANEL` of its size."""
    pages = []
    for fig, name in zip(figures, names, strict=True):
        # Only print names a picture: beside a slider stands its value.
        title = fig.suptitle(name, fontsize="medium", fontweight="bold")
        pages.append(pypdf.PdfReader(io.BytesIO(_pdf(fig))).pages[0])
        title.remove()
    sizes = [(float(page.mediabox.width) * PANEL, float(page.mediabox.height) * PANEL) for page in pages]
    writer = pypdf.PdfWriter()
    whole = writer.add_blank_page(max(width for width, _ in sizes), sum(height for _, height in sizes))
    top = float(whole.mediabox.height)
    for page, (_, height) in zip(pages, sizes, strict=True):
        top -= height
        whole.merge_transformed_page(page, pypdf.Transformation().scale(PANEL).translate(0, top))
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def _pdf(fig: Figure) -> bytes:
    return _saved(fig, "pdf", {"CreationDate": None})


def _in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _saved(fig: Figure, format: str, metadata: dict[str, None]) -> bytes:
    """Return a figure's file: the same bytes each time."""
    file = io.BytesIO()
    with mpl.rc_context(STYLE):
        fig.savefig(file, format=format, metadata=metadata)
    return file.getvalue()
