"""Symbolic music: the event list every generator and loader makes and the synthesiser plays; a Standard MIDI File reader.

A score is `events`, sorted (seconds, kind, channel, a, b):
  'on' a = pitch, b = velocity (1..127) · 'off' a = pitch · 'cc' a = controller, b = value · 'pc' a = program · 'bend' a = 0..16383
Channel 9 is the drum kit.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

DRUMS = 9
ORDER = {'off': 0, 'pc': 1, 'cc': 2, 'bend': 3, 'on': 4}


class Event(NamedTuple):
    time: float
    kind: str
    channel: int
    a: int
    b: int = 0


class Note(NamedTuple):
    start: float
    end: float
    channel: int
    program: int
    pitch: int
    velocity: int


class MidiError(ValueError):
    """The file is not a Standard MIDI File we can read."""


@dataclass
class Score:
    events: list = field(default_factory=list)
    beats: list = field(default_factory=list)  # seconds of each quarter note (or of the felt beat, when a generator sets it)

    def add_note(self, start: float, length: float, channel: int, pitch: int, velocity: int) -> None:
        if not 0 <= pitch <= 127 or length <= 0 or start < 0:
            return
        self.events.append(Event(start, 'on', channel, int(pitch), max(1, min(127, int(velocity)))))
        self.events.append(Event(start + length, 'off', channel, int(pitch)))

    def instrument(self, channel: int, program: int, volume: int = 100, pan: int = 64) -> None:
        self.events += [Event(0.0, 'pc', channel, program), Event(0.0, 'cc', channel, 7, volume), Event(0.0, 'cc', channel, 10, pan)]

    def sort(self) -> Score:
        self.events.sort(key=lambda e: (e.time, ORDER[e.kind], e.channel, e.a))
        return self

    def notes(self, until: float = 1e9) -> list:
        """All sounding notes that start before `until` seconds, each with the program its channel had then."""
        program, open_notes, out = [0] * 16, {}, []
        for e in self.events:
            if e.kind == 'pc':
                program[e.channel] = e.a
            elif e.kind in ('on', 'off'):
                key = (e.channel, e.a)
                if key in open_notes:
                    t, p, v = open_notes.pop(key)
                    out.append(Note(t, e.time, e.channel, p, e.a, v))
                if e.kind == 'on' and e.time < until:
                    open_notes[key] = (e.time, program[e.channel], e.b)
        return sorted(out)

    def channels(self) -> set:
        return {e.channel for e in self.events if e.kind == 'on'}

    def without(self, channels: set, start: float = 0.0, end: float = 1e9) -> Score:
        """A copy in which these channels play no note that begins in [start, end)."""
        kept = [e for e in self.events if not (e.kind == 'on' and e.channel in channels and start <= e.time < end)]
        return Score(kept, self.beats)


def _variable_length(data: bytes, i: int) -> tuple:
    value = 0
    while True:
        byte = data[i]
        value, i = (value << 7) | (byte & 127), i + 1
        if byte < 128:
            return value, i


def _track_events(data: bytes) -> list:
    """[(tick, status byte, data bytes)]; meta events have status 0xFF and data (type, payload...)."""
    i, tick, status, out = 0, 0, 0, []
    while i < len(data):
        delta, i = _variable_length(data, i)
        tick += delta
        if data[i] & 128:
            status, i = data[i], i + 1
        if status == 0xFF:
            kind = data[i]
            n, i = _variable_length(data, i + 1)
            out.append((tick, 0xFF, bytes([kind]) + data[i : i + n]))
            i += n
        elif status in (0xF0, 0xF7):
            n, i = _variable_length(data, i)
            i += n
        else:
            n = 1 if status >> 4 in (0xC, 0xD) else 2
            out.append((tick, status, data[i : i + n]))
            i += n
    return out


def read_midi(data: bytes) -> Score:
    """Standard MIDI File (format 0 or 1, ticks per quarter) → Score in seconds, with its quarter-note beats.

    Raises MidiError when the bytes are not such a file.
    """
    if data[:4] != b'MThd' or len(data) < 14:
        raise MidiError(f'not a Standard MIDI File: first bytes {data[:4]!r}, expected b"MThd"')
    _, tracks, division = struct.unpack('>HHH', data[8:14])
    if division & 0x8000:
        raise MidiError('SMPTE time division is not supported; expected ticks per quarter note')
    raw, i = [], 8 + struct.unpack('>I', data[4:8])[0]
    try:
        for track in range(tracks):
            if data[i : i + 4] != b'MTrk':
                raise MidiError(f'track {track}: got {data[i : i + 4]!r} at byte {i}, expected b"MTrk"')
            n = struct.unpack('>I', data[i + 4 : i + 8])[0]
            raw += [(tick, track, status, payload) for tick, status, payload in _track_events(data[i + 8 : i + 8 + n])]
            i += 8 + n
    except (IndexError, struct.error) as error:
        raise MidiError(f'file ends inside track {track}') from error
    raw.sort(key=lambda e: e[0])
    tempo_map = [(0, 0.0, 0.5)]  # tick, seconds, seconds per quarter
    score, end_tick = Score(), raw[-1][0] if raw else 0

    def seconds(tick: int) -> float:
        for start, second, quarter in reversed(tempo_map):
            if tick >= start:
                return second + (tick - start) * quarter / division
        return 0.0

    for tick, _, status, payload in raw:
        if status == 0xFF and payload[0] == 0x51 and len(payload) == 4:
            tempo_map.append((tick, seconds(tick), int.from_bytes(payload[1:], 'big') / 1e6))
    for tick, _, status, payload in raw:
        if status == 0xFF:
            continue
        kind, channel, time = status >> 4, status & 15, seconds(tick)
        if kind == 9 and payload[1] > 0:
            score.events.append(Event(time, 'on', channel, payload[0], payload[1]))
        elif kind in (8, 9):
            score.events.append(Event(time, 'off', channel, payload[0]))
        elif kind == 11:
            score.events.append(Event(time, 'cc', channel, payload[0], payload[1]))
        elif kind == 12:
            score.events.append(Event(time, 'pc', channel, payload[0]))
        elif kind == 14:
            score.events.append(Event(time, 'bend', channel, payload[0] | payload[1] << 7))
    score.beats = [seconds(q * division) for q in range(end_tick // division + 1)]
    return score.sort()


def write_midi(score: Score, bpm: float = 120.0, division: int = 480) -> bytes:
    """Score → format 0 MIDI bytes at a constant tempo (times are kept in seconds, so the tempo only sets the grid shown)."""
    per_second, last, track = division * bpm / 60, 0, bytearray(b'\x00\xff\x51\x03' + int(6e7 / bpm).to_bytes(3, 'big'))
    for e in score.sort().events:
        tick = max(last, round(e.time * per_second))
        delta, groups = tick - last, []
        last = tick
        groups.append(delta & 127)
        while delta := delta >> 7:
            groups.append(delta & 127 | 128)
        track += bytes(reversed(groups))
        status = {'on': 0x90, 'off': 0x80, 'cc': 0xB0, 'pc': 0xC0, 'bend': 0xE0}[e.kind] | e.channel
        track += bytes(
            {'pc': [status, e.a], 'off': [status, e.a, 0], 'bend': [status, e.a & 127, e.a >> 7]}.get(e.kind, [status, e.a, e.b])
        )
    track += b'\x00\xff\x2f\x00'
    return b'MThd' + struct.pack('>IHHH', 6, 0, 1, division) + b'MTrk' + struct.pack('>I', len(track)) + bytes(track)
