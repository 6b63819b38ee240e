"""Users' own music → the shard format: a folder of audio with captions, or a folder of MIDI rendered through a sound font.

    python -m melody_train.data.corpus audio --in DIR --captions FILE --out data/mine      MusicCaps CSV, FMA tracks.csv, any CSV or JSONL
    python -m melody_train.data.corpus midi  --in DIR --out data/mine [--captions FILE]    MAESTRO and Lakh layouts, any tree of .mid

Long files are cut into clips of --seconds; shorter ones are left out and counted. Split by file (never by clip): one file in
--heldout-every goes to held-out, by the hash of its path. You must hold the rights to what you train on.
"""
from __future__ import annotations

import argparse
import ast
import csv
import hashlib
import json
import math
import os
import shutil
import subprocess

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

from .generate import finish_audio
from .instruments import CLASS_OF, GM
from .score import DRUMS, MidiError, read_midi
from .shards import write_shard
from .synth import Synth

AUDIO, MIDI = ('.wav', '.flac', '.mp3', '.ogg', '.m4a'), ('.mid', '.midi')


class CorpusError(ValueError):
    """A file or a caption table cannot be read; the message says which and what is expected."""


def read_audio(path: str, rate: int) -> np.ndarray:
    """Mono float64 at `rate`. WAV through scipy; other formats through soundfile, else ffmpeg, when installed."""
    if path.lower().endswith('.wav'):
        try:
            source, x = wavfile.read(path)
        except ValueError as error:
            raise CorpusError(f'{path}: not a readable WAV file ({error})') from error
        scale = {'int16': 32768.0, 'int32': 2147483648.0, 'uint8': 128.0}.get(str(x.dtype), 1.0)
        x = (x.astype(np.float64) - (128.0 if x.dtype == np.uint8 else 0.0)) / scale
    else:
        source, x = _decode(path, rate)
    if x.ndim == 2:
        x = x.mean(1)
    if source != rate:
        g = math.gcd(source, rate)
        x = resample_poly(x, rate // g, source // g)
    return x


def _decode(path: str, rate: int) -> tuple:
    try:
        import soundfile
        x, source = soundfile.read(path, dtype='float64')
        return source, x
    except ImportError:
        pass
    except RuntimeError as error:
        raise CorpusError(f'{path}: soundfile cannot read it ({error})') from error
    if shutil.which('ffmpeg'):
        done = subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-f', 's16le', '-ac', '1', '-ar', str(rate), '-'], capture_output=True)
        if done.returncode == 0:
            return rate, np.frombuffer(done.stdout, np.int16) / 32768.0
        raise CorpusError(f'{path}: ffmpeg cannot read it ({done.stderr.decode(errors="replace").strip()[-200:]})')
    raise CorpusError(f'{path}: only WAV can be read here; for {os.path.splitext(path)[1]} install soundfile (pip install soundfile) or ffmpeg')


# ---- captions ------------------------------------------------------------------------------------------------------------------
def read_captions(path: str) -> dict:
    """File stem or relative path → {'captions': [...], 'start': seconds or None, 'end': ..., 'attributes': {...}}.

    MusicCaps CSV: ytid, start_s, end_s, aspect_list, caption (audio named YTID.wav or [YTID]-[start].wav). FMA tracks.csv: three header
    lines, ids in the first column, (track, title), (track, genre_top), (artist, name); audio in 000/000002.mp3. Otherwise a CSV or JSONL with
    a column 'file' (or 'filename', 'path', 'id', 'audio_filename', 'midi_filename') and any of 'caption', 'captions', 'text', 'title', 'tags', 'genre'.
    """
    if path.endswith(('.jsonl', '.json')):
        with open(path, encoding='utf-8') as f:
            text = f.read()
        try:
            rows = json.loads(text) if text.lstrip().startswith('[') else [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as error:
            raise CorpusError(f'{path}: not JSON Lines: {error}') from error
        return dict(_generic(r, path) for r in rows)
    with open(path, newline='', encoding='utf-8') as f:
        table = list(csv.reader(f))
    if not table:
        raise CorpusError(f'{path}: empty table')
    if len(table) > 3 and 'track' in table[0] and 'genre_top' in table[1]:
        return _fma(table)
    rows = [dict(zip(table[0], values)) for values in table[1:]]
    if 'ytid' in table[0] and 'caption' in table[0]:
        return dict(_musiccaps(r) for r in rows)
    return dict(_generic(r, path) for r in rows)


def _musiccaps(row: dict) -> tuple:
    aspects = ast.literal_eval(row['aspect_list']) if row.get('aspect_list', '').startswith('[') else []
    captions = [row['caption']] + ([', '.join(aspects)] if aspects else [])
    return row['ytid'], {'captions': captions, 'start': float(row['start_s']), 'end': float(row['end_s']), 'attributes': {'tags': aspects}}


def _fma(table: list) -> dict:
    column = {(a, b): i for i, (a, b) in enumerate(zip(table[0], table[1]))}
    out = {}
    for values in table[3:]:
        get = lambda a, b: values[column[a, b]].strip() if (a, b) in column and column[a, b] < len(values) else ''
        genre, title, artist = get('track', 'genre_top'), get('track', 'title'), get('artist', 'name')
        captions = [c for c in (genre.lower(), f'{genre.lower()}: {title}' if genre and title else '', f'{genre.lower()} by {artist}' if genre and artist else '') if c]
        if captions:
            out[f'{int(values[0]):06d}'] = {'captions': captions, 'start': None, 'end': None, 'attributes': {'genre': genre.lower()}}
    return out


def _generic(row: dict, path: str) -> tuple:
    name = next((str(row[k]) for k in ('file', 'filename', 'path', 'audio_filename', 'midi_filename', 'id') if row.get(k)), None)
    if name is None:
        raise CorpusError(f'{path}: no column names the file; got {sorted(row)}, expected "file" (or filename, path, id)')
    captions = list(row.get('captions') or []) if not isinstance(row.get('captions'), str) else [row['captions']]
    captions += [str(row[k]) for k in ('caption', 'text') if row.get(k)]
    composer, title = row.get('canonical_composer'), row.get('canonical_title')
    if composer or title:  # MAESTRO
        captions += [f'classical piano, {composer}', f'{title} by {composer}, solo piano']
    if not captions:
        captions = [str(row[k]) for k in ('tags', 'genre', 'title') if row.get(k)]
    if not captions:
        raise CorpusError(f'{path}: {name} has no caption; expected one of caption, captions, text, tags, genre, title')
    start, end = (float(row[k]) if row.get(k) not in (None, '') else None for k in ('start', 'end'))
    return name, {'captions': captions, 'start': start, 'end': end, 'attributes': row.get('attributes') or {}}


def find_caption(captions: dict, relative: str) -> dict | None:
    """By relative path, file name, stem, or the '[stem]-[start]' that MusicCaps downloaders write."""
    name = os.path.basename(relative)
    stem = os.path.splitext(name)[0]
    for key in (relative, os.path.splitext(relative)[0], name, stem, stem.split(']-[')[0].strip('[]')):
        if key in captions:
            return captions[key]
    return None


# ---- folders → clips -----------------------------------------------------------------------------------------------------------
def list_files(folder: str, endings: tuple) -> list:
    found = [os.path.relpath(os.path.join(root, f), folder) for root, _, files in os.walk(folder) for f in files if f.lower().endswith(endings)]
    if not found:
        raise CorpusError(f'no file ending in {", ".join(endings)} under {folder}')
    return sorted(found)


def split_of(relative: str, heldout_every: int) -> str:
    return 'heldout' if int(hashlib.sha256(relative.encode()).hexdigest(), 16) % heldout_every == 0 else 'train'


def midi_attributes(score) -> dict:
    """What a MIDI file says of itself: the instruments that play and whether there are drums."""
    amount = {}
    for n in score.notes():
        amount['drums' if n.channel == DRUMS else n.program] = amount.get('drums' if n.channel == DRUMS else n.program, 0) + 1
    programs = sorted((p for p in amount if p != 'drums'), key=lambda p: -amount[p])[:5]
    return {'instruments': list(dict.fromkeys(GM[p] for p in programs)), 'drums': 'drums' in amount,
            'instrument_classes': sorted({CLASS_OF[p] for p in programs} | ({'drums'} if 'drums' in amount else set()))}


def pieces(kind: str, folder: str, captions: dict, rate: int, report=print):
    """Yields (relative path, mono audio at `rate`, caption entry). Files without a caption or that cannot be read are reported, not hidden."""
    synth = Synth(rate) if kind == 'midi' else None
    for relative in list_files(folder, MIDI if kind == 'midi' else AUDIO):
        path, entry = os.path.join(folder, relative), find_caption(captions, relative)
        try:
            if kind == 'audio':
                if entry is None:
                    report(f'{relative}: no caption, left out')
                    continue
                yield relative, read_audio(path, rate), entry
                continue
            with open(path, 'rb') as f:
                score = read_midi(f.read())
        except (CorpusError, MidiError) as error:
            report(f'{relative}: left out: {error}')
            continue
        about = midi_attributes(score)
        names = about['instruments'] + (['drums'] if about['drums'] else [])
        entry = entry or {'captions': [', '.join(names), 'music for ' + ' and '.join(names)], 'attributes': {}, 'start': None, 'end': None}
        end = max((n.end for n in score.notes()), default=0.0)
        yield relative, synth.render(score, end), {**entry, 'attributes': {**about, **entry['attributes']}, 'start': None, 'end': None, 'beats': score.beats}


def build(kind: str, folder: str, out: str, captions_file: str | None = None, seconds: float = 24.0, rate: int = 24000, shard: int = 32,
          heldout_every: int = 20, report=print) -> dict:
    """Writes the shards; returns {'train': clips, 'heldout': clips, 'short': files left out as too short}."""
    captions = read_captions(captions_file) if captions_file else {}
    pending, index, counts = {'train': [], 'heldout': []}, {'train': 0, 'heldout': 0}, {'train': 0, 'heldout': 0, 'short': 0}

    def flush(split):
        if pending[split]:
            audio, rows = zip(*pending[split])
            write_shard(out, split, index[split], np.stack(audio), list(rows), rate)
            index[split] += 1
            pending[split].clear()

    length = round(seconds * rate)
    for relative, sound, entry in pieces(kind, folder, captions, rate, report):
        if entry['start'] is not None and len(sound) >= entry['end'] * rate:  # the caption speaks of a part of a longer file
            sound = sound[round(entry['start'] * rate): round(entry['end'] * rate)]
        if len(sound) < length:
            counts['short'] += 1
            report(f'{relative}: {len(sound) / rate:.1f} s is shorter than {seconds:g} s, left out')
            continue
        split = split_of(relative, heldout_every)
        for k in range(len(sound) // length):
            try:
                clip = finish_audio(sound[k * length:(k + 1) * length], rate)
            except ValueError:
                continue  # a silent stretch
            start = k * seconds
            beats = [round(b - start, 4) for b in entry.get('beats', []) if start <= b < start + seconds]
            pending[split].append((clip, {'id': f'{relative}#{k}', 'seed': None, 'captions': entry['captions'], 'heldout_captions': [], 'attributes': entry['attributes'],
                                          'beats': beats, 'bars': [], 'chords': [], 'notes_by_program': {}}))
            counts[split] += 1
            if len(pending[split]) == shard:
                flush(split)
    flush('train')
    flush('heldout')
    report(f'{out}: {counts["train"]} training and {counts["heldout"]} held-out clips of {seconds:g} s; {counts["short"]} files too short')
    return counts


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('kind', choices=('audio', 'midi'))
    p.add_argument('--in', dest='folder', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--captions')
    p.add_argument('--seconds', type=float, default=24.0)
    p.add_argument('--rate', type=int, default=24000)
    p.add_argument('--heldout-every', type=int, default=20)
    a = p.parse_args()
    if a.kind == 'audio' and not a.captions:
        p.error('audio needs --captions FILE (CSV or JSONL)')
    build(a.kind, a.folder, a.out, a.captions, a.seconds, a.rate, heldout_every=a.heldout_every)


if __name__ == '__main__':
    main()
