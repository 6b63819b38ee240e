#!/usr/bin/env bash
# isobar 0.2.1, mido 1.3.3, symusic 0.6.0.
# Reading: of each event that is no note, a controller, a pitch bend or a text, isobar drops the time with the event, so that all notes behind it
# come too early. Quarter notes with a pedal and its release between them come at beats 0, 0.5, 1 and 1.5. The rest before the first note is
# lost, and of several tracks only the first with notes is read.
# Writing: MidiFileOutputDevice leaves out the tempo, program changes and controllers without a word, so that a piece at 60 beats a
# minute on violins becomes one at 120 on a piano.
# One would expect what mido and symusic read in the same file, and what the timeline plays to a MIDI port. isobar's documentation names none of
# this; a comment in its source says that more than one track is to be done.
# Way round, shown: remove all but the notes with mido and keep their times; after writing, put set_tempo and program_change in with mido.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check isobar==0.2.1 mido==1.3.3 symusic==0.6.0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import itertools
import sys
import isobar
import mido
import symusic
from isobar.io.midifile import MidiFileInputDevice, MidiFileOutputDevice


def isobar_beats(file):
    """Where isobar has the notes, in beats."""
    return [float(beat) for beat in itertools.accumulate([0, *list(MidiFileInputDevice(file).read()["duration"])[:-1]])]


def symusic_beats(file):
    return [note.start / 480 for track in symusic.Score(file).tracks for note in track.notes]


def save(file, messages):
    midi = mido.MidiFile(ticks_per_beat=480)
    midi.tracks.append(mido.MidiTrack(messages))
    midi.save(file)


pedalled = []
for note in (60, 62, 64, 65):
    pedalled += [
        mido.Message("note_on", note=note, velocity=90),
        mido.Message("control_change", control=64, value=127, time=120),
        mido.Message("note_off", note=note, time=240),
        mido.Message("control_change", control=64, value=0, time=120),
    ]
save("pedalled.mid", pedalled)
save("upbeat.mid", [mido.Message("note_on", note=60, time=960), mido.Message("note_off", note=60, time=480)])

# the way round: notes alone
notes, late = [], 0
for message in pedalled:
    late += message.time
    if message.type in ("note_on", "note_off"):
        notes.append(message.copy(time=late))
        late = 0
save("notes.mid", notes)

read = {}
for name in ("pedalled", "upbeat", "notes"):
    read[name] = (isobar_beats(f"{name}.mid"), symusic_beats(f"{name}.mid"))
    print(f"{name}.mid: notes at beats {read[name][0]} in isobar, {read[name][1]} in symusic")


class Heard(isobar.io.OutputDevice):
    """A port that only writes down what it is told."""

    told = []

    def note_on(self, note=60, velocity=64, channel=0):
        self.told.append("note_on")

    def control(self, control=0, value=0, channel=0):
        self.told.append("control_change")

    def program_change(self, program=0, channel=0):
        self.told.append("program_change")


for device in (Heard(), MidiFileOutputDevice("written.mid")):
    timeline = isobar.Timeline(60, output_device=device)
    timeline.stop_when_done = True
    timeline.schedule({"program_change": isobar.PSequence([40], 1)})
    timeline.schedule({"control": isobar.PSequence([7], 1), "value": 30})
    timeline.schedule({"note": isobar.PSequence([60, 62], 1), "duration": 1})
    timeline.run()
device.write()
written = mido.MidiFile("written.mid")
kinds = sorted({message.type for track in written.tracks for message in track} - {"note_off", "end_of_track"})
print(f"a port is told {sorted(set(Heard.told))}; in the file are {kinds}; two beats at 60 a minute last {written.length:.1f} s")
sys.exit((read, sorted(set(Heard.told)), kinds, round(written.length, 1)) != (
    {
        "pedalled": ([0, 0.5, 1, 1.5], [0, 1, 2, 3]),
        "upbeat": ([0], [2]),
        "notes": ([0, 1, 2, 3], [0, 1, 2, 3]),
    }, ["control_change", "note_on", "program_change"], ["note_on"], 1.0,
))
PYTHON
