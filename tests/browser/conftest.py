"""One JupyterLab and one Chromium for all browser tests; a page each."""

from __future__ import annotations

import pytest

from tests.browser.jupyter import CHROMIUM, FLAGS, Jupyter, Notebook


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory):
    server = Jupyter(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def browser():
    """Not for the session: while Playwright lives, its loop runs in this thread and no other test could have one."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium here (install the package chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def notebook(browser, jupyter, request):
    """A page with a notebook, in JupyterLab or, by its parameter, in Notebook 7.

    Errors of the page fail the test, kernels end with it.
    """
    context = browser.new_context(viewport={"width": 1180, "height": 940}, device_scale_factor=2, color_scheme="light")
    page = context.new_page()
    problems = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    yield Notebook(page, jupyter, getattr(request, "param", "lab/tree"))
    context.close()
    jupyter.end_kernels()
    jupyter.forget_theme()
    assert not [problem for problem in problems if "nbflow" in problem.lower()], problems
