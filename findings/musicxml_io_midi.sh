#!/usr/bin/env bash
# musicxml-io 0.9.6, midi-file 1.2.4.
# exportMidi leaves four things of MusicXML out or turns them round. Parts without a channel of their own are numbered through, so that the
# tenth is on channel 10, where General MIDI plays drums: of an orchestra one section knocks. Of <transpose> the semitones are taken and the
# octave-change is not: a double bass or a guitar sounds an octave too high, a clarinet is right. A grace note begins together with its main
# note and lasts one tick, where it should come before it. 3+2 over 8 is written as 3/8, and half = 60 as 60 quarters a minute in place of 120.
# One would expect channel 11 for the tenth part, and the octave with the semitones. Way round: give each part a <midi-channel>, write the
# tempo as <sound tempo>, and move the octave by hand.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund musicxml-io@0.9.6 midi-file@1.2.4
cat >see.mjs <<'JAVASCRIPT'
import { parseMidi } from 'midi-file';
import { exportMidi, parse } from 'musicxml-io';

const C4 = '<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration><voice>1</voice><type>whole</type></note>';
const grace = '<note><grace/><pitch><step>B</step><octave>3</octave></pitch><voice>1</voice><type>eighth</type></note>';
const half = '<direction><direction-type><metronome><beat-unit>half</beat-unit><per-minute>60</per-minute></metronome></direction-type></direction>';

function tracks({ parts = 1, beats = '4', unit = 4, attributes = '', notes = C4 }) {
  const names = Array.from({ length: parts }, (_, i) => `P${i + 1}`);
  const midi = parseMidi(
    exportMidi(
      parse(`<?xml version="1.0" encoding="UTF-8"?><score-partwise version="4.0"><part-list>
      ${names.map((name) => `<score-part id="${name}"><part-name>${name}</part-name></score-part>`).join('')}</part-list>
      ${names.map((name) => `<part id="${name}"><measure number="1"><attributes><divisions>1</divisions><key><fifths>0</fifths></key>
        <time><beats>${beats}</beats><beat-type>${unit}</beat-type></time>${attributes}</attributes>${notes}</measure></part>`).join('')}
      </score-partwise>`),
    ),
  );
  return midi.tracks.map((track) => {
    let time = 0;
    return track.map((event) => ({ ...event, time: (time += event.deltaTime) }));
  });
}
const find = (score, type) => tracks(score).flat().filter((event) => event.type === type);
const down = (rest) => `<transpose><diatonic>0</diatonic>${rest}</transpose>`;

const channels = find({ parts: 11 }, 'noteOn').map((event) => event.channel + 1);
const keys = ['<chromatic>-2</chromatic>', '<chromatic>0</chromatic><octave-change>-1</octave-change>'].map(
  (rest) => find({ attributes: down(rest) }, 'noteOn')[0].noteNumber,
);
const graced = ['noteOn', 'noteOff'].flatMap((type) => find({ notes: grace + C4 }, type).filter((event) => event.noteNumber === 59))
  .map((event) => event.time);
const main = find({ notes: grace + C4 }, 'noteOn').find((event) => event.noteNumber === 60).time;
const meter = find({ beats: '3+2', unit: 8 }, 'timeSignature')[0];
const tempo = 6e7 / find({ notes: half + C4 }, 'setTempo')[0].microsecondsPerBeat;
const seen = [
  `channels ${channels}`, `C4 of a clarinet ${keys[0]}, of a double bass ${keys[1]}`, `grace note at ${graced}, its main note at ${main}`,
  `3+2/8 is ${meter.numerator}/${meter.denominator}`, `half = 60 is ${tempo}`,
].join('\n');
console.log(seen);
process.exit(seen === `channels 1,2,3,4,5,6,7,8,9,10,11
C4 of a clarinet 58, of a double bass 60
grace note at 0,1, its main note at 0
3+2/8 is 3/8
half = 60 is 60` ? 0 : 1);
JAVASCRIPT
node see.mjs
