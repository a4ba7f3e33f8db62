"""JupyterLab in a headless Chromium."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

from browsing import wait

_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # Cells that are not in view would not be in the page.
    "notebook-extension/tracker": {"windowingMode": "none"},
}
_ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+/)lab\?token=(\w+)")


@contextlib.contextmanager
def jupyterlab(folder, environment):
    """JupyterLab on a folder: gives its address and its token."""
    settings = folder / ".settings"
    for name, values in _SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), "utf-8")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", "--ServerApp.port=0", "--LabApp.expose_app_in_browser=True"]
    server = subprocess.Popen(
        [*command, f"--ServerApp.root_dir={folder}"],
        env={**environment, "JUPYTERLAB_SETTINGS_DIR": str(settings)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = []
        for line in server.stderr:
            lines.append(line)
            if match := _ADDRESS.search(line):
                break
        else:
            raise AssertionError("".join(lines))
        reader = threading.Thread(target=server.stderr.read, daemon=True)
        reader.start()
        yield match[1], match[2]
    finally:
        server.terminate()
        server.wait(20)
        reader.join()
        server.stderr.close()


class Page:
    """A notebook in the browser."""

    def __init__(self, driver, address, token, name):
        self.driver = driver
        driver.get(f"{address}lab/tree/{name}?reset&token={token}")
        self.wait("return Boolean(window.jupyterapp?.shell.currentWidget?.context?.isReady)")
        self.js("return window.jupyterapp.shell.currentWidget.sessionContext.ready")
        self.command("application:toggle-left-area")

    def js(self, script, *arguments):
        """Run a script; a promise is waited for."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script):
        """Until a script returns something true."""
        return wait(self.driver, script)

    def command(self, name, **arguments):
        """One of JupyterLab's commands."""
        self.js(
            "return window.jupyterapp.commands.execute(arguments[0], arguments[1])", name, arguments
        )

    def run_all(self):
        """Run the cells, to the end or to the first that fails, and wait until that is drawn."""
        self.command("notebook:run-all-cells")
        self.wait(
            "return ![...document.querySelectorAll('.jp-InputPrompt')].some("
            "row => row.textContent.includes('*'))"
        )

    def theme(self, name):
        """Change JupyterLab's colours."""
        self.command("apputils:change-theme", theme=name)
        light = "true" if "Light" in name else "false"
        self.wait(f"return document.body.dataset.jpThemeLight === '{light}'")

    def screenshot(self, path: Path):
        """What is on the screen."""
        self.driver.save_screenshot(str(path))
