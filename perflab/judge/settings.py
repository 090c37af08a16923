"""How an exam is held: which sandbox, and what it may use."""

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from perflab.judge import bubblewrap, podman, unsafe
from perflab.judge.limits import Limits
from perflab.judge.sandbox import NoSandboxError, Start

LASTING = 30 * 86_400  # CPU seconds: an rlimit wants a number
SANDBOXES = {"bubblewrap": bubblewrap, "podman": podman, "none": unsafe}


@dataclass(frozen=True)
class Settings:
    """What has to be the same for two verdicts to be comparable.

    Attributes
    ----------
    sandbox : {"bubblewrap", "podman", "none"}
        "none" runs student code as you: for code that you trust as your own.
    limits : Limits
    """

    sandbox: str = "bubblewrap"
    limits: Limits = field(default_factory=Limits)

    def starter(self, lasting: bool = False) -> Start:
        """Return what starts sandboxes.

        Parameters
        ----------
        lasting : bool
            For the course's own code, which serves many exams: no end to their time.

        Raises
        ------
        NoSandboxError
            If this machine has none of this kind; the text says how to get one.
        """
        kind = SANDBOXES[self.sandbox]
        if why := kind.missing():
            raise NoSandboxError(
                f"No sandbox, so nothing was graded: {why}. Code that you trust as your own can be graded without "
                "one: perflab grade --unsafe-no-sandbox."
            )
        limits = replace(self.limits, wall=math.inf, cpu=LASTING) if lasting else self.limits
        return partial(kind.start, limits)

    def kin(self, forbids: tuple[str, ...], more: bool = False) -> AbstractContextManager[Start]:
        """Return a context that yields what starts the sandboxes of one submission, most of which lack `forbids`.

        Parameters
        ----------
        forbids : tuple of str
            Modules of perflab.
        more : bool
            Whether another submission follows.

        Raises
        ------
        NoSandboxError
            See `starter`.
        """
        start = self.starter()
        return bubblewrap.kin(self.limits, forbids, more) if self.sandbox == "bubblewrap" else nullcontext(start)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON would hold it."""
        return asdict(self)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> "Settings":
        """Return what `to_dict` gave."""
        return Settings(data["sandbox"], Limits(**data["limits"]))
