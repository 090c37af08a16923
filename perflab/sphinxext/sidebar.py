"""Names for the expanders of the sidebar, which the theme leaves without one.

Each is a stop of the Tab key; without a name a screen reader says no more than "triangle".
"""

from collections.abc import Callable
from typing import Any

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx

AFTER_THE_THEME = 900  # whose handler of the same event, at 500, makes the function


def setup(app: Sphinx) -> None:
    """Name the expanders of each page."""
    app.connect("html-page-context", name_expanders, priority=AFTER_THE_THEME)


def name_expanders(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Wrap the function by which a template gets the sidebar's list."""
    if (generate := context.get("generate_toctree_html")) is not None:
        context["generate_toctree_html"] = _named(generate)


def _named(generate: Callable[..., Any]) -> Callable[..., Any]:
    def generate_toctree_html(*args: Any, **kwargs: Any) -> Any:
        made = generate(*args, **kwargs)
        soup = made if isinstance(made, BeautifulSoup) else BeautifulSoup(made, "html.parser")
        for summary in soup.select("details > summary"):
            link = summary.parent.find_previous_sibling("a")
            summary["aria-label"] = f"Pages below {link.get_text(strip=True)}" if link else "Pages below"
        return soup if isinstance(made, BeautifulSoup) else str(soup)

    return generate_toctree_html
