"""The status page in a headless Chromium."""

from __future__ import annotations

import contextlib

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60
"""Seconds, on a busy machine."""

_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-sync")


class Browser:
    """A browser with one page."""

    def __init__(self, driver):
        self.driver = driver

    def look(self, url, *, width=1200, height=2000, scheme="light"):
        """Load a page at a width, in light or in dark."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        scheme = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.driver.get(url)

    def leave(self):
        """Go away, so that no server waits for the page; what the browser complained of is forgotten."""
        self.driver.get("about:blank")
        self.complaints()

    def js(self, script, *arguments):
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script):
        """Wait until a script returns something true, and give that."""
        return WebDriverWait(self.driver, PATIENCE).until(
            lambda driver: driver.execute_script(script)
        )

    def complaints(self):
        """What the browser has written to its console since this was asked last."""
        return [row["message"] for row in self.driver.get_log("browser")]


@contextlib.contextmanager
def browser(profile):
    """A browser with an empty profile."""
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
