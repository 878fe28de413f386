"""The config loader: what it reads, and that every mistake is reported with its place and its fix."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_validator

from wherewise.cli.config import ConfigError, Loaded, load_config, resolved_yaml
from wherewise.samples.errors import InputError


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Train(Strict):
    learning_rate: float = 1e-5
    loss: Literal["grpo", "dapo", "dr_grpo"] = "grpo"
    num_generations: int = Field(default=8, ge=2)


class Accuracy(Strict):
    kind: Literal["accuracy"]
    weight: float = 1.0


class Format(Strict):
    kind: Literal["format"]
    style: str = "think"


class Adam(Strict):
    betas: tuple[float, float] = (0.9, 0.95)


class Muon(Strict):
    momentum: float = 0.95


Reward = Annotated[Accuracy | Format, Field(discriminator="kind")]


class Config(Strict):
    model: str = "starter"
    train: Train = Train(learning_rate=3e-4)
    rewards: list[Reward | str] = [Accuracy(kind="accuracy"), Format(kind="format")]
    optimizer: Adam | Muon | Literal["none"] = "none"
    stages: dict[str, Train] = {}
    seed: int = 0
    low: int = 0
    high: int = 9

    @model_validator(mode="after")
    def _ordered(self) -> Config:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


def load(folder: Path, text: str, *overrides: str, name: str = "run.yaml") -> Loaded[Config]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_config(Config, path, overrides)


def problems(folder: Path, text: str, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, *overrides)
    return [message.replace(f"{folder}/", "") for message in caught.value.messages]


def test_defaults_without_file() -> None:
    assert load_config(Config, None).value == Config()


def test_empty_file_is_all_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "").value == Config()
    assert load(tmp_path, "# only a comment\n").value == Config()


def test_four_mistakes_give_four_located_errors(tmp_path: Path) -> None:
    text = "train:\n  num_generations: 1\n  learning_rat: 3\nmodle: x\n"
    assert problems(tmp_path, text, "train.loss=grppo") == [
        "run.yaml:2:3: train.num_generations: should be greater than or equal to 2 (got 1)\n"
        "       2 |   num_generations: 1",
        "run.yaml:3:3: train.learning_rat: unknown key (did you mean 'learning_rate'?)\n       3 |   learning_rat: 3",
        "run.yaml:4:1: modle: unknown key (did you mean 'model'?)\n       4 | modle: x",
        "override 'train.loss=grppo': train.loss: should be 'grpo', 'dapo' or 'dr_grpo' (got 'grppo')"
        " (did you mean 'grpo'?)",
    ]


def test_config_error_is_an_input_error_and_counts() -> None:
    assert isinstance(ConfigError(["a", "b"]), InputError)
    assert str(ConfigError(["a", "b"])) == "2 problems in the config:\na\nb"
    assert str(ConfigError(["a"])).startswith("1 problem in")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "rewards:\n- {kind: accuracy, wieght: 2}\n",
            "run.yaml:2:20: rewards.0.wieght: unknown key (did you mean 'weight'?)",
        ),
        (
            "rewards:\n- kind: frmat\n",
            "run.yaml:2:3: rewards.0: 'kind' should be one of 'accuracy', 'format' (got 'frmat')",
        ),
        ("rewards:\n- weight: 2\n", "run.yaml:2:3: rewards.0: needs the key 'kind'"),
        ("rewards: [7]\n", "run.yaml:1:11: rewards.0: should be a mapping or a valid string (got 7)"),
        ("optimizer: {momentm: 2}\n", "run.yaml:1:13: optimizer.momentm: unknown key (did you mean 'momentum'?)"),
        ("optimizer:\n  momentum: fast\n", "run.yaml:2:3: optimizer.momentum: should be a valid number (got 'fast')"),
        ("stages:\n  first: {lss: grpo}\n", "run.yaml:2:11: stages.first.lss: unknown key (did you mean 'loss'?)"),
        ("model: 3\n", "run.yaml:1:1: model: should be a valid string (got 3); put it in quotes"),
        ("learning_rate: 3\n", "unknown key here (did you mean 'train.learning_rate'?)"),
        ("zzz: 3\n", "unknown key; allowed here: model, train, rewards, optimizer, stages, seed, low, high"),
        ("low: 3\nhigh: 2\n", "run.yaml:1:1: low must not be above high"),
        ("seed: 1\nmodel: a\nseed: 2\n", "run.yaml:3:1: duplicated key 'seed' (the first one is in line 1)"),
        ("model: a: b\n", "run.yaml:1:9: not YAML: mapping values are not allowed here"),
        ("train:\n\tseed: 1\n", "run.yaml:2:1: not YAML: YAML indents with spaces, not with tabs"),
        ("rewards: [a\nseed: 1\n", "(while parsing a flow sequence that starts in line 1)"),
        ("model: a\n---\nseed: 1\n", "run.yaml:2:1: not YAML: a second document starts here"),
        ("- seed\n", "run.yaml:1:1: a config is a mapping"),
        (
            "model: !!python/object/apply:os.getcwd []\n",
            "run.yaml:1:8: the tag !!python/object/apply:os.getcwd isn't allowed",
        ),
        ("train: &t {loss: *t}\n", "contains itself"),
        ("model: a\0b\n", "run.yaml:1:9: character U+0000"),
        ("? [a, b]\n: 1\n", "run.yaml:1:3: a key must be a plain word"),
    ],
)
def test_mistake_is_located_and_explained(tmp_path: Path, text: str, expected: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("trian.loss=dapo", "override 'trian.loss=dapo': trian: unknown key (did you mean 'train'?)"),
        ("train.los=dapo", "train.los: unknown key (did you mean 'loss'?)"),
        ("rewards.7=x", "rewards: is a list; its items are 0 to 1 (got '7')"),
        ("rewards.first=x", "rewards: is a list; its items are 0 to 1 (got 'first')"),
        ("seed", "override 'seed': an override looks like key.sub=value"),
        ("=3", "an override looks like key.sub=value"),
        ("train..loss=x", "an override looks like key.sub=value"),
        ("rewards=[a", "quote the value: rewards='[a'"),
        ("seed.sub=1", "seed: is 1, not a mapping, so 'sub' can't be set in it"),
    ],
)
def test_bad_override(tmp_path: Path, override: str, expected: str) -> None:
    found = problems(tmp_path, "seed: 1\nrewards: [a, b]\n", override)
    assert len(found) == 1
    assert expected in found[0]


def test_duplicated_key_does_not_hide_other_mistakes(tmp_path: Path) -> None:
    found = problems(tmp_path, "seed: one\nseed: 2\nmodle: x\n", "xx")
    assert [message.split(": ")[0] for message in found] == [
        "run.yaml:1:1",
        "run.yaml:3:1",
        "run.yaml:2:1",
        "override 'xx'",
    ]


def test_overrides_set_scalars_lists_items_and_null(tmp_path: Path) -> None:
    value = load(
        tmp_path,
        "rewards:\n- kind: accuracy\n",
        "train.learning_rate=1e-6",
        "rewards.0.weight=2",
        "model='7'",
        "stages={a: {}}",
    ).value
    assert value.train.learning_rate == 1e-6
    assert value.rewards == [Accuracy(kind="accuracy", weight=2)]
    assert value.model == "7"
    assert value.stages == {"a": Train()}
    assert load_config(Config, None, ["model=a", "model=b"]).value.model == "b"


def test_override_reaches_into_a_default_list() -> None:
    value = load_config(Config, None, ["rewards.1.style=direct"]).value
    assert value.rewards == [Accuracy(kind="accuracy"), Format(kind="format", style="direct")]


def test_partial_mapping_keeps_the_other_defaults_of_that_field(tmp_path: Path) -> None:
    assert load(tmp_path, "train:\n  loss: dapo\n").value.train == Train(learning_rate=3e-4, loss="dapo")
    assert load_config(Config, None, ["train.loss=dapo"]).value.train.learning_rate == 3e-4
    assert load(tmp_path, "stages: {a: {loss: dapo}}\n").value.stages["a"].learning_rate == 1e-5


def test_yaml_1_2_scalars(tmp_path: Path) -> None:
    class Scalars(Strict):
        values: list[Any]

    path = tmp_path / "s.yaml"
    path.write_text(
        "values: [1e-6, 1E3, .5, no, on, 010, 0x1F, 0o17, 1:30, 2026-01-31, ~, true, '1', -.inf, 1_000, '<<']\n"
    )
    assert load_config(Scalars, path).value.values == [
        *(1e-6, 1000.0, 0.5, "no", "on", 10, 31, 15, "1:30", "2026-01-31"),
        *(None, True, "1", float("-inf"), "1_000", "<<"),
    ]


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    text = "stages:\n  a: &a {loss: dapo, num_generations: 4}\n  b:\n    <<: *a\n    num_generations: 2\n  c: *a\n"
    stages = load(tmp_path, text).value.stages
    assert stages["b"] == Train(loss="dapo", num_generations=2)
    assert stages["c"] == stages["a"]


def test_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert any("more than 100000 values" in message for message in problems(tmp_path, "\n".join(lines)))


def test_extends_merges_mappings_and_replaces_lists(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "base.yaml").write_text("model: m\nrewards: [a, b, c]\ntrain: {loss: dapo, num_generations: 4}\n")
    (tmp_path / "sub" / "gpu.yaml").write_text("extends: ../base.yaml\nseed: 5\n")
    loaded = load(tmp_path, "extends: [sub/gpu.yaml]\nrewards: [d]\ntrain:\n  num_generations: 2\n", "high=20")
    assert loaded.value == Config(
        model="m", rewards=["d"], train=Train(learning_rate=3e-4, loss="dapo", num_generations=2), seed=5, high=20
    )
    assert loaded.where("model") == f"{tmp_path}/base.yaml:1:1"
    assert loaded.where("train.loss") == f"{tmp_path}/base.yaml:3:9"
    assert loaded.where("train.num_generations") == f"{tmp_path}/run.yaml:4:3"
    assert loaded.where("rewards.0") == f"{tmp_path}/run.yaml:2:11"
    assert loaded.where("rewards.1") == "default"
    assert loaded.where("high") == "override 'high=20'"
    assert loaded.where("low") == "default"
    assert loaded.problem("seed", "is taken") == f"{tmp_path}/sub/gpu.yaml:2:1: seed: is taken\n       2 | seed: 5"


def test_mistake_in_a_base_is_located_there(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("\nseeed: 1\n")
    assert problems(tmp_path, "extends: base.yaml\n")[0].startswith("base.yaml:2:1: seeed: unknown key")


def test_extends_circle_missing_and_wrong_type(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: run.yaml\n")
    (tmp_path / "base.yaml").write_text("")
    circle, missing, wrong = problems(tmp_path, "extends: [a.yaml, bas.yaml, 3]\nzzz: 1\n")
    assert circle.startswith("a.yaml:1:1: extends: goes in a circle: ")
    assert "run.yaml:1:19: extends: bas.yaml: no such file (did you mean 'base.yaml'?)" in missing
    assert wrong.startswith("run.yaml:1:29: extends: takes a file name")


def test_the_same_base_twice_is_no_circle(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("seed: 3\n")
    (tmp_path / "left.yaml").write_text("extends: base.yaml\n")
    assert load(tmp_path, "extends: [left.yaml, base.yaml]\n").value.seed == 3


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("")
    for path, expected in (
        (tmp_path / "rn.yaml", "no such file (did you mean 'run.yaml'?)"),
        (tmp_path, "is a folder"),
        (Path("seed=1"), "the config file comes before overrides"),
        (tmp_path / "none" / "run.yaml", "no such file"),
    ):
        with pytest.raises(ConfigError, match=re.escape(expected)):
            load_config(Config, path)
    (tmp_path / "run.yaml").write_bytes(b"seed: 1\nmodel: \xff\n")
    with pytest.raises(ConfigError, match="line 2 is not UTF-8"):
        load_config(Config, tmp_path / "run.yaml")


def test_environment_is_not_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", "here")
    assert load(tmp_path, "model: ${WHERE}\n").value.model == "${WHERE}"


def test_byte_order_mark_and_crlf(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_bytes(b"\xef\xbb\xbfseed: 1\r\nmodle: a\r\n")
    with pytest.raises(ConfigError) as caught:
        load_config(Config, tmp_path / "run.yaml")
    assert caught.value.messages == (
        f"{tmp_path}/run.yaml:2:1: modle: unknown key (did you mean 'model'?)\n       2 | modle: a",
    )


SCALARS: dict[str, Any] = {
    "model": "m",
    "seed": 1,
    "low": 1,
    "high": 2,
    "train.learning_rate": 0.1,
    "train.loss": "dapo",
    "train.num_generations": 3,
    "rewards.0.weight": 2.0,
    "rewards.1.style": "direct",
    "stages.a.num_generations": 5,
}
TEXT = """\
model: m
seed: 1
low: 1
high: 2
train:
  learning_rate: 0.1
  loss: dapo
  num_generations: 3
