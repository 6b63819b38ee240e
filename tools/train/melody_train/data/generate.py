"""seed → piece (score, attributes, captions, beats, chords) → audio. The whole data set follows from its seed and the installed
versions of mma (grooves and its use of Python's random), libfluidsynth and the sound font; scores and captions do not depend on the latter
two.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from random import Random

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from ..envelopes import resampled
from . import captions, mma
from .arrangements import SPECS
from .arranger import Arranger
from .instruments import CLASS_OF, GM, LEADS, ROLES
from .score import DRUMS, Event, Score
from .styles import STYLES, Style
from .synth import Room, Synth
from .theory import NAMES, melody, progression

RMS, PEAK = 0.10, 0.95
HIGH_PASS_HZ = 28.0
KEEPS_PROGRAMS = re.compile('piano|guitar|string|harp|organ|chip|metal|orchestra|ragtime')  # styles named after what plays
NAME_OF_METRE = {4: '4/4', 3: '3/4', 2: '6/8', 5: '5/4'}


@dataclass
class Piece:
    score: Score
    attributes: dict
    captions: list
    heldout_captions: list
    beats: list
    bars: list
    chords: list


def _own(rng: Random, style: Style, name: str, bpm: float, tonic: int, mode: str, seconds: float):
    spec = SPECS[name]
    beat = 60 / bpm
    count = int(seconds / (beat * spec.beats)) + 1
    bars = progression(rng, style.harmony, tonic, mode, count)
    arranger = Arranger(rng, spec, bars, beat)
    score = arranger.write()
    density = rng.uniform(*spec.lead_density) if rng.random() < spec.lead_chance else None
    sections = ['build', 'main'] if arranger.entries else ['main']
    return score, bars, spec.beats, beat, density, sections


def _song_plan(rng: Random, style_file: str, pattern: str | None, bars: int) -> tuple:
    """Groove name per bar, section names, MMA beats per bar."""
    every = mma.grooves(style_file)
    main = [g for g in every if g.part == 'main' and (not pattern or re.search(pattern, g.name, re.I))]
    a = rng.choice(main)
    same = [g for g in every if g.beats == a.beats]
    b = rng.choice([g for g in same if g.part == 'main'])
    intros, fills = ([g for g in same if g.part == p] for p in ('intro', 'fill'))
    plan, sections = [a.path] * bars, ['main']
    b_from = 8 if b != a and rng.random() < 0.4 and bars > 9 else bars
    if b_from < bars:
        plan[b_from:] = [b.path] * (bars - b_from)
        sections.append('b part')
    if fills and bars > 9 and rng.random() < 0.5:
        plan[7] = rng.choice(fills).path
    if intros and rng.random() < 0.15:
        n = 4 if bars > 8 else 2
        plan[:n] = [rng.choice(intros).path] * n
        sections.insert(0, 'intro')
    return plan, sections, a.beats


def _mma(rng: Random, style: Style, source: str, bpm: float, tonic: int, mode: str, seconds: float):
    style_file, _, pattern = source.partition('#')
    state = rng.getstate()
    beats = _song_plan(rng, style_file, pattern, 1)[2]
    rng.setstate(state)
    felt = 2 if beats == 6 else beats  # six-eight is felt in two
    beat = 60 / bpm
    count = int(seconds / (beat * felt)) + 1
    plan, sections, beats_of_plan = _song_plan(rng, style_file, pattern, count)
    if beats_of_plan != beats:
        raise mma.MmaError('groove choice depends on its length')
    bars = progression(rng, style.harmony, tonic, mode, count)
    lines, groove = [f'Tempo {bpm * beats / felt:.3f}'], None
    for i, chords in enumerate(bars):
        if plan[i] != groove:
            groove = plan[i]
            lines.append(f'Groove {groove}')
        words = [chords[0].mma] + ['/'] * (beats - 1)
        if len(chords) == 2 and beats in (4, 6):
            words[beats // 2] = chords[1].mma
        elif len(chords) == 2:
            bars[i] = chords[:1]
        lines.append(f'{i + 1} ' + ' '.join(words))
    score = mma.compile_song(lines, rng.randrange(1 << 30))
    grid = [b for b in score.beats if b < seconds]
    expected = beat * felt / beats
    if len(grid) > 2 and (abs(np.diff(grid) - expected) > 1e-3).any():
        raise mma.MmaError('the groove changes the tempo')
    density = rng.uniform(0.1, 0.75) if rng.random() < 0.72 else None
    return score, bars, felt, beat, density, sections


def _swap_programs(rng: Random, score: Score, keep_bass: bool = True) -> Score:
    """Give some accompaniment channels another program of the same role, so that instruments and style are not tied together."""
    used = {}
    for n in score.notes():
        used.setdefault((n.channel, n.program), []).append(n)
    swaps = {}
    for channel, program in sorted(used):
        if channel == DRUMS or rng.random() > 0.3:
            continue
        roles = [r for r in ROLES if program in r]
        if roles:
            swaps[channel, program] = rng.choice(roles[0])
    return Score([e._replace(a=swaps.get((e.channel, e.a), e.a)) if e.kind == 'pc' else e for e in score.events], score.beats)


def _add_melody(
    rng: Random, style: Style, score: Score, bars: list, beats: int, beat: float, tonic: int, mode: str, density: float, seconds: float
):
    free = [c for c in range(16) if c != DRUMS and c not in score.channels()]
    if not free:
        return None
    program = rng.choice(style.leads) if style.leads and rng.random() < 0.75 else rng.choice(LEADS)
    channel = free[-1]
    score.events = [e for e in score.events if e.channel != channel]
    score.instrument(channel, program, 105, 64)
    low, high = (48, 72) if program in (42, 57, 60, 66) else (60, 85)
    for start, length, pitch, accent in melody(rng, bars, beats, tonic, mode, density, low, high):
        if start * beat < seconds:
            score.add_note(start * beat + max(0, rng.gauss(0.004, 0.004)), length * beat, channel, pitch, 84 + round(26 * accent))
    score.sort()
    return program


def _chord_spans(bars: list, beats: int, beat: float, seconds: float) -> list:
    spans = []
    for i, chords in enumerate(bars):
        for k, c in enumerate(chords):
            start, end = (i + k / len(chords)) * beats * beat, (i + (k + 1) / len(chords)) * beats * beat
            if start < seconds:
                spans.append([round(start, 4), round(min(end, seconds), 4), c.root, c.triad, c.quality])
    return spans


def make_piece(seed: int, seconds: float = 24.0, style: Style | None = None) -> Piece:
    """The piece of this seed. A groove MMA cannot compile is drawn again (deterministically); MmaError after eight tries."""
    for attempt in range(8):
        try:
            return _make_piece(Random(f'melody-{seed}-{attempt}'), seconds, style)
        except mma.MmaError as error:
            last = error
    raise last


def _make_piece(rng: Random, seconds: float, style: Style | None) -> Piece:
    style = style or rng.choices(STYLES, [s.weight for s in STYLES])[0]
    mode = 'minor' if rng.random() < style.minor else 'major'
    tonic = rng.randrange(12)
    bpm = float(round(rng.uniform(*style.tempo)))
    source = rng.choice(style.sources)
    make, argument = (_own, source[4:]) if source.startswith('own:') else (_mma, source)
    score, bars, beats, beat, density, sections = make(rng, style, argument, bpm, tonic, mode, seconds)
    score.events = [e for e in score.events if e.time < seconds + 1]
    if source.startswith('own:'):
        score = _swap_programs(rng, score) if rng.random() < 0.25 and not KEEPS_PROGRAMS.search(style.name) else score
    elif rng.random() < 0.5 and not KEEPS_PROGRAMS.search(style.name):
        score = _swap_programs(rng, score)
    if DRUMS in score.channels() and rng.random() < 0.1:
        score = score.without({DRUMS})
    elif DRUMS in score.channels() and rng.random() < 0.12:
        start = rng.choice((4, 8)) * beats * beat
        score = score.without({DRUMS}, start, start + 2 * beats * beat)
        sections.append('break')
    others = sorted(score.channels() - {DRUMS})
    if len(others) > 3 and rng.random() < 0.25:
        score = score.without({rng.choice(others)})
    lead = None
    if density is not None:
        lead = _add_melody(rng, style, score, bars, beats, beat, tonic, mode, density, seconds)
    notes = score.notes(until=seconds)
    if not seconds / 3 < len(notes) < 60 * seconds:
        raise mma.MmaError(f'{len(notes)} notes in {seconds} s: too few or too many')
    attributes = _attributes(rng, style, source, bpm, tonic, mode, beats, notes, lead, sections, seconds)
    total = int(seconds / beat) + 1
    grid = [round(i * beat, 4) for i in range(total) if i * beat < seconds]
    return Piece(
        score.sort(),
        attributes,
        captions.write(rng, attributes, 6),
        captions.write(rng, attributes, 3, captions.HELD_OUT_TEMPLATES),
        grid,
        grid[::beats],
        _chord_spans(bars, beats, beat, seconds),
    )


def _attributes(rng, style, source, bpm, tonic, mode, beats, notes, lead, sections, seconds) -> dict:
    pitched = {}
    for n in notes:
        if n.channel != DRUMS:
            pitched[n.program] = pitched.get(n.program, 0.0) + min(n.end - n.start, 2.0) * n.velocity / 100
    heard = [p for p, amount in sorted(pitched.items(), key=lambda x: -x[1]) if amount > 0.04 * seconds]
    if lead is not None and lead in heard:
        heard.remove(lead)
        heard.insert(0, lead)
    names = list(dict.fromkeys(GM[p] for p in heard))
    drum_notes = sum(n.channel == DRUMS for n in notes)
    drums = drum_notes > 0.5 * seconds
    per_second = len(notes) / seconds
    return {
        'style': style.name,
        'family': style.family,
        'source': source,
        'other_names': list(style.other_names),
        'tempo': bpm,
        'tempo_class': captions.tempo_class(bpm),
        'key': f'{NAMES[tonic]} {mode}',
        'tonic': tonic,
        'mode': mode,
        'metre': NAME_OF_METRE.get(beats, '4/4'),
        'moods': captions.moods(style.moods, mode, bpm),
        'instruments': names + (['drums'] if drums and rng.random() < 0.5 else []),
        'programs': heard,
        'instrument_classes': sorted({CLASS_OF[p] for p in heard} | ({'drums'} if drums else set())),
        'lead': GM[lead] if lead is not None and lead in heard else None,
        'drums': drums,
        'density': 'sparse' if per_second < 7 else 'dense' if per_second > 22 else 'medium',
        'notes_per_second': round(per_second, 2),
        'sections': sections,
        'uses': list(style.uses),
    }


def finish_audio(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """High-pass 28 Hz (some presets carry DC), rms 0.10, peak at most 0.95 → int16. Raises ValueError for a silent clip."""
    y = sosfilt(butter(2, HIGH_PASS_HZ, 'highpass', fs=sample_rate, output='sos'), audio.astype(np.float64))
    rms = float(np.sqrt(np.mean(y**2)))
    if not math.isfinite(rms):
        raise ValueError('not finite: samples that are NaN or infinite')
    if rms < 1e-4:
        raise ValueError(f'silent clip: rms {rms:.2e}')
    y *= RMS / rms
    y *= min(1.0, PEAK / float(np.abs(y).max()))
    return np.round(y * 32767).astype(np.int16)


@dataclass(frozen=True)
class Production:
    """How a piece is played and recorded: the sound font's number, how freely it is played, the room and the master compressor."""

    font: int
    timing: float  # seconds, standard deviation of each note's start
    velocity: float  # standard deviation of each note's velocity
    spread: float  # standard deviation of an instrument's place, in steps of MIDI pan (0 left ... 127 right); basses and drums stay where they are  # noqa: E501
    room: Room
    ratio: float  # of the compressor above its threshold; 1 is off


