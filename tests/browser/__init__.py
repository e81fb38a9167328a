"""What a real browser makes of markup and of pages: Chromium, on this machine alone."""

from tests.browser.chromium import CHROMIUM, Run, open_page, which_run

__all__ = ["CHROMIUM", "Run", "open_page", "which_run"]
