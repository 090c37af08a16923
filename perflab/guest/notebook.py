"""A notebook's shell without a kernel around it: nobody types, and what is displayed is collected."""

import builtins
import getpass
import os
from typing import Any

from ipykernel import zmqshell
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type

INLINE = "module://matplotlib_inline.backend_inline"
ALONE = "Nobody types here while a notebook is graded: input() gets no answer."


class ZMQInteractiveShell(zmqshell.ZMQInteractiveShell):
    """The shell of notebooks, with its magics and under its name, which some libraries look for."""

    # Those of a kernel send what they get.
    displayhook_class = Type(DisplayHook)
    display_pub_class = Type(DisplayPublisher)
    _showtraceback = InteractiveShell._showtraceback

    def enable_gui(self, gui: Any = None) -> None:
        """Do nothing: there is no loop for windows, as there are no windows."""

    def enable_matplotlib(self, gui: str | None = None) -> tuple[str | None, str]:
        """Let figures be pictures in the notebook, whatever was asked for."""
        return super().enable_matplotlib("inline")

    def ask_exit(self) -> None:
        """Go on: the cells that follow are graded all the same."""

    def init_environment(self) -> None:
        """Let programs page through nothing; they shall not color what they write."""
        os.environ["PAGER"] = os.environ["GIT_PAGER"] = "cat"


def start() -> ZMQInteractiveShell:
    """Start the shell of this process."""
    os.environ.setdefault("MPLBACKEND", INLINE)
    builtins.input = getpass.getpass = _refuse
    shell = ZMQInteractiveShell.instance(colors="nocolor")
    shell.register_magic_function(lambda line: None, magic_name="subshell")
    shell.extension_manager.load_extension("storemagic")
    return shell


def _refuse(*_: object, **__: object) -> str:
    raise StdinNotImplementedError(ALONE)
