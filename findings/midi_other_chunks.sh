#!/usr/bin/env bash
# midi-file 1.2.4, @tonejs/midi 2.0.28, spessasynth_core 4.3.22, mido 1.3.3, pretty_midi 0.2.11.post0, symusic 0.6.0.
# The Standard MIDI File specification wants two things of a reader: chunks of other types are to be treated "as if they weren't there", and
# a header longer than 6 bytes is to be heeded by its length. A chunk "XFIH" (one of Yamaha's XF files) before a track is an error for
# midi-file, @tonejs/midi, spessasynth_core, mido and pretty_midi: "Expected 'MTrk'". A header of 8 bytes is one for spessasynth_core and
# symusic. Only a chunk behind the last track is read over by all.
# One would expect the note that is in each of the files. Way round: copy the MThd (its first 6 bytes) and the MTrk chunks alone, before reading.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund midi-file@1.2.4 @tonejs/midi@2.0.28 spessasynth_core@4.3.22
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check mido==1.3.3 pretty_midi==0.2.11.post0 symusic==0.6.0 numpy==2.4.6 setuptools==80.9.0
cat >see.mjs <<'JAVASCRIPT'
import { readFileSync, writeFileSync } from 'node:fs';
import tonejs from '@tonejs/midi';
import midiFile from 'midi-file';
import { BasicMIDI } from 'spessasynth_core';

function chunk(type, hex) {
  const data = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([Buffer.from(type), length, data]);
}
const track = chunk('MTrk', '00 90 3C 40 83 60 80 3C 40 00 FF 2F 00');
const other = chunk('XFIH', '00 FF 2F 00');
const files = {
  plain: [chunk('MThd', '0001 0001 01E0'), track],
  before: [chunk('MThd', '0001 0001 01E0'), other, track],
  behind: [chunk('MThd', '0001 0001 01E0'), track, other],
  header: [chunk('MThd', '0001 0001 01E0 0000'), track],
};
const readers = {
  'midi-file': (bytes) => midiFile.parseMidi(bytes).tracks.flat().filter(({ type }) => type === 'noteOn').length,
  '@tonejs/midi': (bytes) => new tonejs.Midi(bytes).tracks.flatMap(({ notes }) => notes).length,
  spessasynth_core: (bytes) => BasicMIDI.fromArrayBuffer(bytes.slice().buffer).getNoteTimes().flat().length,
};
for (const [name, parts] of Object.entries(files)) writeFileSync(`${name}.mid`, Buffer.concat(parts));
for (const [reader, count] of Object.entries(readers))
  for (const name of Object.keys(files)) {
    let seen;
    try {
      seen = `${count(Uint8Array.from(readFileSync(`${name}.mid`)))} note`;
    } catch (error) {
      seen = `refused (${error.message ?? error})`;
    }
    console.log(`${reader}, ${name}: ${seen}`);
  }
process.exit(0);
JAVASCRIPT
cat >see.py <<'PYTHON'
import mido, pretty_midi, symusic

readers = {
    "mido": lambda path: sum(message.type == "note_on" for message in mido.MidiFile(path)),
    "pretty_midi": lambda path: sum(len(part.notes) for part in pretty_midi.PrettyMIDI(path).instruments),
    "symusic": lambda path: sum(len(part.notes) for part in symusic.Score(path).tracks),
}
for reader, count in readers.items():
    for name in ("plain", "before", "behind", "header"):
        try:
            seen = f"{count(name + '.mid')} note"
        except (OSError, RuntimeError) as error:
            seen = f"refused ({error})"
        print(f"{reader}, {name}: {seen}")
PYTHON
node see.mjs | tee seen
env/bin/python -W ignore see.py | tee -a seen
refused=$(grep refused seen | cut -d: -f1 | sort | paste -sd';')
[ "$refused" = "@tonejs/midi, before;midi-file, before;mido, before;pretty_midi, before;spessasynth_core, before;spessasynth_core, header;symusic, header" ]
[ "$(grep -c ': 1 note' seen)" = 17 ]
