"""The part of this library that student code may see, as a copy for sandboxes."""

import atexit
import compileall
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

import perflab

GUEST = "/opt/perflab"  # where a sandbox finds it
FONTS = "matplotlib"  # what a sandbox copies to its home; see perflab.guest.shells
KEPT_OUT = ("judge", "course", "lms", "sphinxext", "cli")  # nothing there is for student code


@cache
def library(forbids: tuple[str, ...]) -> Path:
    """Return a folder with a copy of perflab that lacks what grades, and the modules `forbids`."""
    package = Path(perflab.__file__).parent
    hidden = {package / name for name in KEPT_OUT}
    for module in forbids:
        path = package.parent.joinpath(*module.split("."))
        hidden |= {path, path.with_suffix(".py")}
    folder = Path(tempfile.mkdtemp(prefix="perflab-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
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


def boot(where: str, fds: tuple[int, ...], shell: str) -> list[str]:
    """Return the command that starts a sandbox's worker with the library at `where`."""
    program = (
        # A collection of garbage among what is imported finds none.
        f"import gc, sys; gc.disable(); sys.path[:0] = [{where!r}]; sys.dont_write_bytecode = True; "
        "from perflab.guest.worker import main; main(*map(int, sys.argv[1:4]), sys.argv[4])"
    )
    return [sys.executable, "-I", "-c", program, *map(str, fds), shell]
