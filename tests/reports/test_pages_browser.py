"""Report, live page and comparison in a browser: nothing asked of the outside, keys and filters, text stays text."""

from __future__ import annotations

import functools
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import gallery_data
import pytest
import run_data
from chromium import Browser, chromium
from test_versus import evaluation

from wherewise.reports import GalleryInputs, ReportInputs, build_gallery, build_report
from wherewise.reports.live import LiveServer
from wherewise.reports.versus import VersusInputs, build_versus_evaluations, build_versus_runs

pytestmark = pytest.mark.browser

READY = "document.documentElement.dataset.ready === 'yes'"
SIZES = ((360, 780), (1280, 900), (3840, 2160))


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(autouse=True)
def nothing_went_wrong(tab: Browser) -> Iterator[None]:
    tab.problems.clear()
    tab.requests.clear()
    yield
    assert tab.problems == []
    assert tab.run("window.evil") is None


def wait(tab: Browser, condition: str) -> None:
    end = time.monotonic() + 30
    while not tab.run(condition):
        assert time.monotonic() < end, f"never so: {condition}"
        time.sleep(0.05)


def outside(tab: Browser, address: str) -> set[str]:
    return {each for each in tab.requests if not each.startswith(("data:", address))} - {address}


def fits(tab: Browser, address: str) -> None:
    """No page is wider than its window, in light and dark; text can be read against what is behind it."""
    for width, height in SIZES:
        for dark in (False, True):
            tab.open(address, width=width, height=height, dark=dark)
            wait(tab, READY)
            assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 26)"


def test_report(tab: Browser, tmp_path: Path) -> None:
    run = run_data.write_run(tmp_path / "run")
    address = build_report(ReportInputs(title="r", runs=[("run", run)]), tmp_path / "report.html").as_uri()
    fits(tab, address)
    assert tab.run("document.querySelectorAll('#charts-0 svg').length") >= 4
    assert tab.run("document.querySelectorAll('#groups .truth.focus').length") == 2
    assert tab.run("document.querySelectorAll('#groups .claim').length") == 2
    assert tab.run("getComputedStyle(document.querySelector('#groups .claim')).strokeDasharray") != "none"
    assert tab.run("document.querySelectorAll('.scene-graph .node.said').length") == 2
    assert tab.run("document.querySelectorAll('.scene-graph .edge:not(.tip)').length") == 1
    assert tab.run("[...document.querySelectorAll('.reply .with-bar b')].map(b => b.textContent)") == ["0.70", "-0.70"]
    assert tab.run("document.querySelectorAll('.reply .badge').length") == 1  # truncated
    tab.key("2")
    assert tab.run("document.querySelectorAll('#groups .reply')[1].className") == "reply chosen"
    assert tab.run("document.querySelectorAll('#groups .claim').length") == 1
    tab.key("b")
    assert tab.run("document.querySelectorAll('#groups .truth, #groups .claim').length") == 0
    tab.key("g")
    assert tab.run("document.querySelectorAll('.scene-graph').length") == 0
    tab.run("groupKey('b'), groupKey('g')")
    tab.key("ArrowDown")
    assert tab.run("document.querySelector('.detail .badge').textContent") == "no signal"
    tab.key("j")
    assert tab.run("document.querySelector('figcaption').textContent").startswith("0.00 s")
    tab.key("]")
    assert tab.run("document.querySelector('figcaption').textContent") == "0.50 s · 2 of 3"
    assert tab.run("[...document.querySelectorAll('.times .span')].map(s => s.getAttribute('class'))") == [
        "span",
        "span said",
    ]
    tab.key("End")
    assert tab.run("document.querySelector('.reply code').textContent") == run_data.EVIL
    assert outside(tab, address) == set()


