"""The part of this library that student code may see, as a copy for sandboxes."""

import compileall
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import platformdirs

import perflab
from perflab.course.fingerprint import code_key

GUEST = "/opt/perflab"  # where a sandbox finds it, if it need not lie where it lies here
WORKER = "perflab.guest.worker"  # what serves the judge in a sandbox
FONTS = "matplotlib"  # what a sandbox copies to its home; see perflab.guest.shells
KEPT_OUT = ("judge", "course", "lms", "sphinxext", "cli")  # nothing there is for student code
UNUSED = 30 * 86_400  # seconds until a copy of some other version goes


@cache
def library(forbids: tuple[str, ...]) -> Path:
    """Return a folder with a copy of perflab that lacks what grades, and the modules `forbids`.

    It is made once for each version of perflab and kept in the user's cache.
    """
    about = repr((sorted(forbids), sys.version, version("matplotlib")))
    shelf = _shelf()
    folder = shelf / f"library-{code_key(about.encode())}"
    if not folder.is_dir():
        made = _copy(shelf, forbids)
        try:
            made.rename(folder)
        except OSError:  # somebody else was faster
            shutil.rmtree(made)
        _remove_unused(shelf)
    os.utime(folder)
    return folder


@cache
def _shelf() -> Path:
    """Return the folder that keeps copies; where the user has none of his own, one that is new."""
    with suppress(OSError):
        shelf = platformdirs.user_cache_path("perflab", ensure_exists=True)
        if os.access(shelf, os.W_OK):
            return shelf.resolve()
    return Path(tempfile.mkdtemp(prefix="perflab-")).resolve()


def _copy(shelf: Path, forbids: tuple[str, ...]) -> Path:
    package = Path(perflab.__file__).parent
    hidden = {package / name for name in KEPT_OUT}
    for module in forbids:
        path = package.parent.joinpath(*module.split("."))
        hidden |= {path, path.with_suffix(".py")}
    folder = Path(tempfile.mkdtemp(prefix="library-", dir=shelf))
    folder.chmod(0o755)

    def ignored(where: str, names: list[str]) -> list[str]:
        return [name for name in names if name == "__pycache__" or Path(where, name) in hidden]

    shutil.copytree(package, folder / "perflab", ignore=ignored)
    _copy_fonts(folder / FONTS)
    compileall.compile_dir(folder, quiet=2)  # nobody can write there later
    return folder


def _copy_fonts(folder: Path) -> None:
    """Copy Matplotlib's list of fonts, which takes it a second to make."""
    from matplotlib import font_manager, get_cachedir  # the import makes the list, once for each user

    folder.mkdir()
    for path in Path(get_cachedir()).glob(f"fontlist-v{font_manager.FontManager.__version__}.json"):
        shutil.copy(path, folder)


def _remove_unused(shelf: Path) -> None:
    for folder in shelf.glob("library-*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > UNUSED:
                shutil.rmtree(folder)


def boot(where: str, main: str, *arguments: object) -> list[str]:
    """Return the command that starts a Python with the library at `where` and calls a function of it.

    Parameters
    ----------
    where : str
    main : str
        The module that has the function ``main``.
    *arguments
        Texts for it.
    """
    program = (
        # A collection of garbage among what is imported finds none.
        f"import gc, sys; gc.disable(); sys.path[:0] = [{where!r}]; sys.dont_write_bytecode = True; "
        f"from {main} import main; main(*sys.argv[1:])"
    )
    return [sys.executable, "-I", "-c", program, *map(str, arguments)]