def draw_production(seed: int, fonts: int) -> Production:
    """The production of this seed; independent of the piece, so that timbre and style are not tied together."""
    rng = Random(f'production-{seed}')
    room = Room(
        rng.uniform(0.1, 0.7),
        rng.uniform(0.0, 0.7),
        rng.uniform(0.3, 1.0),
        rng.uniform(0.2, 1.0),
        rng.uniform(0.5, 2.0) if rng.random() < 0.4 else 0.0,
    )
    return Production(
        rng.randrange(fonts),
        rng.uniform(0.0, 0.008),
        rng.uniform(0.0, 8.0),
        rng.uniform(0.0, 34.0),
        room,
        rng.choice((1.0, 1.0, 1.5, 2.0, 3.0)),
    )


def humanise(score: Score, seed: int, timing: float, velocity: float) -> Score:
    """Every note starts and ends a little early or late and is struck a little softer or harder. Drums keep half of the looseness."""
    rng, events, moved = Random(f'human-{seed}'), [], {}
    for e in score.events:
        if e.kind == 'on':
            scale = 0.5 if e.channel == DRUMS else 1.0
            moved[e.channel, e.a] = shift = rng.gauss(0, timing * scale)
            e = e._replace(time=max(0.0, e.time + shift), b=max(1, min(127, round(e.b + rng.gauss(0, velocity * scale)))))
        elif e.kind == 'off':
            e = e._replace(time=max(0.0, e.time + moved.get((e.channel, e.a), 0.0)))
        events.append(e)
    return Score(events, score.beats).sort()


