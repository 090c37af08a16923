"""Verdicts on disk, by the content that they are about: the same submission is never examined twice."""

import hashlib
import json
import os
import platform
import tempfile
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path

import nbformat

from perflab import machine
from perflab.course.fingerprint import code_key
from perflab.judge.examine import DAMAGED, read
from perflab.judge.script import steps
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict


def key(trusted: str, submitted: str, settings: Settings) -> str:
    """Return the name of a verdict: of the tests, the code, the library, the limits and this machine.

    Names, dates and metadata of a submission do not enter, nor does text that is not code.
    """
    try:
        answers = read(submitted)
        if DAMAGED in answers.metadata:
            raise ValueError("no notebook")
        code = json.dumps([asdict(step) for step in steps(nbformat.reads(trusted, as_version=4), answers)])
    except Exception:  # of any kind: nobody is to be graded less for what somebody else has handed in
        code = submitted
    return hashlib.sha256("\0".join([trusted, code, repr(settings), _here()]).encode()).hexdigest()


@cache
def _here() -> str:
    """Name the library and the machine."""
    return f"{code_key()}\0{machine.describe()!r}\0{platform.node()}"


class Store:
    """A folder of verdicts.

    Parameters
    ----------
    folder : Path
        Made when the first verdict is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> Verdict | None:
        """Return the verdict of that name, or None."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            return Verdict.from_json((self._folder / f"{name}.json").read_text())
        return None

    def put(self, name: str, verdict: Verdict) -> None:
        """Keep a verdict, all of it or nothing; one that has to be tried again is not kept."""
        if not verdict.final:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._folder, suffix=".part", delete=False) as file:
            file.write(verdict.to_json())
        os.replace(file.name, self._folder / f"{name}.json")
