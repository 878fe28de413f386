"""The run report in a real browser, from a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium import chromium
from test_report import EVIL, page

pytestmark = pytest.mark.browser


def test_report_opens_clean_and_its_lists_answer_to_keys_and_filters(tmp_path: Path) -> None:
    page(tmp_path)
    address = (tmp_path / "report.html").as_uri()
    with chromium() as tab:
        for width in (360, 1600):
            tab.open(address, width=width)
            assert tab.run("document.documentElement.scrollWidth") <= width
            assert tab.run("document.querySelector('#groups .reply code').textContent") == EVIL
            assert tab.run("document.querySelectorAll('#examples .item').length") == 2
            assert tab.run("document.querySelectorAll('#examples .truth.focus').length") == 1
        tab.run("document.querySelector('#examples').dispatchEvent(new PointerEvent('pointerdown'))")
        tab.key("ArrowDown")
        assert tab.run("exampleBrowser.state.at") == 1
        tab.key("2")
        assert tab.run("document.querySelectorAll('#examples .reply')[1].className") == "reply chosen"
        tab.key("/")
        tab.type("nowhere")
        assert "Nothing matches" in tab.run("document.querySelector('#examples .detail').textContent")
        assert tab.problems == []
        assert {request for request in tab.requests if not request.startswith("data:")} == {address}
