"""Whether markup runs a script in a real browser: Chromium, on this machine alone."""

from tests.browser.chromium import CHROMIUM, Run, which_run

__all__ = ["CHROMIUM", "Run", "which_run"]