def place(score: Score, seed: int, spread: float) -> Score:
    """Every pitched instrument but basses (GM 32-39, 43) gets a place of its own across the stereo field, where the score names none off
    the middle."""
    rng = Random(f'place-{seed}')
    placed = {e.channel for e in score.events if e.kind == 'cc' and e.a == 10 and abs(e.b - 64) > 8}
    low = {e.channel for e in score.events if e.kind == 'pc' and e.a in (32, 33, 34, 35, 36, 37, 38, 39, 43)}
    events = [
        Event(0.0, 'cc', channel, 10, max(4, min(124, round(64 + rng.gauss(0, spread)))))
        for channel in sorted(score.channels() - placed - low - {DRUMS})
    ]
    return Score(score.events + events, score.beats).sort()


def compress(audio: np.ndarray, sample_rate: int, ratio: float, threshold: float = 0.1, release: float = 0.15) -> np.ndarray:
    """[channels, n]: gain of both channels alike where the smoothed power lies over `threshold` (rms of a clip at level 0.1)."""
    if ratio <= 1:
        return audio
    a = np.exp(-1 / (release * sample_rate))
    level = np.sqrt(np.maximum(lfilter([1 - a], [1, -a], (audio**2).mean(0)), 1e-10))
    return audio * np.minimum(1.0, (level / threshold) ** (1 / ratio - 1))