rewards:
- kind: accuracy
  weight: 2.0
- kind: format
  style: direct
stages:
  a:
    num_generations: 5
"""


@settings(max_examples=120, deadline=None)
@given(key=st.sampled_from(sorted(SCALARS)), data=st.data())
def test_any_mistyped_key_is_reported_with_its_line(
    tmp_path_factory: pytest.TempPathFactory, key: str, data: st.DataObject
) -> None:
    word = key.rpartition(".")[2]
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz_"))
    mistyped = data.draw(
        st.sampled_from(
            [word[:at] + word[at + 1 :], word[:at] + letter + word[at:], word[:at] + letter + word[at + 1 :]]
        )
    )
    if mistyped in (word, "", *Config.model_fields):
        return
    lines = TEXT.splitlines()
    number = next(i for i, line in enumerate(lines) if line.strip().startswith(f"{word}:") and _belongs(lines, i, key))
    lines[number] = lines[number].replace(f"{word}:", f"{mistyped}:", 1)
    found = problems(tmp_path_factory.mktemp("typo"), "\n".join(lines))
    column = len(lines[number]) - len(lines[number].lstrip()) + 1
    assert any(m.startswith(f"run.yaml:{number + 1}:{column}: ") and f"{mistyped}: unknown key" in m for m in found)
    assert len(found) == 1


def _belongs(lines: list[str], number: int, key: str) -> bool:
    """Two keys are called num_generations: the one in ``train`` comes before ``stages``."""
    return (number > lines.index("stages:")) == key.startswith("stages.")


values = st.builds(
    Config,
    model=st.text(max_size=20),
    train=st.builds(Train, learning_rate=st.floats(allow_nan=False), num_generations=st.integers(2, 10**9)),
    rewards=st.lists(
        st.one_of(st.text(max_size=8), st.builds(Accuracy, kind=st.just("accuracy"), weight=st.floats(0, 9)))
    ),
    optimizer=st.one_of(st.just("none"), st.builds(Adam), st.builds(Muon, momentum=st.floats(allow_nan=False))),
    stages=st.dictionaries(st.text(max_size=8), st.builds(Train), max_size=3),
    seed=st.integers(),
)


@settings(max_examples=150, deadline=None)
@given(value=values)
def test_resolved_yaml_reads_back_equal(tmp_path_factory: pytest.TempPathFactory, value: Config) -> None:
    path = tmp_path_factory.mktemp("resolved") / "config.resolved.yaml"
    path.write_text(resolved_yaml(value), encoding="utf-8", newline="")
    assert load_config(Config, path).value == value
