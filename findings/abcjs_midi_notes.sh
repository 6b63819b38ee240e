#!/usr/bin/env bash
# abcjs 6.7.2 and midi-file 1.2.4 (npm): getMidiFile() of one bar of ABC notation.
# A note with a staccato dot is written with its end before its start (".C" ends at tick 0 and begins at tick 0, ".D" ends 53 ticks before it
# begins), so that it sounds until the piece is over. Two equal notes under a slur overlap by 3 ticks: in a player that keeps one note for each key
# the end of the first cuts the second, which lasts 3 ticks in place of 480. After a quarter tone the two bytes of the pitch bend are exchanged:
# what should bring it back to 0 is -8128, and all notes that follow sound 2 semitones flat.
# One would expect dots to shorten notes, slurs to join them, and a bend to end with its note.
# Way round: take dots, slurs over one key and quarter tones out of what is written as MIDI.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts abcjs@6.7.2 midi-file@1.2.4
cat >see.mjs <<'JAVASCRIPT'
import abcjs from 'abcjs';
import midi from 'midi-file';

/** What a player with one note for each key hears: start:key+length in ticks. */
function heard(bar) {
  const file = abcjs.synth.getMidiFile(`X:1\nL:1/4\nM:4/4\nQ:1/4=100\nK:C\n${bar}|`, { midiOutputType: 'binary' });
  const track = midi.parseMidi(Array.isArray(file) ? file[0] : file).tracks.at(-1);
  const open = new Map();
  const out = [];
  let at = 0;
  for (const event of track) {
    at += event.deltaTime;
    if (event.type === 'pitchBend') out.push({ at, text: `bend ${event.value}` });
    if (event.type === 'noteOff' && open.has(event.noteNumber)) {
      const start = open.get(event.noteNumber);
      out.push({ at: start, text: `${event.noteNumber}+${at - start}` });
      open.delete(event.noteNumber);
    }
    if (event.type === 'noteOn') {
      if (open.has(event.noteNumber)) out.push({ at: open.get(event.noteNumber), text: `${event.noteNumber}+${at - open.get(event.noteNumber)}` });
      open.set(event.noteNumber, at);
    }
  }
  for (const [key, start] of open) out.push({ at: start, text: `${key}+for ever` });
  return out.sort((a, b) => a.at - b.at).map(({ at, text }) => `${at}:${text}`).join(' ');
}
const expected = {
  'C D E F': '0:60+480 480:62+480 960:64+480 1440:65+480',
  '.C .D E F': '0:60+for ever 480:62+for ever 960:64+480 1440:65+480',
  '(CC) DD': '0:60+480 480:60+3 960:62+480 1440:62+480',
  '^/C D E F': '0:bend 7264 0:60+480 480:bend -8128 480:62+480 960:64+480 1440:65+480',
};
let changed = false;
for (const [bar, before] of Object.entries(expected)) {
  const now = heard(bar);
  console.log(`${bar}: ${now}`);
  changed ||= now !== before;
}
process.exit(changed ? 1 : 0);
JAVASCRIPT
node see.mjs
