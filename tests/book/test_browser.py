"""What a reader's browser makes of each page, from disk and without a network."""

import pytest
from builds import book_pages
from playwright.sync_api import TimeoutError as Late
from tempo import patience

PHONE = 390  # CSS pixels
READY_MS = 1000 * patience(10)  # for scripts that draw after the page has loaded
SETTLE_MS = 200  # for a picture that may change, or not

# The pictures that stand beside a slider and can be seen.
VISIBLE_PICTURES = """handle => [...handle.closest(".widget-subarea").querySelectorAll("svg, img")]
    .filter(picture => picture.checkVisibility() && picture.getBoundingClientRect().height > 0)
    .map(picture => picture.outerHTML).join()"""
UNDESCRIBED = """() => [...document.querySelectorAll("img, svg[role=img]:not([aria-hidden=true])")]
    .filter(picture => !["alt", "aria-label", "aria-labelledby"].some(name => picture.getAttribute(name)?.trim()))
    .map(picture => picture.outerHTML.slice(0, 200))"""
RAW_FORMULAS = """() => [...document.querySelectorAll(".math")]
    .filter(formula => !formula.querySelector("mjx-container")).map(formula => formula.textContent)"""
# What comes from the run reads like the text around it, and what a cell printed is not cut off.
HEAVY = """() => [...document.querySelectorAll(".pasted-text")]
    .filter(said => getComputedStyle(said).fontWeight !== getComputedStyle(said.parentElement).fontWeight)
    .map(said => said.textContent.slice(0, 80))"""
CUT = """() => [...document.querySelectorAll(".cell_output pre")]
    .filter(output => output.scrollWidth > output.clientWidth + 1)
    .map(output => output.textContent.slice(0, 80))"""
# A widget of the page is a script of this type, beside which html-manager draws it.
WIDGETS = 'script[type="application/vnd.jupyter.widget-view+json"]'


def page_problems(browser, path):
    """Return what is wrong with a page as sentences.

    Nothing may be asked from another machine, no script may fail, each picture must be described, formulas must be
    drawn, sliders must have a name and change the picture, numbers of the run must be no heavier than their
    sentence, outputs must be seen whole, and a phone must not scroll sideways.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    problems = []

    def on_request(request):
        if not request.url.startswith(("file:", "data:")):
            problems.append(f"asks for {request.url}")

    page.on("request", on_request)
    page.on("requestfailed", lambda request: problems.append(f"cannot load {request.url}"))
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on(
        "console",
        lambda message: problems.append(f"console: {message.text}") if message.type == "error" else None,
    )
    page.goto(path.as_uri())
    problems += [f"picture without a description: {picture}" for picture in page.evaluate(UNDESCRIBED)]
    problems += [f"heavier than its sentence: {said}" for said in page.evaluate(HEAVY)]
    problems += [f"output cut off: {output}" for output in page.evaluate(CUT)]
    problems += slider_problems(page)
    problems += formula_problems(page)
    page.set_viewport_size({"width": PHONE, "height": 800})
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > PHONE:
        problems.append(f"{width} px wide on a phone of {PHONE}")
    page.close()
    return problems


def slider_problems(page):
    """Return what is wrong with the sliders of a page that is open."""
    sliders = page.get_by_role("slider")
    for _ in page.locator(WIDGETS).all():
        try:
            sliders.first.wait_for(timeout=READY_MS)
        except Late:
            return ["a widget's slider does not appear"]
    problems = []
    if sliders.count() < page.locator(WIDGETS).count():
        problems.append("fewer sliders than widgets")
    for slider in sliders.all():
        name = (slider.get_attribute("aria-label") or "").strip()
        if not name:
            problems.append("a slider has no name")
        if not (moves_picture(slider, "Home", "ArrowRight") and moves_picture(slider, "ArrowRight", "Home")):
            problems.append(f"slider {name!r} does not change the picture")
    return problems


def moves_picture(slider, first, second):
    """Tell whether the pictures after two keys differ; they are drawn a moment after the key."""
    slider.press(first)
    slider.page.wait_for_timeout(SETTLE_MS)
    before = slider.evaluate(VISIBLE_PICTURES)
    slider.press(second)
    changed = f"([handle, before]) => (now => now && now !== before)(({VISIBLE_PICTURES})(handle))"
    try:
        slider.page.wait_for_function(changed, arg=[slider.element_handle(), before], timeout=READY_MS)
    except Late:
        return False
    return before != ""


def formula_problems(page):
    """Return the formulas of an open page that remain source text."""
    try:
        page.wait_for_function(f"({RAW_FORMULAS})().length === 0", timeout=READY_MS)
    except Late:
        return [f"formula not drawn: {formula}" for formula in page.evaluate(RAW_FORMULAS)]
    return []


@pytest.mark.parametrize("name", [*book_pages(), "search", "genindex"])
def test_page(browser, html, name):
    assert page_problems(browser, html / f"{name}.html") == []


def test_book_has_sliders(html):
    """Otherwise nothing above tried one."""
    assert any("widget-view+json" in path.read_text("utf-8") for path in html.glob("book/**/*.html"))


SLIDER = """<div class="widget-subarea"><div role="slider" tabindex="0" {name}>o</div>
<svg role="img" aria-label="a bar"><rect width="9" height="9"/></svg></div>
<script>document.querySelector("[role=slider]").onkeydown = event => {{
  if ({works}) document.querySelector("rect").setAttribute("width", event.key.length) }}</script>"""
SOUND = SLIDER.format(name='aria-label="width"', works="true")
BROKEN = {
    "remote script": (
        '<script src="https://example.invalid/x.js"></script>',
        "asks for https://example.invalid/x.js",
    ),
    "missing file": ('<script src="nowhere.js"></script>', "cannot load"),
    "script error": ("<script>nowhere()</script>", "script error: nowhere is not defined"),
    "console error": ("<script>console.error('oh')</script>", "console: oh"),
    "image without alt": ('<img src="data:,">', "picture without a description: <img"),
    "svg without label": ('<svg role="img"></svg>', "picture without a description: <svg"),
    "dead slider": (SLIDER.format(name='aria-label="width"', works="false"), "slider 'width' does not change"),
    "nameless slider": (SLIDER.format(name="", works="true"), "a slider has no name"),
    "undrawn widget": ('<script type="application/vnd.jupyter.widget-view+json">{}</script>', "does not appear"),
    "raw formula": ('<span class="math">n^2</span>', "formula not drawn: n^2"),
    "bold number": (
        '<p>It is <b class="pasted-text">2.5</b> times as fast.</p>',
        "heavier than its sentence: 2.5",
    ),
    "long output": (
        f'<div class="cell_output"><pre style="overflow: auto">{"99 % sure " * 99}</pre></div>',
        "output cut off: 99 % sure",
    ),
    "wide page": ('<div style="width: 1000px">wide</div>', "1000 px wide on a phone"),
}


@pytest.fixture
def page_of(tmp_path):
    """Return a function that writes a page with the given body."""

    def write(body):
        path = tmp_path / "page.html"
        path.write_text(f'<!doctype html><meta charset="utf-8"><body style="margin: 0">{body}')
        return path

    return write


@pytest.mark.parametrize(("body", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_defect_is_reported(browser, page_of, body, problem, monkeypatch):
    monkeypatch.setitem(globals(), "READY_MS", 1000 * patience(0.3))
    assert problem in "\n".join(page_problems(browser, page_of(body)))


def test_sound_page_is_sound(browser, page_of):
    assert page_problems(browser, page_of(SOUND)) == []
