"""How much two texts share: word error rate, word edit similarity, token-set F1, ROUGE.

Edit distance and longest common subsequence work on bit vectors (Myers 1999, Hyyrö 2004), a machine word per 64
words of the shorter text, so that a reply of a megabyte against a sentence takes a moment, not minutes.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache

from wherewise.samples.errors import InputError

_TOKEN = re.compile(r"[a-z0-9]+")


def words(text: str) -> list[str]:
    """Lower-case runs of ASCII letters and digits: the tokens of ROUGE, and of DORA's reward.

    >>> words("The red-chair, 2 m away")
    ['the', 'red', 'chair', '2', 'm', 'away']
    """
    return _TOKEN.findall(text.lower())


def _positions(items: Sequence[Hashable]) -> dict[Hashable, int]:
    bits: dict[Hashable, int] = {}
    for i, item in enumerate(items):
        bits[item] = bits.get(item, 0) | 1 << i
    return bits


def edit_distance(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Levenshtein distance: the fewest insertions, deletions and substitutions that turn one into the other.

    >>> edit_distance("kitten", "sitting"), edit_distance([], ["a", "b"])
    (3, 2)
    """
    if len(a) > len(b):
        a, b = b, a
    if not a:
        return len(b)
    full, top = (1 << len(a)) - 1, 1 << len(a) - 1
    places = _positions(a)
    plus, minus, distance = full, 0, len(a)
    for item in b:
        here = places.get(item, 0)
        vertical = here | minus
        diagonal = (((here & plus) + plus) ^ plus) | here
        up, down = minus | ~(diagonal | plus), plus & diagonal
        distance += bool(up & top) - bool(down & top)
        up, down = (up << 1) | 1, down << 1
        plus, minus = (down | ~(vertical | up)) & full, up & vertical & full
    return distance


def common_subsequence(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Length of the longest common subsequence.

    >>> common_subsequence("abcde", "xaxcxe"), common_subsequence("", "a")
    (3, 0)
    """
    if len(a) > len(b):
        a, b = b, a
    full = (1 << len(a)) - 1
    places = _positions(a)
    row = full
    for item in b:
        shared = row & places.get(item, 0)
        row = (row + shared | row - shared) & full
    return len(a) - row.bit_count()


def wer(hypothesis: str, reference: str) -> float:
    """Word error rate: word edit distance over the number of reference words; may exceed 1.

    Words are what white space separates, as they are written. An empty reference is defined: 0 for an empty hypothesis,
    else the number of hypothesis words (as if the reference had one word).

    >>> wer("the red chair", "the chair"), wer("", "a b"), wer("", ""), wer("a b", "")
    (0.5, 1.0, 0.0, 2.0)
    """
    truth = reference.split()
    return edit_distance(hypothesis.split(), truth) / max(len(truth), 1)


def set_f1(hypothesis: str, reference: str) -> float:
    """F1 of the two sets of `words`; 1 when both are empty, 0 when one is or when they share nothing.

    >>> set_f1("a red chair", "red chair red"), set_f1("lamp", "chair"), set_f1("", "")
    (0.8, 0.0, 1.0)
    """
    a, b = set(words(hypothesis)), set(words(reference))
    if not a and not b:
        return 1.0
    return 2 * len(a & b) / (len(a) + len(b))


def word_edit_similarity(hypothesis: str, reference: str) -> float:
    """``1 - edit distance / length of the longer``, over `words`; 1 when both are empty. In [0, 1].

    >>> word_edit_similarity("the red chair", "the chair"), word_edit_similarity("", "")
    (0.6666666666666667, 1.0)
    """
    a, b = words(hypothesis), words(reference)
    return 1 - edit_distance(a, b) / max(len(a), len(b), 1)


def rouge(hypothesis: str, reference: str, *, stem: bool = False) -> dict[str, float]:
    """F-measures of ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004), equal to those of the rouge-score package.

    Args:
        hypothesis: The text to judge.
        reference: The true text.
        stem: Porter-stem words of more than three letters first (rouge-score's ``use_stemmer``); needs rouge-score.

    Returns:
        ``rouge1``, ``rouge2``, ``rougeL``, each in [0, 1]; 0 where a text has no words (no bigrams for ``rouge2``).

    Raises:
        InputError: `stem` without the rouge-score package.

    >>> {name: round(value, 3) for name, value in rouge("the red chair", "the blue chair").items()}
    {'rouge1': 0.667, 'rouge2': 0.0, 'rougeL': 0.667}
    """
    a, b = words(hypothesis), words(reference)
    if stem:
        stemmed = _stemmer()
        a, b = ([stemmed(word) if len(word) > 3 else word for word in text] for text in (a, b))
    return {
        "rouge1": _f1(_shared_ngrams(a, b, 1), len(a), len(b)),
        "rouge2": _f1(_shared_ngrams(a, b, 2), len(a) - 1, len(b) - 1),
        "rougeL": _f1(common_subsequence(a, b), len(a), len(b)),
    }


def _shared_ngrams(a: list[str], b: list[str], n: int) -> int:
    first, second = (Counter(zip(*(text[i:] for i in range(n)), strict=False)) for text in (a, b))
    return (first & second).total()


def _f1(shared: int, in_a: int, in_b: int) -> float:
    return 2 * shared / (in_a + in_b) if shared else 0.0


@lru_cache(maxsize=1)
def _stemmer() -> Callable[[str], str]:
    try:
        porter = importlib.import_module("nltk.stem.porter")  # what rouge-score stems with
    except ModuleNotFoundError as error:
        raise InputError(
            "stemmed ROUGE needs the rouge-score package: pip install 'wherewise[rouge]', or ask for stem=False"
        ) from error
    stem = porter.PorterStemmer().stem

    def stem_word(word: str) -> str:
        return str(stem(word))

    return lru_cache(maxsize=65536)(stem_word)
