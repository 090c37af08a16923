"""What tests of several folders share: one browser, and a process that stays as urgent as it was."""

import os

import pytest
from playwright.sync_api import sync_playwright
from programs import CHROMIUM, CHROMIUM_FLAGS, require


@pytest.fixture(scope="session")
def browser():
    """Start Chromium without a network."""
    require([CHROMIUM], "chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True)
def _urgent(monkeypatch):
    """Let no command that runs in this process put all later tests behind whatever else the machine does."""
    monkeypatch.setattr(os, "setpriority", lambda *_: None)