def test_report_filters_and_search(tab: Browser, tmp_path: Path) -> None:
    run = run_data.write_run(tmp_path / "run")
    tab.open(build_report(ReportInputs(title="r", runs=[("run", run)]), tmp_path / "report.html").as_uri())
    shown = "groupBrowser.state.shown.map(row => row.id)"
    tab.run("groupBrowser.inputs.signal.value = 'none', groupBrowser.refilter()")
    assert set(tab.run(shown)) == {"silent", "evil"}
    tab.run("groupBrowser.inputs.signal.value = '', groupBrowser.inputs.task.value = 'order', groupBrowser.refilter()")
    assert set(tab.run(shown)) == {"clip"}
    tab.run("groupBrowser.inputs.task.value = '', groupBrowser.refilter()")
    tab.key("/")
    tab.type("00.5-00:01.5")
    assert set(tab.run(shown)) == {"clip"}
    tab.key("Escape")
    assert tab.run("document.activeElement === groupBrowser.search") is False
    tab.run("groupBrowser.search.value = '', groupBrowser.inputs.truncated.click()")
    assert set(tab.run(shown)) == {"mixed"}


def test_live(tab: Browser, tmp_path: Path) -> None:
    run = run_data.write_run(tmp_path / "run", 1)
    with LiveServer(run) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            fits(tab, server.url)
            status, count = "document.getElementById('status').textContent", "groupBrowser.state.shown.length"
            wait(tab, f"{count} === 4")
            assert "step 1 of 5" in tab.run(status)
            assert tab.run("document.querySelector('.reply code').textContent") == run_data.EVIL
            tab.key("Home")
            run_data.write_step(run, 2)
            wait(tab, f"{count} === 8")
            assert tab.run("groupBrowser.chosen().step") == 1  # what is looked at stays
            tab.key("End")
            run_data.write_step(run, 3)
            wait(tab, f"{count} === 12")
            assert tab.run("groupBrowser.chosen().step") == 3  # the newest is followed
            assert tab.run("document.querySelectorAll('#charts svg').length") >= 4
            tab.run("groupBrowser.find(row => row.id === 'clip' && row.step === 3)")
            wait(tab, "[...document.querySelectorAll('.strip img')].every(image => image.naturalWidth === 100)")
            assert tab.run("[...document.querySelectorAll('.strip button')].map(b => b.textContent)") == [
                "0.00 s",
                "0.50 s",
                "1.00 s",
            ]
            tab.run("groupBrowser.inputs.task.value = 'order', groupBrowser.refilter()")
            assert tab.run(count) == 3
            tab.run("groupBrowser.inputs.task.value = '', groupBrowser.refilter()")
            lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
            (run / "rollouts" / "step-000003.jsonl").unlink()
            (run / "metrics.jsonl").write_text("".join(lines[:2]))
            wait(tab, f"{count} === 8")
            (run / "final").mkdir()
            wait(tab, f"{status}.includes('finished')")
            assert outside(tab, server.url) <= {f"http://127.0.0.1:{server.server_address[1]}/favicon.ico"}
            tab.run("location.href = 'about:blank'")
        finally:
            server.shutdown()
            thread.join()


