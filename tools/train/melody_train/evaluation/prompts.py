"""Prompts whose every wish is known. Wordings are those held out from training."""

from __future__ import annotations

from random import Random

from ..data.instruments import CLASS_OF, GM, SYNONYMS

PATTERNS = (
    'please make some {style} featuring {instruments}, {key}, around {bpm} bpm',
    'we need {mood} {style} in {key} at {bpm} bpm with {instruments}',
    'a piece of {style} where {instruments} play, {key}, {bpm} bpm',
    'I would like {style} in {key} that is {mood}, {bpm} bpm, {instruments}',
)


def detailed(row: dict) -> tuple:
    """(text, asked attributes) for one held-out clip: style, key, tempo, mood and two instruments, all of them true of the clip."""
    a, rng = row['attributes'], Random(row['id'])
    programs = a['programs'][:2]
    names = [rng.choice(SYNONYMS.get(GM[p], (GM[p],))) for p in programs]
    text = rng.choice(PATTERNS).format(
        style=a['style'], key=a['key'], bpm=round(a['tempo']), mood=a['moods'][0], instruments=' and '.join(dict.fromkeys(names))
    )
    asked = {
        'style': a['style'],
        'tempo': a['tempo'],
        'tonic': a['tonic'],
        'mode': a['mode'],
        'instrument_classes': sorted({CLASS_OF[p] for p in programs}),
    }
    return text, asked


def spread(rows: list, count: int) -> list:
    """Indices of `count` clips, as many different styles as possible first (in file order)."""
    seen, order = {}, []
    for i, r in enumerate(rows):
        k = seen[r['attributes']['style']] = seen.get(r['attributes']['style'], 0) + 1
        order.append((k, i))
    return [i for _, i in sorted(order)[:count]]
