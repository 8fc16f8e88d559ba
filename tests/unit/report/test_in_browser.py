"""The page in a browser: it draws all without an error, a brush selects, and text of a person runs nothing."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_runs import make_run

from raysk.report.writing import write_report

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--window-size=1200,900")


@pytest.fixture(scope="module")
def browser():
    """Start Chromium; one start takes 2 s, so that all tests use it."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    found, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if found is None or driver is None:
        pytest.skip("Chromium and its driver are not installed: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = found
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for option in OPTIONS:
        options.add_argument(option)
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Write a page of one run, with hostile names and values, and one of two runs."""
    folder = tmp_path_factory.mktemp("runs")
    params = [{"svc__C": 10.0 ** (n % 7 - 3), "kernel": ["rbf", HOSTILE][n % 2], HOSTILE: n} for n in range(40)]
    scores = 0.5 + np.arange(120).reshape(40, 3) / 300
    said = {"metric": HOSTILE, "job": {"command": "search", "arguments": ["search", HOSTILE]}}
    rounds = np.array([0] * 30 + [1] * 10)
    table = {"iter": rounds, "n_resources": 10 * 3**rounds}
    errors = {(3, 1): f"ValueError: {HOSTILE}"}
    first = make_run(folder / "<i>first", params, scores, errors=errors, table=table, **said)
    second = make_run(folder / "second", params, scores + 0.05)
    return write_report([first]), write_report([first, second], folder / "compared.html")


def open_page(browser, eventually, path: Path):
    """Open a page, and wait until it is drawn."""
    browser.get(path.as_uri())
    eventually(lambda: state(browser) != "loading", "the page to be drawn")


def state(browser):
    """Return what the page says of itself."""
    return browser.execute_script("return document.documentElement.dataset.state")


def said(browser):
    """Return what the page says is selected."""
    return browser.execute_script("return document.getElementById('parallel-said').textContent")


def emulate(browser, scheme, width=1200):
    """Let the page believe in a colour scheme, and in a width."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.mark.parametrize("which", [0, 1], ids=["one", "compared"])
def test_figures_are_drawn_without_an_error(browser, pages, eventually, which):
    """All figures are drawn, the console is empty, nothing of a person's text ran, and a phone is wide enough."""
    emulate(browser, "light")
    open_page(browser, eventually, pages[which])
    assert state(browser) == "drawn"
    empty = "return [...document.querySelectorAll('.plot')].filter(each => !each.querySelector('svg path')).length"
    assert browser.execute_script(empty) == 0
    assert browser.execute_script("return document.querySelectorAll('.plot').length") >= 3
    assert browser.execute_script("return document.querySelectorAll('img').length") == 0
    assert "broken" not in browser.title
    emulate(browser, "light", width=390)
    eventually(lambda: browser.execute_script("return document.documentElement.scrollWidth") <= 390, "a narrow page")
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def test_colours_follow_the_reader(browser, pages, eventually):
    """Page and figures are dark for a reader who likes it dark, and change while the page is open."""
    background = "return getComputedStyle(document.body).backgroundColor"
    color = "return document.querySelector('[data-figure=work] .ytick text').style.fill"
    emulate(browser, "light")
    open_page(browser, eventually, pages[0])
    light = browser.execute_script(background), browser.execute_script(color)
    emulate(browser, "dark")
    eventually(lambda: browser.execute_script(color) != light[1], "figures in other colours")
    assert browser.execute_script(background) != light[0]


def test_paper_has_all_figures(browser, pages):
    """The page is there before its figures; who prints it by then gets all of them."""
    emulate(browser, "light")
    browser.get(pages[0].as_uri())
    at_once = """
        const done = arguments[0], empty = () => [...document.querySelectorAll('.plot')].filter(
            each => !each.querySelector('svg path')).length, at = empty();
        const timer = setInterval(() => {
            if (!window.Plotly) return;
            clearInterval(timer);
            window.dispatchEvent(new Event('beforeprint'));
            done([at, empty()]);
        });
    """
    found = browser.execute_async_script(at_once)
    assert found[0] > 0
    assert found[1] == 0


def test_a_brush_selects(browser, pages, eventually):
    """Dragging along an axis selects candidates, a click takes it back; the keyboard does the same."""
    from selenium.webdriver import ActionChains, Keys

    emulate(browser, "light")
    open_page(browser, eventually, pages[0])
    assert said(browser).startswith("All 40 candidates")
    *_, axis = browser.find_elements("css selector", ".parallel .hit")  # the score's
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", axis)
    up = ActionChains(browser).move_to_element(axis)
    up.click_and_hold().move_by_offset(0, -400 // 3).release().perform()
    assert said(browser).endswith(".")
    selected = int(said(browser).split()[0])
    assert 0 < selected < 25
    rows = browser.execute_script("return document.querySelectorAll('#parallel-rows tr').length")
    assert rows == min(10, selected)
    ActionChains(browser).move_to_element(axis).click().perform()
    assert said(browser).startswith("All 40 candidates")
    browser.execute_script("document.querySelector('.parallel g').focus()")
    ActionChains(browser).send_keys(Keys.ARROW_UP).perform()
    assert " of 40 candidates have " in said(browser)
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert said(browser).startswith("All 40 candidates")


def test_axe_finds_nothing_serious(browser, pages, eventually):
    """The page can be read by everybody, as far as axe can tell."""
    spec = importlib.util.find_spec("axe_selenium_python")
    if spec is None:
        pytest.skip("axe-selenium-python is not installed")
    (script,) = Path(next(iter(spec.submodule_search_locations))).rglob("axe.min.js")
    # the axe of 2018 does not know that a group of dt and dd may stand in a div
    options = "{rules: {dlitem: {enabled: false}}}"
    found = "done(found.violations.map((each) => [each.impact, each.id]))"
    run = f"const done = arguments[0]; axe.run(document, {options}).then((found) => {found})"
    for scheme in ("light", "dark"):
        emulate(browser, scheme)
        for page in pages:
            open_page(browser, eventually, page)
            browser.execute_script(script.read_text(encoding="utf-8"))
            assert [each for each in browser.execute_async_script(run) if each[0] in {"serious", "critical"}] == []
