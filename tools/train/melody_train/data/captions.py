"""Attributes → captions in many wordings. Every word said is true of the clip; what is left out varies.

TEMPLATES are for training, HELD_OUT_TEMPLATES only for evaluation. A template's slots are filled by `_slots`; a template whose slot
has nothing to say (no lead, say) is not used for that clip.
"""

from __future__ import annotations

import string
from random import Random

from .instruments import SYNONYMS

TEMPO_WORDS = (
    ('very slow', 0, 70, ('very slow', 'slow', 'unhurried')),
    ('slow', 70, 92, ('slow', 'slow', 'downtempo', 'unhurried')),
    ('medium', 92, 124, ('mid-tempo', 'medium tempo', 'moderate', 'medium-paced')),
    ('fast', 124, 156, ('fast', 'fast', 'up-tempo', 'quick')),
    ('very fast', 156, 999, ('very fast', 'fast', 'rapid', 'racing')),
)
MODE_MOODS = {
    ('major', 'slow'): ('peaceful', 'tender', 'warm', 'calm'),
    ('major', 'medium'): ('happy', 'bright', 'friendly', 'optimistic'),
    ('major', 'fast'): ('joyful', 'happy', 'uplifting', 'cheerful'),
    ('minor', 'slow'): ('sad', 'melancholic', 'dark', 'lonely'),
    ('minor', 'medium'): ('moody', 'serious', 'dark', 'wistful'),
    ('minor', 'fast'): ('tense', 'dark', 'dramatic', 'intense'),
}
ONLY_MINOR = {'dark', 'sad', 'ominous', 'tense', 'melancholic', 'lonely', 'mysterious', 'aggressive', 'intense', 'moody'}
ONLY_MAJOR = {'happy', 'cheerful', 'joyful', 'merry', 'sunny', 'bright', 'uplifting', 'funny'}
DENSITY = {'sparse': ('sparse', 'minimal', 'simple'), 'medium': ('',), 'dense': ('busy', 'rich', 'dense', 'full')}

TEMPLATES = (
    '{style}',
    '{speed} {style}',
    '{mood} {style}',
    '{speed} {mood} {style}',
    '{mood} {style} with {instruments}',
    '{style} with {instruments}',
    '{style}, {mood}, {speed}, {instruments}',
    '{style}, {bpm}',
    '{speed} {style}, {bpm}, {key}',
    '{mood} {style} in {key}',
    '{style} in {key}, {bpm}, {instruments}',
    'a {speed} and {mood} {style} track',
    'a {mood} {style} piece played on {instruments}',
    '{lead} melody over a {style} accompaniment',
    '{mood} {style} with a {lead} lead',
    '{lead}, {style}, {mood}',
    'background music for {use}',
    '{mood} background music for {use}',
    '{style} for {use}',
    'music for {use}: {mood}, {speed}, {instruments}',
    'a {style} tune at {bpm} in {key} with {instruments}',
    '{instruments}, {speed}, {mood}',
    'instrumental {style}, {mood} and {mood2}',
    '{density} {style} with {instruments}',
    'genre: {style}. mood: {mood}. tempo: {speed}. key: {key}.',
    '{style} | {mood} | {bpm} | {instruments}',
    'the song is a {mood} {style} with {instruments}, played at a {speed} tempo',
    'something {mood} and {speed}, {style} style',
    '{style} in {metre} time, {mood}',
    '{style}, {drums}',
    '{mood} {style} {drums}, {speed}',
    '{family} music, {mood}, with {instruments}',
    '{style} loop for {use}, {bpm}',
    'play a {mood} {style} in {key}',
    '{lead} solo with {style} backing, {bpm}',
    '{mood} {lead} and {instrument2}, {style}',
)
HELD_OUT_TEMPLATES = (
    'I would like a {speed} {style} that feels {mood}',
    '{mood} tune in the style of {style}, about {bpm}',
    'an instrumental for {use}, {style}, {key}',
    'please make some {style} featuring {instruments}',
    '{key} {style} that sounds {mood} and is {speed}',
    'we need {mood} {style} for {use}',
    'a piece where the {lead} plays the tune, {style}',
    '{instruments} playing {mood} {style} around {bpm}',
)


