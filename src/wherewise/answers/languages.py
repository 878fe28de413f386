"""The words that replies answer with, in the languages that the parser knows.

English, Chinese, Spanish, French, German and Japanese throughout; the commonest of Portuguese, Italian and Russian.
"""

from __future__ import annotations

CJK = "぀-ヿ㐀-鿿"
"""Character class of kana and Han, which are written without spaces: ``答えはBです``."""

ANSWER_NOUN = (
    r"(?:\banswer|\bchoice|\boption|\bantwort|\blösung|\brespuesta|\bopción|\bréponse|\bchoix|\bresposta|\bopção"
    r"|\brisposta|\bopzione|答案|选项|选择|正解|答え|解答|選択肢|ответ)"
)
"""What announces an answer: "the answer is", "la respuesta es", "答案是", "答えは"."""

CORRECT = r"(?:correct[oae]?|right|richtige?|korrekte?|juste|bonne|exacte?|finale?|choisie|正确|正しい)"
"""Adjectives between the noun and the verb: "la respuesta correcta es"."""

ANSWER_VERB = (
    r"(?:(?:is|are|was|(?:would|should|must|will|could|might|may|can) be|(?:seems|appears|likely) to be"
    r"|ist|lautet|wäre|es|sería|est|serait|è|é)(?![a-zà-ɏ])|是|应该是|应为|为|は|が)"
)
"""What links the noun to the answer."""

LETTER_NOUN = (
    r"(?:option|choice|letter|answer|opción|letra|respuesta|lettre|réponse|buchstabe|antwort|opção|opzione|lettera"
    r"|选项|選択肢)"
)
"""What may stand right before a letter: "option B", "la lettre B"."""

ARTICLE = r"(?:the|la|le|l'|el|lo|die|der|das)"
"""Articles before `LETTER_NOUN`."""

PICK = r"\b(?:choose|select|pick|opt for|go with|wähle|elijo|escojo|elegiría|choisis|choisirais|scelgo|escolho)"
"""Verbs that take the letter they choose."""

NONE_OF = (
    r"\b(?:none|neither) of (?:the|these|them|those)\b|\bnone of the above\b"
    r"|\bno (?:correct|suitable) (?:option|answer|choice)\b|\bninguna de\b|\baucune? des\b|\bkeine (?:der|von)\b"
    r"|都不(?:对|正确|是)|以上皆非|どれでもな"
)
"""All options are turned down."""

UNSURE = (
    r"\b(?:cannot|can't|can not|could not|couldn't) (?:be )?(?:definitively |accurately |reliably )?"
    r"(?:determined?|tell|say|decide|answer)|\bunable to|(?:\bnot|n't) (?:possible|sure|certain)"
    r"|\bimpossible to (?:say|tell|determine)|\b(?:i )?(?:don't|do not) know|\bno se puede|\bno estoy segur|\bno sé\b"
    r"|\bimpossible de|\bje ne sais pas"
    r"|\b(?:ich )?weiß (?:es )?nicht|\bnicht (?:sicher|möglich|zu erkennen)"
    r"|无法|不确定|不知道|分かりません|わかりません"
)
"""The reply says that it doesn't know."""

STRICT_YES = frozenset(("yes", "yeah", "yep", "true", "是的", "对的", "はい", "sí", "oui"))
"""Words that mean yes wherever they stand alone."""
STRICT_NO = frozenset(("no", "nope", "false", "不是", "いいえ", "nein", "não"))
"""Words that mean no wherever they stand alone."""
YES = STRICT_YES | {
    "correct", "right", "si", "ja", "да", "sim", "是", "对", "有", "正确", "vrai", "verdadero", "wahr", "richtig",
    "correcto", "cierto", "真", "うん", "ええ",
}  # fmt: skip
"""Words that mean yes where they are the whole answer or declared as it."""
NO = STRICT_NO | {
    "incorrect", "wrong", "non", "нет", "否", "不", "不对", "没有", "错误", "faux", "falso", "falsch", "incorrecto",
    "假", "偽", "ううん",
}  # fmt: skip
"""Words that mean no where they are the whole answer or declared as it."""
FIRST_YES = STRICT_YES | {"是", "对", "有", "ja", "si", "да", "sim"}
"""Words that mean yes at the start of a reply, before a comma or a full stop."""
FIRST_NO = STRICT_NO | {"否", "没有", "不", "non", "нет"}
"""Words that mean no at the start of a reply, before a comma or a full stop."""

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# Words that are also English ("once", "elf", "dos" is kept) or articles ("un", "ein") are left out.
_FOREIGN = (
    "cero zéro", "eins uno", "zwei dos deux", "drei tres trois", "vier cuatro quatre", "fünf cinco cinq",
    "sechs seis", "sieben siete sept", "acht ocho huit", "neun nueve neuf", "zehn diez dix", "onze", "zwölf doce douze",
)  # fmt: skip
NUMBER_WORDS: dict[str, int] = {
    **{word: i for i, word in enumerate(_ONES)},
    **{word: 10 * i for i, word in enumerate(_TENS, start=2)},
    **{word: i for i, words in enumerate(_FOREIGN) for word in words.split()},
}
"""Number words: English to ninety, Spanish, French and German to twelve."""

_HAN_DIGITS = {char: i for i, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "萬": 10_000}
HAN_NUMERALS = "".join((*_HAN_DIGITS, *_HAN_SCALES))
"""Characters of Chinese and Japanese numerals."""


def han_number(text: str) -> int:
    """The value of a numeral in Han characters.

    >>> [han_number(text) for text in ("三", "十二", "二十一", "两百零五", "一万二千")]
    [3, 12, 21, 205, 12000]
    """
    total, current, digit = 0, 0, 0
    for char in text:
        scale = _HAN_SCALES.get(char)
        if scale is None:
            digit = _HAN_DIGITS[char]
        elif scale == 10_000:
            total, current, digit = total + max(current + digit, 1) * scale, 0, 0
        else:
            current, digit = current + max(digit, 1) * scale, 0
    return total + current + digit


LEFT_RIGHT = {
    "左": "left", "左边": "left", "左侧": "left", "左側": "left", "右": "right", "右边": "right", "右侧": "right",
    "右側": "right", "上": "above", "上面": "above", "下": "below", "下面": "below", "前": "front", "前面": "front",
    "后": "behind", "后面": "behind", "izquierda": "left", "derecha": "right", "gauche": "left", "droite": "right",
    "links": "left", "rechts": "right",
}  # fmt: skip
"""Spatial words of other languages as the English word of an option."""
