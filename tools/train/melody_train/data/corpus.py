"""Users' own music → the shard format: a folder of audio with captions, or a folder of MIDI rendered through a sound font.

    python -m melody_train.data.corpus audio --in DIR --captions FILE --out data/mine      MusicCaps CSV, FMA tracks.csv, any CSV or JSONL
    python -m melody_train.data.corpus midi  --in DIR --out data/mine [--captions FILE]    MAESTRO and Lakh layouts, any tree of .mid

A file or a row that cannot be used is told in a line and left out; the rest goes on. Long files are cut into clips of --seconds; shorter
ones are left out and counted. Split by file (never by clip): one file in
--heldout-every goes to held-out, by the hash of its path. You must hold the rights to what you train on.
"""

from __future__ import annotations

import argparse
import ast
import csv
import hashlib
import io
import json
import math
import os
import shutil
import subprocess
import warnings

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

from .generate import finish_audio
from .instruments import CLASS_OF, GM
from .score import DRUMS, MidiError, read_midi
from .shards import write_shard
from .synth import Synth

AUDIO, MIDI = ('.wav', '.flac', '.mp3', '.ogg', '.opus', '.m4a', '.aac', '.aif', '.aiff'), ('.mid', '.midi')
LONGEST_SECONDS = 3600  # of a MIDI file; a longer one is broken


class CorpusError(ValueError):
    """A file or a caption table cannot be read; the message says which and what is expected."""


