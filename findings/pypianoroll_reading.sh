#!/usr/bin/env bash
# pypianoroll 1.0.4, pretty_midi 0.2.11, mido 1.3.3, numpy 2.4.6.
# Reading a MIDI file gives other music than is in it. Of tempos of 120 and then 60, two beats each, each step in turn gets the tempo of another
# beat: 120 120 60 60 120 120 60 60, where one would expect 24 steps at a time; with another resolution than 24 there are more or fewer tempos than
# steps. Only the first downbeat is there, of several time signatures those of the last are missing. Two notes on one key at a time are added
# with mode "max", up to 3 times 90 as 14 in a byte, and of "sum" only the louder is left. Where an upbeat is left out, the notes behind it
# get the velocities of those before them.
# Way round, shown for the tempos: take them from pretty_midi's beats and spread them over the steps with numpy.repeat.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check pypianoroll==1.0.4 pretty_midi==0.2.11 mido==1.3.3 numpy==2.4.6 setuptools==80.9.0
env/bin/python -W ignore - <<'PYTHON'
import sys
import mido, numpy, pretty_midi, pypianoroll


def read(events, **how):
    """pypianoroll's view of a file of (tick, message), 480 ticks a quarter."""
    midi = mido.MidiFile(ticks_per_beat=480)
    now = 0
    midi.tracks.append(mido.MidiTrack())
    for tick, message in sorted(events, key=lambda event: event[0]):
        midi.tracks[0].append(message.copy(time=tick - now))
        now = tick
    midi.save("piece.mid")
    return pypianoroll.from_pretty_midi(pretty_midi.PrettyMIDI("piece.mid"), **how)


def tempo(tick, bpm):
    return tick, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))


def meter(tick, beats):
    return tick, mido.MetaMessage("time_signature", numerator=beats, denominator=4)


def note(start, end, key=60, velocity=90):
    return [(end, mido.Message("note_off", note=key)), (start, mido.Message("note_on", note=key, velocity=velocity))]


seen = {}
two = [tempo(0, 120), meter(0, 4), tempo(960, 60), *note(0, 960), *note(960, 1920, 62)]
roll = read(two)
seen["tempos"] = [round(bpm) for bpm in roll.tempo.ravel()[:8]]
beats = pretty_midi.PrettyMIDI("piece.mid").get_beats()
seen["from the beats"] = [round(bpm) for bpm in numpy.repeat(60 / numpy.diff(beats), 24)[[0, 23, 47, 48, 71]]]
finer = read(two, resolution=12)
seen["tempos and steps of 12 a beat"] = [len(finer.tempo), len(finer.tracks[0].pianoroll)]
seen["downbeats of three bars of 2/4"] = numpy.flatnonzero(read([tempo(0, 120), meter(0, 2), *note(0, 2880)]).downbeat).tolist()
changing = read([tempo(0, 120), meter(0, 2), meter(1920, 3), *note(0, 4800)])
seen["downbeats of two bars of 2/4 and two of 3/4"] = numpy.flatnonzero(changing.downbeat).tolist()


def chord(voices, mode):
    """A key struck in several channels that one instrument plays, in pretty_midi as in a file of several tracks."""
    midi = pretty_midi.PrettyMIDI(initial_tempo=120)
    midi.time_signature_changes.append(pretty_midi.TimeSignature(4, 4, 0))
    piano = pretty_midi.Instrument(0)
    piano.notes += [pretty_midi.Note(90, 60, 0, 2) for _ in range(voices)]
    midi.instruments.append(piano)
    return int(pypianoroll.from_pretty_midi(midi, mode=mode).tracks[0].pianoroll[5, 60])


seen["90 and 90, max"], seen["three times 90, max"], seen["90 and 90, sum"] = chord(2, "max"), chord(3, "max"), chord(2, "sum")
upbeat = read([tempo(0, 120), *note(0, 200, 60, 10), meter(1920, 4), *note(1920, 2880, 62, 50), *note(2880, 3840, 64, 100)])
steps = upbeat.tracks[0].pianoroll
seen["velocities behind an upbeat of 10"] = {key: int(steps[:, key].max()) for key in (62, 64)}
for what, found in seen.items():
    print(f"{what}: {found}")
sys.exit(seen != {
    "tempos": [120, 120, 60, 60, 120, 120, 60, 60], "from the beats": [120, 120, 120, 60, 60], "tempos and steps of 12 a beat": [96, 48],
    "downbeats of three bars of 2/4": [0], "downbeats of two bars of 2/4 and two of 3/4": [0, 48],
    "90 and 90, max": 180, "three times 90, max": 14, "90 and 90, sum": 90, "velocities behind an upbeat of 10": {62: 10, 64: 50},
})
PYTHON
