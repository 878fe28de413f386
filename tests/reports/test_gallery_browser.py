"""The gallery in a real browser, from a file: no console error, no request; filters, keys, overlays, flags."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gallery_data
import pytest
from chromium import Browser, chromium

from wherewise.reports import GalleryInputs, build_gallery
from wherewise.samples import Boolean, Image, Sample
from wherewise.samples.store import write_dataset

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = gallery_data.write(tmp_path_factory.mktemp("data") / "rooms")
    build_gallery(GalleryInputs(dataset=folder, frames=4), folder / "gallery.html")
    return (folder / "gallery.html").as_uri()


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Browser]:
    """The gallery, freshly loaded, nothing flagged; clean to the end."""
    browser.problems.clear()
    browser.requests.clear()
    browser.open(address)
    browser.run("localStorage.clear()")
    browser.open(address)
    yield browser
    assert browser.problems == []
    assert {request.partition("#")[0] for request in browser.requests if not request.startswith("data:")} == {address}


def text(tab: Browser, selector: str) -> str:
    found: str = tab.run(f"document.querySelector({json.dumps(selector)}).textContent")
    return found


def go(tab: Browser, name: str) -> None:
    assert tab.run(f"page.find(row => row.id === {json.dumps(name)})"), name


def put(tab: Browser, node: str, value: str) -> None:
    """Type a value into an input."""
    tab.run(f"(i => {{ i.value = {json.dumps(value)}; i.dispatchEvent(new Event('input')); }})({node})")


def choose(tab: Browser, name: str, value: str) -> list[str]:
    """Set a filter; the ids that are left."""
    put(tab, f"page.inputs[{json.dumps(name)}]", value)
    return shown(tab)


def shown(tab: Browser) -> list[str]:
    found: list[str] = tab.run("page.state.shown.map(row => row.id)")
    return found


def count(tab: Browser, selector: str) -> int:
    found: int = tab.run(f"document.querySelectorAll({json.dumps(selector)}).length")
    return found


def test_first_sample_is_shown_with_picture_overlay_plan_and_facts(tab: Browser) -> None:
    go(tab, "still-left_right-0")
    assert text(tab, ".question") == "Is the table left or right of the red chair?"
    assert text(tab, ".options .right") == "A. left ✓"
    assert tab.run("page.state.shown.length") == 9
    assert count(tab, ".picture .truth.focus") == 2
    assert tab.run("[...document.querySelectorAll('.picture text')].map(t => t.textContent).sort()") == [
        "red chair",
        "table",
    ]
    assert count(tab, ".map .thing.focus") == 2
    assert count(tab, ".map .camera") == 1
    assert "4.00 times its margin" in text(tab, ".column:last-child")
    assert "o2 (table)" in text(tab, "dl")
    assert tab.run("[...document.querySelectorAll('.beside img')].every(i => i.complete && i.naturalWidth > 0)")
    chair = "[...document.querySelectorAll('.truth')].find(r => r.textContent.includes('red chair'))"
    box = tab.run(f"(r => ['x', 'y', 'width', 'height'].map(a => Number(r.getAttribute(a))))({chair})")
    assert box == [50, 10, 30, 40]


def test_text_of_the_data_stays_text(tab: Browser) -> None:
    go(tab, "still-evil")
    assert text(tab, ".question") == gallery_data.EVIL
    assert text(tab, ".why") == gallery_data.EVIL
    assert tab.run("typeof window.evil") == "undefined"
    assert count(tab, ".detail img[src='x']") == 0


def test_answers_that_are_places_are_drawn(tab: Browser) -> None:
    go(tab, "still-box")
    assert count(tab, ".picture rect.gold") == 1
    go(tab, "still-point")
    assert tab.run("['cx', 'cy'].map(a => Number(document.querySelector('.gold.dot').getAttribute(a)))") == [20, 40]
    go(tab, "clip-map")
    assert tab.run("['x', 'y'].map(a => Number(document.querySelector('.cells .full').getAttribute(a)))") == [10, 20]


def test_boxes_that_are_options_are_drawn_in_the_picture_that_they_speak_of(tab: Browser) -> None:
    go(tab, "pair-match")
    shown_boxes = "p => [...p.querySelectorAll('.gold, .claim')].map(b => b.className.baseVal + b.getAttribute('x'))"
    first, second = tab.run(f"[...document.querySelectorAll('.shots .picture')].map({shown_boxes})")
    assert sorted(first) == ["claim5", "gold50"]
    assert second == ["gold50"]


def test_clip_has_a_filmstrip_with_times_and_the_frame_moves_the_camera(tab: Browser) -> None:
    go(tab, "clip-order")
    assert tab.run("[...document.querySelectorAll('.strip button')].map(b => b.textContent)") == [
        "0.00 s",
        "1.00 s",
        "1.75 s",
        "2.75 s",
    ]
    assert tab.run("look.shot") == 0, "both things are seen there"
    first = tab.run("document.querySelector('.map .camera:not(.other)').getAttribute('cx')")
    tab.key("]")
    assert tab.run("look.shot") == 1
    assert tab.run("document.querySelector('.map .camera:not(.other)').getAttribute('cx')") != first
    assert count(tab, ".map .path") == 1
    assert count(tab, ".times .span") == 2
    go(tab, "pair-count")
    assert count(tab, ".shots figure") == 2
    assert count(tab, ".map .camera") == 2


def test_filters_and_search(tab: Browser) -> None:
    assert choose(tab, "split", "val") == ["pair-count", "pair-match"]
    choose(tab, "split", "")
    assert choose(tab, "answer", "choice") == [
        "clip-order",
        "still-left_right-0",
        "still-camera_distance-0",
        "pair-match",
    ]
    choose(tab, "answer", "")
    assert choose(tab, "task", "cognitive_map") == ["clip-map"]
    assert "Answers of cognitive map" in text(tab, ".overview")
    choose(tab, "task", "")
    assert choose(tab, "margin below", "1.3") == ["clip-order", "still-camera_distance-0"]
    choose(tab, "margin below", "")
    tab.key("/")
    tab.type("MAP  make")
    assert shown(tab) == ["clip-map"]
    tab.key("Escape")
    assert tab.run("document.activeElement === page.search") is False
    assert text(tab, "#filters span") == "1 of 9"
    choose(tab, "task", "existence")
    assert "Nothing matches" in text(tab, ".detail")
    for key in ("f", "d", "]", "ArrowDown"):
        tab.key(key)


def test_keys_move_and_toggle(tab: Browser) -> None:
    start = tab.run("page.state.at")
    for key, expected in (
        ("ArrowDown", 1),
        ("ArrowRight", 2),
        ("ArrowUp", 1),
        ("End", 8),
        ("ArrowDown", 8),
        ("Home", 0),
    ):
        tab.key(key)
        assert tab.run("page.state.at") == start + expected
    go(tab, "still-left_right-0")
    tab.key("b")
    assert tab.run("look.boxes") == "asked"
    tab.key("b")
    assert count(tab, ".picture .truth") == 0
    tab.key("b")
    plain = tab.run("document.querySelector('.picture image').getAttribute('href')")
    tab.key("d")
    assert tab.run("document.querySelector('.picture image').getAttribute('href')") != plain
    tab.key("d")
    assert tab.run("document.querySelector('.picture image').getAttribute('href')") == plain


def test_flags_are_kept_noted_filtered_downloaded_and_loaded(tab: Browser, address: str, tmp_path: Path) -> None:
    go(tab, "still-box")
    tab.key("f")
    put(tab, "document.querySelector('.note-input')", 'box is "off"')
    go(tab, "clip-map")
    tab.key("f")
    tab.key("f")
    go(tab, "pair-count")
    tab.key("f")
    tab.open(address)  # kept over a reload
    tab.run("(i => { i.checked = true; i.dispatchEvent(new Event('input')); })(page.inputs.flagged)")
    assert sorted(shown(tab)) == ["pair-count", "still-box"]
    tab.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    tab.run("document.getElementById('download').click()")
    written = tmp_path / "flags.jsonl"
    for _ in range(100):
        if written.exists() and written.stat().st_size:
            break
        time.sleep(0.1)
    lines = [json.loads(line) for line in written.read_text().splitlines()]
    assert sorted(lines, key=lambda each: each["id"]) == [
        {"id": "pair-count", "note": ""},
        {"id": "still-box", "note": 'box is "off"'},
    ]
    assert tab.run('flags.load(\'{"id": "clip-order", "note": "x"}\\n\\n\')') == "1 flags loaded"
    assert tab.run("flags.load('{\"id\": 3}')") == 'line 1 has no "id"'
    assert tab.run("flags.load('{')") == "line 1 is not JSON"
    tab.run("localStorage.clear()")


def test_theme_follows_the_system_and_the_button(tab: Browser, address: str) -> None:
    def dark() -> bool:
        color: str = tab.run("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in color[4:-1].split(",")) < 200

    assert not dark()
    tab.open(address, dark=True)
    assert dark()
    tab.run("document.querySelector('.theme').click()")
    assert not dark()
    tab.open(address)
    tab.run("document.querySelector('.theme').click()")
    assert dark()
    tab.run("localStorage.clear()")


def test_address_names_a_sample(tab: Browser) -> None:
    tab.run("new Promise(done => { addEventListener('hashchange', () => done()); location.hash = 'clip-order'; })")
    assert tab.run("page.chosen().id") == "clip-order"
    assert tab.run("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))") == ["#clip-order"]


@pytest.mark.parametrize("width", [360, 768, 1600, 3840])
def test_nothing_sticks_out(tab: Browser, address: str, width: int) -> None:
    tab.open(address, width=width, height=900)
    for name in ("still-left_right-0", "clip-order", "still-evil", "pair-count"):
        go(tab, name)
        assert tab.run("document.documentElement.scrollWidth") <= width
        assert tab.run("parseFloat(getComputedStyle(document.querySelector('.item')).fontSize)") >= 11


@pytest.mark.slow
def test_ten_thousand_samples_put_few_nodes_into_the_page(browser: Browser, tmp_path: Path) -> None:
    def one(i: int) -> Sample:
        media: tuple[Any, ...] = (Image(data=gallery_data.picture(i % 250)),)
        facts = {"objects": ["o1", "o2"], "near": [1.0 + i / 1e4, 2.0], "words": "a few of them " * 5}
        return Sample(
            id=f"s{i}",
            media=media,
            question=f"Is thing {i} there?",
            answer=Boolean(value=bool(i % 2)),
            task="existence",
            group=f"g{i}",
            facts=facts,
        )

    write_dataset((one(i) for i in range(10_000)), tmp_path / "d")
    build_gallery(GalleryInputs(dataset=tmp_path / "d"), tmp_path / "g.html")
    browser.problems.clear()
    browser.open((tmp_path / "g.html").as_uri())
    assert browser.run("DATA.rows.length") == 10_000
    assert count(browser, ".item") < 60
    browser.key("End")
    assert browser.run("page.chosen().id") == "s9999"
    assert 1 < count(browser, ".item") < 60
    assert browser.run("document.querySelector('.item[aria-selected=true]').textContent").endswith(
        "Is thing 9999 there?"
    )
    assert browser.problems == []