def read_audio(path: str, rate: int) -> np.ndarray:
    """Mono float64 at `rate`. WAV through scipy; other formats through soundfile, else ffmpeg, when installed. Raises CorpusError."""
    if path.lower().endswith('.wav'):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore', wavfile.WavFileWarning)  # side chunks that scipy does not know
                source, x = wavfile.read(path)
        except Exception as error:  # scipy lets struct.error, UnboundLocalError and others out of broken headers
            raise CorpusError(f'{path}: not a readable WAV file ({type(error).__name__}: {error})') from error
        scale = {'int16': 32768.0, 'int32': 2147483648.0, 'uint8': 128.0}.get(str(x.dtype), 1.0)
        x = (x.astype(np.float64) - (128.0 if x.dtype == np.uint8 else 0.0)) / scale
    else:
        source, x = _decode(path, rate)
    if x.ndim == 2:
        x = x.mean(1)
    if not len(x) or source <= 0:
        raise CorpusError(f'{path}: holds no sound ({len(x)} samples at {source} Hz)')
    if not np.isfinite(x).all():
        raise CorpusError(
            f'{path}: {int((~np.isfinite(x)).sum())} samples are NaN or infinite, the first at {int(np.argmin(np.isfinite(x))) / source:.3f} s'  # noqa: E501
        )
    if source != rate:
        g = math.gcd(source, rate)
        x = resample_poly(x, rate // g, source // g)
    return x


def _untold(path: str) -> bool:
    """An MP3 whose length no tag tells: libsndfile may read a part of it (findings/variable_mp3_without_tag.sh)."""
    with open(path, 'rb') as f:
        start = f.read(10)
        if start[:3] == b'ID3':  # 28 bits of its length, 7 in a byte
            f.seek(10 + sum(byte << shift for byte, shift in zip(start[6:10], (21, 14, 7, 0), strict=False)))
            start = b''
        frame = start + f.read(4096)
    return b'Xing' not in frame and b'Info' not in frame


def _decode(path: str, rate: int) -> tuple:
    refused, ffmpeg = None, shutil.which('ffmpeg')
    try:
        if ffmpeg and path.lower().endswith('.mp3') and _untold(path):
            raise RuntimeError('of an MP3 without a tag it may read a part only')
        import soundfile

        x, source = soundfile.read(path, dtype='float64')
        return source, x
    except ImportError:
        pass
    except RuntimeError as error:
        refused = error  # m4a, aac: ffmpeg may
    if ffmpeg:
        # Integers on purpose: to floats ffmpeg mixes stereo down 3 dB louder, past 1 (findings/swresample_channels_by_format.sh).
        done = subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-f', 's16le', '-ac', '1', '-ar', str(rate), '-'], capture_output=True)
        if done.returncode == 0:
            return rate, np.frombuffer(done.stdout, np.int16) / 32768.0
        raise CorpusError(f'{path}: ffmpeg cannot read it ({done.stderr.decode(errors="replace").strip()[-200:]})')
    if refused:
        raise CorpusError(f'{path}: soundfile cannot read it ({refused}); ffmpeg, which may, is not installed') from refused
    raise CorpusError(
        f'{path}: only WAV can be read here; for {os.path.splitext(path)[1]} install soundfile (pip install soundfile) or ffmpeg'
    )


# ---- captions ------------------------------------------------------------------------------------------------------------------
def _text_of(path: str, report) -> str:
    """A table's text: UTF-8 with or without a byte-order mark, UTF-16 with one, else Windows' Latin-1, which is told."""
    try:
        with open(path, 'rb') as f:
            data = f.read()
    except OSError as error:
        raise CorpusError(f'{path}: cannot be read ({error.strerror})') from error
    if data[:2] in (b'\xff\xfe', b'\xfe\xff'):
        return data.decode('utf-16', errors='replace')
    try:
        return data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        report(f'{path}: byte {error.start} is not UTF-8: read as Latin-1 (Windows-1252); save it as UTF-8 if letters come out wrong')
        return data.decode('cp1252', errors='replace')


def _cells(text: str) -> list:
    """Rows of a table, whose first line says whether commas, semicolons or tabs part its cells. Empty lines are left out."""
    first = text.split('\n', 1)[0]
    csv.field_size_limit(2**24)
    rows = csv.reader(io.StringIO(text.replace('\0', ''), newline=''), delimiter=max(',;\t', key=first.count))
    return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


def seconds_of(value) -> float | None:
    """Seconds of 1.5, "1.5", "1,5", "0:01" or "1:02:03.5"; None for nothing. Raises ValueError."""
    if value is None or str(value).strip() == '':
        return None
    parts = [float(p.replace(',', '.')) for p in str(value).strip().split(':')]
    total = sum(p * 60**i for i, p in enumerate(reversed(parts)))
    if len(parts) > 3 or not math.isfinite(total) or min(parts) < 0:
        raise ValueError(f'got "{value}" as a time, expected seconds, m:ss or h:mm:ss')
    return total


def _each(rows: list, path: str, entry_of, report) -> dict:
    """Entries of all rows that can be read; the others are told, by their number behind the header. Raises CorpusError where none can."""
    out, faults = {}, []
    for number, row in enumerate(rows, 1):
        try:
            name, entry = entry_of(row)
            entry['captions'] = list(dict.fromkeys(c.strip() for c in entry['captions'] if isinstance(c, str) and c.strip()))
            if not entry['captions']:
                raise CorpusError(f'{name} has no caption; expected one of caption, captions, text, tags, genre, title')
            if entry['end'] is not None and entry['end'] <= (entry['start'] or 0):
                raise CorpusError(f'{name} ends at {entry["end"]:g} s, before it starts at {entry["start"] or 0:g} s')
            out[name] = entry
        except (CorpusError, ValueError, KeyError, TypeError, AttributeError, SyntaxError) as error:
            faults.append(f'{path}: row {number}: left out: {error}')
    if not out and faults:
        raise CorpusError(faults[0].replace(': left out', ''))
    for fault in faults:
        report(fault)
    return out


def read_captions(path: str, report=print) -> dict:
    """File stem or relative path → {'captions': [...], 'start': seconds or None, 'end': ..., 'attributes': {...}}.

    MusicCaps CSV: ytid, start_s, end_s, aspect_list, caption (audio named YTID.wav or [YTID]-[start].wav). FMA tracks.csv: three header
    lines, ids in the first column, (track, title), (track, genre_top), (artist, name); audio in 000/000002.mp3. Otherwise a CSV or JSONL
    with
    a column 'file' (or 'filename', 'path', 'id', 'audio_filename', 'midi_filename') and any of 'caption', 'captions', 'text', 'title',
    'tags', 'genre'.
    """
    text = _text_of(path, report)
    if path.lower().endswith(('.jsonl', '.json')):
        try:
            rows = json.loads(text) if text.lstrip().startswith('[') else [line for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as error:
            raise CorpusError(f'{path}: not JSON: {error}') from error
        return _each(rows, path, lambda row: _generic(json.loads(row) if isinstance(row, str) else row), report)
    table = _cells(text)
    if not table:
        raise CorpusError(f'{path}: empty table')
    if len(table) > 3 and 'track' in table[0] and 'genre_top' in table[1]:
        return _each(table[3:], path, _fma(table), report)
    rows = [dict(zip(table[0], values)) for values in table[1:]]
    return _each(rows, path, _musiccaps if 'ytid' in table[0] and 'caption' in table[0] else _generic, report)


def _musiccaps(row: dict) -> tuple:
    aspects = ast.literal_eval(row['aspect_list']) if row.get('aspect_list', '').startswith('[') else []
    captions = [row['caption']] + ([', '.join(aspects)] if aspects else [])
    times = [seconds_of(row.get(k)) for k in ('start_s', 'end_s')]
    return row['ytid'], {'captions': captions, 'start': times[0], 'end': times[1], 'attributes': {'tags': aspects}}


def _fma(table: list):
    column = {(a, b): i for i, (a, b) in enumerate(zip(table[0], table[1]))}

    def entry(values):
        get = lambda a, b: values[column[a, b]].strip() if (a, b) in column and column[a, b] < len(values) else ''
        genre, title, artist = get('track', 'genre_top'), get('track', 'title'), get('artist', 'name')
        captions = [
            c
            for c in (
                genre.lower(),
                f'{genre.lower()}: {title}' if genre and title else '',
                f'{genre.lower()} by {artist}' if genre and artist else '',
            )
            if c
        ]
        return f'{int(values[0]):06d}', {'captions': captions, 'start': None, 'end': None, 'attributes': {'genre': genre.lower()}}

    return entry


def _generic(row: dict) -> tuple:
    if not isinstance(row, dict):
        raise CorpusError(f'got {type(row).__name__}, expected an object with "file" and "caption"')
    name = next((str(row[k]) for k in ('file', 'filename', 'path', 'audio_filename', 'midi_filename', 'id') if row.get(k)), None)
    if name is None:
        raise CorpusError(f'no column names the file; got {sorted(row)}, expected "file" (or filename, path, id)')
    captions = list(row.get('captions') or []) if not isinstance(row.get('captions'), str) else [row['captions']]
    captions += [str(row[k]) for k in ('caption', 'text') if row.get(k)]
    composer, title = row.get('canonical_composer'), row.get('canonical_title')
    if composer or title:  # MAESTRO
        captions += [f'classical piano, {composer}', f'{title} by {composer}, solo piano']
    if not captions:
        captions = [str(row[k]) for k in ('tags', 'genre', 'title') if row.get(k)]
    start, end = (seconds_of(row.get(k)) for k in ('start', 'end'))
    attributes = row.get('attributes')
    return name, {'captions': captions, 'start': start, 'end': end, 'attributes': attributes if isinstance(attributes, dict) else {}}


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
    found = [
        os.path.relpath(os.path.join(root, f), folder) for root, _, files in os.walk(folder) for f in files if f.lower().endswith(endings)
    ]
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
    return {
        'instruments': list(dict.fromkeys(GM[p] for p in programs)),
        'drums': 'drums' in amount,
        'instrument_classes': sorted({CLASS_OF[p] for p in programs} | ({'drums'} if 'drums' in amount else set())),
    }


def pieces(kind: str, folder: str, captions: dict, rate: int, report=print):
    """Yields (relative path, mono audio at `rate`, caption entry), None as the audio of a file that cannot be read, which is reported."""
    synth = Synth(rate) if kind == 'midi' else None
    for relative in list_files(folder, MIDI if kind == 'midi' else AUDIO):
        path, entry = os.path.join(folder, relative), find_caption(captions, relative)
        try:
            if kind == 'audio':
                if entry is None:
                    report(f'{relative}: no caption, left out')
                    continue
                sound = read_audio(path, rate)
            else:
                sound, entry = _rendered(path, synth, entry)
        except (CorpusError, MidiError) as error:
            report(f'{relative}: left out: {error}')
            sound = None
        except Exception as error:  # one file never ends the work on the others
            report(f'{relative}: left out: {type(error).__name__}: {error}')
            sound = None
        yield relative, sound, entry


def _rendered(path: str, synth: Synth, entry: dict | None) -> tuple:
    """A MIDI file's sound, and its caption entry, made from its instruments where none is given."""
    with open(path, 'rb') as f:
        score = read_midi(f.read())
    about = midi_attributes(score)
    names = about['instruments'] + (['drums'] if about['drums'] else [])
    end = max((n.end for n in score.notes()), default=0.0)
    if not names or not end <= LONGEST_SECONDS:
        raise CorpusError(f'{len(names)} instruments, {end:g} s; expected notes within {LONGEST_SECONDS} s')
    entry = entry or {'captions': [', '.join(names), 'music for ' + ' and '.join(names)], 'attributes': {}, 'start': None, 'end': None}
    return synth.render(score, end), {
        **entry,
        'attributes': {**about, **entry['attributes']},
        'start': None,
        'end': None,
        'beats': score.beats,
    }


def build(
    kind: str,
    folder: str,
    out: str,
    captions_file: str | None = None,
    seconds: float = 24.0,
    rate: int = 24000,
    shard: int = 32,
    heldout_every: int = 20,
    report=print,
) -> dict:
    """Writes the shards; returns {'train': clips, 'heldout': clips, 'short': files too short, 'bad': files that could not be read}."""
    captions = read_captions(captions_file, report) if captions_file else {}
    pending, index, counts = {'train': [], 'heldout': []}, {'train': 0, 'heldout': 0}, {'train': 0, 'heldout': 0, 'short': 0, 'bad': 0}

    def flush(split):
        if pending[split]:
            audio, rows = zip(*pending[split])
            write_shard(out, split, index[split], np.stack(audio), list(rows), rate)
            index[split] += 1
            pending[split].clear()

    length = round(seconds * rate)
    for relative, sound, entry in pieces(kind, folder, captions, rate, report):
        if sound is None:
            counts['bad'] += 1
            continue
        start, end = entry['start'] or 0.0, entry['end'] if entry['end'] is not None else len(sound) / rate
        if len(sound) >= end * rate and end > start:  # the caption speaks of a part of a longer file
            sound = sound[round(start * rate) : round(end * rate)]
        if len(sound) < length:
            counts['short'] += 1
            report(f'{relative}: {len(sound) / rate:.1f} s is shorter than {seconds:g} s, left out')
            continue
        split = split_of(relative, heldout_every)
        for k in range(len(sound) // length):
            try:
                clip = finish_audio(sound[k * length : (k + 1) * length], rate)
            except ValueError:
                continue  # a silent stretch
            start = k * seconds
            beats = [round(b - start, 4) for b in entry.get('beats', []) if start <= b < start + seconds]
            pending[split].append(
                (
                    clip,
                    {
                        'id': f'{relative}#{k}',
                        'seed': None,
                        'captions': entry['captions'],
                        'heldout_captions': [],
                        'attributes': entry['attributes'],
                        'beats': beats,
                        'bars': [],
                        'chords': [],
                        'notes_by_program': {},
                    },
                )
            )
            counts[split] += 1
            if len(pending[split]) == shard:
                flush(split)
    flush('train')
    flush('heldout')
    report(
        f'{out}: {counts["train"]} training and {counts["heldout"]} held-out clips of {seconds:g} s; {counts["short"]} files too short, {counts["bad"]} left out'  # noqa: E501
    )
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
    try:
        build(a.kind, a.folder, a.out, a.captions, a.seconds, a.rate, heldout_every=a.heldout_every)
    except CorpusError as error:
        p.exit(1, f'corpus: {error}\n')


if __name__ == '__main__':
    main()
