"""A run read while it is written, cut back, and written again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import run_data

from wherewise.reports import follow
from wherewise.reports.follow import RunFollower


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "REST_S", 0.0)


def test_only_what_is_new_comes(tmp_path: Path) -> None:
    run = run_data.write_run(tmp_path / "run", 2)
    follower = RunFollower(run, "run")
    first = follower.state(0, 0, 0)
    assert [row["step"] for row in first["metrics"]] == [1, 2]
    assert [(g["step"], g["id"]) for g in first["groups"]][::4] == [(1, "mixed"), (2, "mixed")]
    assert (first["steps"], first["planned"], first["finished"]) == (2, 5, False)
    again = follower.state(first["epoch"], first["next_metrics"], first["next_groups"])
    assert (again["metrics"], again["groups"]) == ([], [])
    run_data.write_step(run, 3)
    (run / "final").mkdir()
    third = follower.state(first["epoch"], first["next_metrics"], first["next_groups"])
    assert [row["step"] for row in third["metrics"]] == [3]
    assert {g["step"] for g in third["groups"]} == {3}
    assert third["finished"]


def test_a_line_that_is_still_written_waits(tmp_path: Path) -> None:
    run = run_data.write_run(tmp_path / "run", 1)
    follower = RunFollower(run, "run")
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    assert len(follower.state(0, 0, 0)["metrics"]) == 1
    with (run / "metrics.jsonl").open("a") as file:
        file.write('ss": 1.0}\n')
    assert [row["step"] for row in follower.state(1, 1, 4)["metrics"]] == [2]


def test_a_run_cut_back_is_read_anew(tmp_path: Path) -> None:
    run = run_data.write_run(tmp_path / "run", 3)
    follower = RunFollower(run, "run")
    before = follower.state(0, 0, 0)
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[:1]))
    for step in (2, 3):
        (run / "rollouts" / f"step-{step:06d}.jsonl").unlink()
    after = follower.state(before["epoch"], before["next_metrics"], before["next_groups"])
    assert after["epoch"] == before["epoch"] + 1
    assert [row["step"] for row in after["metrics"]] == [1]
    assert {g["step"] for g in after["groups"]} == {1}


def test_a_log_cut_and_grown_past_its_length_is_noticed(tmp_path: Path) -> None:
    run = run_data.write_run(tmp_path / "run", 2)
    follower = RunFollower(run, "run")
    before = follower.state(0, 0, 0)
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    longer = [json.dumps(json.loads(lines[1]) | {"loss": 0.25, "more": "x" * 50}) + "\n", lines[1]]
    (run / "metrics.jsonl").write_text("".join([lines[0], *longer]))
    after = follower.state(before["epoch"], before["next_metrics"], before["next_groups"])
    assert after["epoch"] > before["epoch"]
    assert len(after["metrics"]) == 3


def test_old_groups_are_dropped_and_counted(tmp_path: Path) -> None:
    run = run_data.write_run(tmp_path / "run", 4)
    state = RunFollower(run, "run", newest=16).state(0, 0, 0)
    assert state["dropped"] == 8
    assert state["next_groups"] == 16
    assert [g["step"] for g in state["groups"]] == [3, 3, 3, 3, 4, 4, 4, 4]


def test_a_folder_without_files_waits_and_a_torn_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    follower = RunFollower(tmp_path / "run", "run")
    assert follower.state(0, 0, 0)["quiet"] is None
    (tmp_path / "run" / "metrics.jsonl").write_text('{"step": 1}\nnot json\n')
    with pytest.raises(ValueError, match=r"metrics\.jsonl:2"):
        follower.state(0, 0, 0)
    shutil.rmtree(tmp_path / "run")
