"""How a sandbox runs cells: a student's through IPython's own shell, the course's as plain Python."""

import base64
import shutil
import tempfile
from pathlib import Path
from typing import Any

import perflab

MOST_TEXT = 20_000  # characters of one output
MOST_IMAGE = 2 << 20  # bytes of one picture
MOST_OUTPUTS = 50  # of one cell
SHOWN = ("text/plain", "image/png")  # nothing that a browser would execute


class Notebook:
    """Cells run as in a kernel: magics, history, ``inspect.getsource`` and Numba's cache work.

    Attributes
    ----------
    names : dict
        What the cells have defined.
    """

    def __init__(self) -> None:
        from perflab.guest import notebook

        fonts = Path(perflab.__file__).parents[1] / "matplotlib"
        if fonts.is_dir():
            shutil.copytree(fonts, Path.home() / ".cache" / "matplotlib", dirs_exist_ok=True)
        self._shell = notebook.start()
        _put_off_scipy()

    @property
    def names(self) -> dict[str, Any]:
        """What the cells have defined."""
        return self._shell.user_ns

    def run(self, source: str) -> dict[str, Any]:
        """Run a cell; return the error, if any, and the outputs to look at."""
        from IPython.utils.capture import capture_output

        with capture_output() as captured:
            result = self._shell.run_cell(source, store_history=True)
        outputs = [
            {"name": name, "text": text[:MOST_TEXT]}
            for name, text in (("stdout", captured.stdout), ("stderr", captured.stderr))
            if text
        ]
        outputs += [{"data": shown} for rich in captured.outputs[:MOST_OUTPUTS] if (shown := _shown(rich.data))]
        error = result.error_before_exec or result.error_in_exec
        reply = {"ok": True} if error is None else {"error": f"{type(error).__name__}: {error}"[:2000]}
        return {**reply, "outputs": outputs}


class Plain:
    """Cells run as plain Python; for code of the course, and for definitions that a clean room admitted."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self._cells = 0

    def run(self, source: str) -> dict[str, Any]:
        """Run a cell; return the error, if any."""
        # A file, since Numba's cache and tracebacks look for one.
        self._cells += 1
        prefix = f"cell_{self._cells}_"
        # Of a new name: without a sandbox somebody else may have files of the same.
        with tempfile.NamedTemporaryFile("w", prefix=prefix, suffix=".py", delete=False) as file:
            file.write(source)
        try:
            exec(compile(source, file.name, "exec"), self.names)
        except (Exception, SystemExit) as error:
            return {"error": f"{type(error).__name__}: {error}"[:2000]}
        return {"ok": True}


def warm() -> None:
    """Import what notebooks need, before a fork becomes one."""
    import IPython.utils.capture  # noqa: F401

    import perflab.guest.notebook  # noqa: F401

    _put_off_scipy()


def _put_off_scipy() -> None:
    """Let Numba take for granted that SciPy is there; whoever calls linear algebra imports it then.

    Numba imports it with the first compilation, to see whether it could: a third of that compilation's time.
    """
    from numba.np import linalg

    ensure = linalg.ensure_blas
    linalg.ensure_blas = lambda: None
    try:
        from numba.np import arraymath
    finally:
        linalg.ensure_blas = ensure
    arraymath.ensure_blas = ensure


def _shown(data: dict[str, Any]) -> dict[str, str]:
    shown = {}
    for kind in SHOWN:
        value = data.get(kind)
        if isinstance(value, bytes):
            value = base64.b64encode(value).decode()
        if isinstance(value, str) and value:
            shown[kind] = value[:MOST_TEXT] if kind == "text/plain" else value
    if len(shown.get("image/png", "")) > MOST_IMAGE:
        del shown["image/png"]
    return shown
