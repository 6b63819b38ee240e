#!/usr/bin/env bash
# pretty_midi 0.2.11.post0, mido 1.3.3, symusic 0.6.0.
# Drum machines and notation programs write strokes whose release stands in the same tick, a length of 0. pretty_midi loses them when it reads:
# of two such bass drums and a snare only the snare is left, where symusic has three notes and mido the six events. And what it writes of a
# note shorter than half a tick (0.1 ms; a tick is 2.3 ms by default) is the release before the stroke, in one tick: in any synthesizer that
# note sounds until the end. So a file that came out of a transcription with a very short note hangs, and pretty_midi itself shows nothing.
# One would expect the notes, with a length of 0 or a tick. Way round: make notes at least a tick long before write(), read with symusic.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pretty_midi==0.2.11.post0 mido==1.3.3 symusic==0.6.0 numpy==2.4.6 setuptools==80.9.0
env/bin/python -W ignore - <<'PYTHON'
import sys
import mido, pretty_midi, symusic

file = mido.MidiFile(ticks_per_beat=480)
track = mido.MidiTrack()
file.tracks.append(track)
for key, length in ((36, 0), (36, 0), (38, 60)):
    track.append(mido.Message("note_on", channel=9, note=key, velocity=100, time=480))
    track.append(mido.Message("note_off", channel=9, note=key, velocity=64, time=length))
file.save("drums.mid")
read = {
    "pretty_midi": [note.pitch for part in pretty_midi.PrettyMIDI("drums.mid").instruments for note in part.notes],
    "symusic": [note.pitch for part in symusic.Score("drums.mid").tracks for note in part.notes],
}
print("drums:", "; ".join(f"{name} {keys}" for name, keys in read.items()))

music = pretty_midi.PrettyMIDI()
part = pretty_midi.Instrument(0)
part.notes = [pretty_midi.Note(100, 60, 0.5, 0.5001), pretty_midi.Note(100, 64, 0.5, 1.0)]
music.instruments.append(part)
music.write("short.mid")
sounding, order = set(), []
for message in mido.MidiFile("short.mid"):
    if message.type == "note_on":
        (sounding.add if message.velocity else sounding.discard)(message.note)
        order.append(f"{message.note} {'on' if message.velocity else 'off'}")
again = [note.pitch for part in pretty_midi.PrettyMIDI("short.mid").instruments for note in part.notes]
print(f"written: {', '.join(order)}; still on at the end {sorted(sounding)}; read again by pretty_midi {again}")
sys.exit(not (
    read == {"pretty_midi": [38], "symusic": [36, 36, 38]}
    and order == ["60 off", "60 on", "64 on", "64 off"] and sounding == {60} and again == [64]
))
PYTHON