def test_a_page_of_another_name_cannot_read_the_server(tab: Browser, tmp_path: Path) -> None:
    """What a rebound name would do: the same address, another Host."""
    with LiveServer(run_data.write_run(tmp_path / "run", 1)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            port, key = server.server_address[1], server.key
            tab.open(f"http://wherewise.localhost:{port}/{key}/")  # resolves to this machine, is not its name
            assert tab.run("document.body.textContent").startswith("this server answers to localhost alone")
            tab.run("location.href = 'about:blank'")
        finally:
            server.shutdown()
            thread.join()
        tab.problems.clear()  # the refusal itself is in the console


def test_comparison_of_evaluations(tab: Browser, tmp_path: Path) -> None:
    a, b = evaluation(tmp_path / "a", 0), evaluation(tmp_path / "b", 1)
    samples = {each.id: each for each in gallery_data.samples()}
    inputs = VersusInputs(a=a, b=b, samples=samples, media_root=tmp_path)
    address = build_versus_evaluations(inputs, tmp_path / "page.html").page.as_uri()
    fits(tab, address)
    assert tab.run("[...document.querySelectorAll('.verdict b')].map(each => each.textContent)") == ["1", "1", "1", "0"]
    for key, verdict in (("r", "broken"), ("w", "both wrong"), ("f", "fixed")):
        tab.key(key)
        assert tab.run("pairBrowser.state.shown.map(row => row.verdict)") == [verdict]
        assert tab.run("document.querySelector('.verdict[aria-pressed=true]').textContent") == f"1{verdict}"
    assert tab.run("[...document.querySelectorAll('.side h4 span')].map(each => each.textContent)") == [
        "wrong",
        "right",
    ]
    assert tab.run("document.querySelectorAll('#pairs .truth.focus').length") == 2
    tab.key("a")
    assert tab.run("pairBrowser.state.shown.length") == 3
    tab.key("2")
    assert tab.run("document.querySelectorAll('#pairs .reply')[1].className") == "reply chosen"
    tab.run("pairBrowser.find(row => row.id === 'still-evil')")
    assert tab.run("document.querySelector('.detail h3').textContent") == gallery_data.EVIL
    assert run_data.EVIL in tab.run("document.querySelector('.side code').textContent")
    assert outside(tab, address) == set()


def test_comparison_of_runs(tab: Browser, tmp_path: Path) -> None:
    a, b = run_data.write_run(tmp_path / "a"), run_data.write_run(tmp_path / "b", better=True)
    address = build_versus_runs(VersusInputs(a=a, b=b), tmp_path / "page.html").page.as_uri()
    fits(tab, address)
    assert tab.run("document.querySelectorAll('#charts svg').length") >= 4
    tab.key("f")
    assert tab.run("pairBrowser.chosen().id") == "silent"
    assert tab.run("document.querySelectorAll('.side').length") == 2
    assert tab.run("document.querySelectorAll('.side .advantage').length") == 4
    assert outside(tab, address) == set()


class Files(http.server.SimpleHTTPRequestHandler):
    """Any web server on loopback."""

    def do_GET(self) -> None:
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_pages_also_work_from_a_web_server_on_loopback(tab: Browser, tmp_path: Path) -> None:
    a, b = run_data.write_run(tmp_path / "a"), run_data.write_run(tmp_path / "b", better=True)
    build_report(ReportInputs(title="r", runs=[("a", a)]), tmp_path / "report.html")
    build_versus_runs(VersusInputs(a=a, b=b), tmp_path / "compare.html")
    build_gallery(GalleryInputs(dataset=gallery_data.write(tmp_path / "data")), tmp_path / "gallery.html")
    handler = functools.partial(Files, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            home = f"http://127.0.0.1:{server.server_address[1]}/"
            for name in ("report", "compare", "gallery"):
                tab.open(f"{home}{name}.html")
                assert tab.run("document.querySelectorAll('.item').length") > 0
            assert outside(tab, home) == set()
            asked = {each.removeprefix(home) for each in tab.requests if not each.startswith("data:")}
            assert asked <= {"report.html", "compare.html", "gallery.html", "favicon.ico"}
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.slow
def test_ten_thousand_rollouts_open_at_once(tab: Browser, tmp_path: Path) -> None:
    run = run_data.write_run(tmp_path / "run", 0)
    (run / "metrics.jsonl").touch()
    for step in range(1, 251):
        rows = [
            run_data.group(
                step,
                f"s{step}-{i}",
                [
                    run_data.completion("<scene>red chair (2,4,4)</scene>" + "because it is so " * 20, k % 2, 0.5)
                    for k in range(8)
                ],
            )
            for i in range(5)
        ]
        file = run / "rollouts" / f"step-{step:06d}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = build_report(ReportInputs(title="big", runs=[("run", run)], max_groups=1250), tmp_path / "big.html")
    tab.open(page.as_uri())
    assert tab.run(READY)
    assert tab.run("DATA.groups.reduce((sum, group) => sum + group.completions.length, 0)") == 10_000
    opened = tab.run("performance.getEntriesByType('navigation')[0].loadEventEnd")
    print(f"10,000 rollouts, {page.stat().st_size / 1e6:.1f} MB: open after {opened:.0f} ms")
    assert opened < 30_000  # a tenth of this on an idle machine: the bound is for a machine that does much else
    assert tab.run("document.querySelectorAll('#groups .item').length") < 60
    tab.key("End")
    assert tab.run("groupBrowser.chosen().id") == "s250-4"
