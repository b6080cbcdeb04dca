"""A real JupyterLab (or Notebook 7) and a real Chromium, with folders of their own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
EXTENSION = Path(__file__).parents[2] / "src" / "nbflow" / "notebook" / "labextension"
READY = """() => {
    const widget = window.jupyterapp?.shell.currentWidget;
    return !!widget?.sessionContext?.isReady && !!document.querySelector(".jp-Notebook .jp-Cell");
}"""


in_both = pytest.mark.parametrize("notebook", ["lab/tree", "notebooks"], ids=["Lab", "Notebook 7"], indirect=True)


class Jupyter:
    """A server in a folder. `write` makes notebooks, `read` looks at what was saved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        own = folder / ".own"
        self._settings = own / "settings" / "@jupyterlab" / "apputils-extension"
        self._settings.mkdir(parents=True)
        quiet = '{"fetchNews": "false", "checkForUpdates": false}'
        (self._settings / "notification.jupyterlab-settings").write_text(quiet)
        places = {
            "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython",
            "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTER_PATH": "first", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }  # fmt: skip
        ours = own / "first" / "labextensions"
        ours.mkdir(parents=True)
        (ours / "nbflow").symlink_to(EXTENSION)  # that of the sources, whatever was installed
        environment = {**os.environ, **{name: str(own / place) for name, place in places.items()}}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._log = (own / "server.log").open("w")
        self._server = subprocess.Popen(
            [
                sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={self.port}", "--ip=127.0.0.1",
                "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={folder}",
                "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
            ],
            env=environment, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _wait(self) -> None:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/api", timeout=1).close()
                return
            except OSError:
                with suppress(subprocess.TimeoutExpired):
                    self._server.wait(0.2)
                assert self._server.poll() is None, "the server did not start"

    def write(self, name: str, *cells: str) -> str:
        book = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(book, self.folder / name)
        return name

    def read(self, name: str) -> Any:
        return nbformat.read(self.folder / name, as_version=4)

    def call(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def end_kernels(self) -> None:
        for session in self.call("sessions"):
            self.call(f"sessions/{session['id']}", "DELETE")

    def forget_theme(self) -> None:
        """The next page is light again, as every first one is."""
        (self._settings / "themes.jupyterlab-settings").unlink(missing_ok=True)

    def close(self) -> None:
        self._server.terminate()
        self._server.wait(20)
        self._log.close()


class Notebook:
    """One notebook open in the browser, in an app: ``lab/tree`` for JupyterLab, ``notebooks`` for Notebook 7."""

    def __init__(self, page: Any, jupyter: Jupyter, app: str = "lab/tree") -> None:
        self.page, self.jupyter, self.app = page, jupyter, app

    def open(self, name: str, *, app: str | None = None) -> Notebook:
        app = app or self.app
        self.page.goto(f"{self.jupyter.url}/{app}/{name}" + ("?reset" if app.startswith("lab") else ""))
        self.page.wait_for_function(READY, timeout=45_000)
        return self

    def command(self, name: str) -> None:
        """Give a command and do not wait for its end."""
        self.page.evaluate("name => { window.jupyterapp.commands.execute(name); }", name)

    def save(self) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def tidy(self) -> None:
        """Show the notebook alone, as on a picture."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")

    def dark(self) -> None:
        command = "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
        self.page.evaluate(command)
        self.page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")

    def phase(self, label: str) -> str:
        """The phase of a node by its class."""
        return str(self.page.evaluate(
            """label => {
                for (const group of document.querySelectorAll('.nbflow .nbf-node')) {
                    const name = group.querySelector('.name, .head');
                    if (name?.firstChild?.textContent === label) return [...group.classList].find(n => n.startsWith('p-'))?.slice(2);
                }
                return '';
            }""",
            label,
        ))  # fmt: skip

    def node(self, label: str) -> Any:
        return self.page.locator(f'.nbflow .nbf-node[aria-label^="{label} · "]').first

    def wait_phase(self, label: str, *phases: str, timeout: float = 20_000) -> None:
        self.page.wait_for_function(
            """([label, phases]) => [...document.querySelectorAll('.nbflow .nbf-node')].some(group =>
                group.querySelector('.name, .head')?.firstChild?.textContent === label
                && phases.some(phase => group.classList.contains('p-' + phase)))""",
            arg=[label, list(phases)], timeout=timeout,
        )  # fmt: skip

    def press(self, command: str) -> None:
        """Click a control by its command."""
        self.page.click(f'.nbflow button[data-cmd="{command}"]:not([disabled])', timeout=10_000)

    def shot(self, path: Path, selector: str | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if selector is None:
            self.page.screenshot(path=str(path))
        else:
            self.page.locator(selector).last.screenshot(path=str(path))