def render_produced(piece: Piece, synths: list, seed: int, seconds: float = 24.0) -> tuple:
    """-> (mono int16 [seconds · 24000], stereo int16 [2, seconds · rate]): the same sound, so that what is learnt from one holds for the
    other.
    The synths, one a sound font, play at 48 kHz. Mono has rms 0.10; stereo is at most 0.95 at its peak, with the mono as the mean of its
    channels, by the resampler that the engine has: what encoder and tokens hear of a recording ends at 11.4 kHz."""
    production = draw_production(seed, len(synths))
    synth = synths[production.font]
    rate = synth.sample_rate
    score = place(humanise(piece.score, seed, production.timing, production.velocity), seed, production.spread)
    audio = synth.render_stereo(score, seconds, production.room).astype(np.float64)
    audio = sosfilt(butter(2, HIGH_PASS_HZ, 'highpass', fs=rate, output='sos'), audio)
    rms = float(np.sqrt(np.mean(audio.mean(0) ** 2)))
    if rms < 1e-4:
        raise ValueError(f'silent clip: rms {rms:.2e}')
    audio = compress(audio * (RMS / rms), rate, production.ratio)
    audio *= RMS / np.sqrt(np.mean(audio.mean(0) ** 2))
    audio *= min(1.0, PEAK / float(np.abs(audio).max()))
    mono = resampled(audio.mean(0), rate, 24000) if rate != 24000 else audio.mean(0)
    return tuple(np.round(np.clip(y, -1, 1) * 32767).astype(np.int16) for y in (mono, audio))


def render(piece: Piece, synth: Synth, seconds: float = 24.0) -> np.ndarray:
    """int16 [seconds · sample rate]."""
    return finish_audio(synth.render(piece.score, seconds), synth.sample_rate)
