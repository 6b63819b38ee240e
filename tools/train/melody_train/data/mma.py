"""MMA (Musical MIDI Accompaniment) as the arranger: which grooves its library has, and song lines → Score.

MMA is a GPL program that we run, not link; the MIDI it writes is ours (its manual says so).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from typing import NamedTuple

from .score import Score, read_midi

LIBRARY = os.environ.get('MELODY_MMA_LIBRARY', '/usr/share/mma/lib')


class Groove(NamedTuple):
    path: str  # 'stdlib/bossanova:BossaNova', the name MMA loads it by
    name: str
    beats: int  # MMA beats per bar
    part: str  # 'main' | 'intro' | 'fill' | 'break'


class MmaError(RuntimeError):
    """MMA is missing or did not compile the song."""


@cache
def grooves(style_file: str, library: str = LIBRARY) -> tuple:
    """All usable grooves of one style file ('stdlib/bossanova'), in file order."""
    path = os.path.join(library, style_file + '.mma')
    if not os.path.exists(path):
        raise MmaError(f'MMA style file {style_file} not found under {library}; on Debian: apt-get install mma')
    beats, out, seen = 4, [], set()
    with open(path, encoding='latin-1') as f:
        lines = f.readlines()
    for line in lines:
        if time := re.match(r'\s*time\s+(\d+)(/8)?', line, re.I):
            beats = int(time[1]) // (3 if time[2] else 1)  # 'Time 6/8' counts two dotted beats, 'Time 6' six
        if found := re.match(r'\s*defgroove\s+(\S+)', line, re.I):
            name = found[1]
            low = name.lower()
            if low in seen:
                continue
            seen.add(low)
            part = 'main'
            for kind in ('intro', 'fill', 'break'):
                if kind in low:
                    part = kind
            if part == 'main' and (re.search(r'end(ing)?[a-d]*\d*$|metronome|turn|stop', low)):
                continue
            if style_file.startswith('pflib') and re.search(r'f[ab]$|e$', low):
                continue
            out.append(Groove(f'{style_file}:{name}', name, beats, part))
    return tuple(out)


def compile_song(lines: list, seed: int) -> Score:
    """MMA source lines → Score. Same lines and seed → same score."""
    program = shutil.which('mma')
    if not program:
        raise MmaError('the program mma is not installed; on Debian: apt-get install mma')
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, 'song.mma'), os.path.join(folder, 'song.mid')
        with open(source, 'w') as f:
            f.write('\n'.join([f'RndSeed {seed}'] + lines) + '\n')
        done = subprocess.run([program, '-w', source, '-f', target], cwd=folder, capture_output=True, text=True, timeout=60)
        if done.returncode or not os.path.exists(target):
            raise MmaError(f'mma failed: {done.stdout[-300:]}{done.stderr[-300:]}')
        with open(target, 'rb') as f:
            return read_midi(f.read())
