"""Plots: one look, described, the same each time."""

import base64
import io
import re
from xml.etree import ElementTree

import pypdf
import pytest
from ipywidgets.widgets.widget import _instances
from ipywidgets.widgets.widget_link import Link

from perflab import figures

THEMES = {"white": "#ffffff", "the dark theme": "#121212"}


def draw(value):
    fig, ax = figures.subplots()
    ax.plot([0, value], label="a line")
    ax.text(0, 0, "black")
    ax.legend()
    return fig


@pytest.fixture
def shown(monkeypatch):
    """Collect the MIME bundles that are displayed."""
    bundles = []
    monkeypatch.setattr(figures, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def luminance(color):
    """Relative luminance of a color, by WCAG 2."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("background", THEMES.values(), ids=THEMES.keys())
@pytest.mark.parametrize("name", figures.COLORS)
def test_color_stands_out(name, background):
    darker, lighter = sorted([luminance(figures.COLORS[name]), luminance(background)])
    assert (lighter + 0.05) / (darker + 0.05) >= 3


def test_svg_is_described_and_takes_the_color_of_the_text():
    root = ElementTree.fromstring(figures.svg(draw(1), 'a "line" < 2'))
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'a "line" < 2'
    assert "fill: currentColor" in root.get("style")
    text = ElementTree.tostring(root, encoding="unicode")
    assert "stroke: currentColor" in text
    assert "#000000" not in text
    assert "#ffffff" not in text  # a white panel would stay white on a dark page
    assert "<style" not in text  # it would hold for the whole page


def test_svg_is_the_same_each_time():
    assert figures.svg(draw(1), "a line") == figures.svg(draw(1), "a line")


def test_svg_ids_are_no_other_picture_s():
    one, two = figures.svg(draw(1), "a line"), figures.svg(draw(2), "a line")
    ids_one, ids_two = (set(re.findall(r'\bid="([^"]*)"', text)) for text in (one, two))
    assert ids_one
    assert ids_one.isdisjoint(ids_two)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', one)) <= ids_one


def test_show_gives_a_page_and_a_print(shown):
    figures.show(draw(1), "a line")
    (bundle,) = shown
    assert bundle["text/plain"] == "a line"
    assert bundle["text/html"].startswith("<svg")
    assert base64.b64decode(bundle["application/pdf"]).startswith(b"%PDF")


def test_frames_links_a_slider_to_pictures(shown):
    figures.frames(draw, [1, 2, 4], label="stride", alt=lambda value: f"stride {value}", stills=(4,))
    bundle, without_scripts = shown
    assert bundle["text/plain"] == "stride: 4. stride 4"
    assert without_scripts["text/html"].count("<svg") == 1
    box = _instances[bundle["application/vnd.jupyter.widget-view+json"]["model_id"]]
    slider, stack = box.children
    assert slider.options == ("1", "2", "4")
    assert slider.index == stack.selected_index == 2
    for value, picture in zip((1, 2, 4), stack.children, strict=True):
        assert f'aria-label="stride {value}"' in picture.value
    links = [widget for widget in _instances.values() if isinstance(widget, Link)]
    assert any(link.source == (slider, "index") and link.target == (stack, "selected_index") for link in links)


@pytest.mark.parametrize(
    ("stills", "printed", "first"),
    [((), ["1", "3", "5"], 0), ((5, 2), ["2", "5"], 4), ((2, 1, 3, 5), ["1", "2", "3", "5"], 1)],
)
def test_stills_stand_one_above_the_other(shown, stills, printed, first):
    figures.show(draw(1), "a line")
    figures.frames(draw, [1, 2, 3, 4, 5], label="stride:", alt=describe, stills=stills)
    alone, bundle, without_scripts = shown
    assert bundle["text/plain"].splitlines() == [f"stride: {value}. stride {value}" for value in printed]
    slider, _ = _instances[bundle["application/vnd.jupyter.widget-view+json"]["model_id"]].children
    assert slider.index == first
    one, page = (
        pypdf.PdfReader(io.BytesIO(base64.b64decode(b["application/pdf"]))).pages[0] for b in (alone, bundle)
    )
    one = one.mediabox
    assert float(page.mediabox.width) == pytest.approx(figures.PANEL * float(one.width))
    assert float(page.mediabox.height) == pytest.approx(len(printed) * figures.PANEL * float(one.height))
    assert re.findall(r"stride: \d", page.extract_text()) == [f"stride: {value}" for value in printed]
    html = without_scripts["text/html"]
    assert html.startswith("<noscript>")
    assert re.findall(r'aria-label="stride (\d)"', html) == printed


def describe(value):
    return f"stride {value}"


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, "alt: ''", lambda: figures.show(draw(1), "")),
        (ValueError, "alt: None", lambda: figures.show(draw(1), None)),
        (TypeError, "fig: int given", lambda: figures.show(1, "a line")),
        (ValueError, "values: 0 given", lambda: figures.frames(draw, [], label="x", alt=describe)),
        (ValueError, "values: 1 given", lambda: figures.frames(draw, [1], label="x", alt=describe)),
        (ValueError, "values: 17 given", lambda: figures.frames(draw, range(17), label="x", alt=describe)),
        (ValueError, "label: ' '", lambda: figures.frames(draw, [1, 2], label=" ", alt=describe)),
        (ValueError, "stills: 3", lambda: figures.frames(draw, [1, 2], label="x", alt=describe, stills=(1, 3))),
        (
            ValueError,
            "stills: 5 given",
            lambda: figures.frames(draw, range(9), label="x", alt=describe, stills=range(5)),
        ),
        (ValueError, "alt: ''", lambda: figures.frames(draw, [1, 2], label="x", alt=lambda value: "")),
        (TypeError, "alt", lambda: figures.frames(draw, [1, 2], label="x", alt="a line")),
        (TypeError, "draw: it returned NoneType", lambda: figures.frames(print, [1, 2], label="x", alt=describe)),
    ],
)
def test_bad_input_is_named(shown, error, message, call):
    with pytest.raises(error, match=message):
        call()
    assert shown == []