def tempo_class(bpm: float) -> str:
    return next(name for name, low, high, _ in TEMPO_WORDS if low <= bpm < high)


def moods(style_moods: tuple, mode: str, bpm: float) -> list:
    speed = 'slow' if bpm < 92 else 'medium' if bpm < 124 else 'fast'
    banned = ONLY_MAJOR if mode == 'minor' else ONLY_MINOR
    own = [m for m in style_moods if m not in banned]
    return own + [m for m in MODE_MOODS[mode, speed] if m not in own]


def _instrument(rng: Random, name: str) -> str:
    return rng.choice(SYNONYMS.get(name, (name,)))


def _slots(rng: Random, a: dict) -> dict:
    """Slot → words, None where the clip has nothing to say."""
    words = next(w for name, _, _, w in TEMPO_WORDS if name == a['tempo_class'])
    bpm = round(a['tempo'])
    names = a['instruments'][:]
    first, rest = names[:2], names[2:]
    rng.shuffle(rest)
    named = [_instrument(rng, n) for n in (first + rest)[: rng.choice((1, 2, 2, 3))]]
    rng.shuffle(named)
    named = list(dict.fromkeys(named))
    listing = ', '.join(named) if rng.random() < 0.3 or len(named) < 2 else ', '.join(named[:-1]) + ' and ' + named[-1]
    mood, mood2 = rng.sample(a['moods'], 2) if len(a['moods']) > 1 else a['moods'] * 2
    others = [n for n in names if n != a['lead']]
    return {
        'style': rng.choice((a['style'],) * 3 + tuple(a['other_names'])),
        'family': a['family'],
        'speed': rng.choice(words),
        'mood': mood,
        'mood2': mood2,
        'bpm': rng.choice((f'{bpm} bpm', f'{bpm} BPM', f'tempo {bpm}', f'{bpm} beats per minute')),
        'key': rng.choice((a['key'], a['key'], a['key'] + ' key', f'the key of {a["key"]}'))
        if rng.random() < 0.8
        else f'a {a["mode"]} key',
        'instruments': listing or None,
        'lead': _instrument(rng, a['lead']) if a['lead'] else None,
        'instrument2': _instrument(rng, rng.choice(others)) if others else None,
        'use': rng.choice(a['uses']) if a['uses'] else None,
        'density': rng.choice(DENSITY[a['density']]) or None,
        'metre': a['metre'],
        'drums': rng.choice(('with drums', 'with percussion')) if a['drums'] else rng.choice(('without drums', 'no drums', 'drumless')),
        'sections': {'intro': 'with an intro', 'break': 'with a break', 'b part': 'with two parts', 'build': 'that builds up'}.get(
            next((s for s in a['sections'] if s != 'main'), ''), None
        ),
    }


def write(rng: Random, attributes: dict, count: int, templates: tuple = TEMPLATES) -> list:
    """`count` different captions (as far as the templates allow)."""
    order = list(templates)
    rng.shuffle(order)
    out = []
    for template in order * 2:
        if len(out) == count:
            break
        slots = _slots(rng, attributes)
        fields = [f for _, f, _, _ in string.Formatter().parse(template) if f]
        if any(slots[f] is None for f in fields):
            continue
        text = ' '.join(template.format(**slots).replace(' a a ', ' a ').split())
        for vowel in 'aeiou':
            text = text.replace(f' a {vowel}', f' an {vowel}')
        if text.startswith('a ') and text[2:3] in 'aeiou':
            text = 'an ' + text[2:]
        if rng.random() < 0.25:
            text = text[0].upper() + text[1:]
        if text not in out:
            out.append(text)
    return out
