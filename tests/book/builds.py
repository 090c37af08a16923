"""How the tests of this folder build books, and what they need for it."""

import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def run_jupyter_book(root, *options):
    """Build the book at `root` as the Makefile does; return the process with all that it printed."""
    program = Path(sys.executable).with_name("jupyter-book")
    command = [program, "build", root, "-n", "-W", "--keep-going", *options]
    return subprocess.run(
        command, cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )


def book_pages(toc=ROOT / "_toc.yml"):
    """Return the names of the book's pages, in order: ``["book/index", ...]``."""

    def files(entry):
        names = [entry[key] for key in ("root", "file") if key in entry]
        for key in ("parts", "chapters", "sections"):
            for child in entry.get(key, []):
                names += files(child)
        return names

    return files(yaml.safe_load(toc.read_text("utf-8")))
