"""Questions that a language model writes about annotated pictures, checked and balanced; dataset cards; the hub.

`wherewise.curate.dataset` writes a dataset, `wherewise.curate.card` its card, `wherewise.curate.push` uploads it.
"""
