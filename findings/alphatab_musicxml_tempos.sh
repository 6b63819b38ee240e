#!/usr/bin/env bash
# @coderline/alphatab 1.8.4: MusicXML to MIDI.
# A tempo is read where and as it is not written. One with an <offset> of two quarters begins a 40th of a quarter late, as the divisions of the
# file are taken for ticks; <sound tempo> as a child of <measure> is not read at all; half note = 60 becomes 30 quarters a minute in place of 120, an
# eighth = 60 becomes 120, and a dotted quarter = 60 stays 60 (the beat units are known to its makers). Quarter tones are lost: <alter>0.5</alter>
# plays the plain note, 1.5 a semitone, although the same file's bends would hold them.
# One would expect what the MusicXML reference says of <offset> (in divisions), of <sound> and of <alter>.
# Way round: before the import put each tempo into a <direction> of its own at its place, with <sound tempo> in quarters and no <metronome>.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @coderline/alphatab@1.8.4
cat >see.mjs <<'JAVASCRIPT'
import { importer, midi, Settings } from '@coderline/alphatab';

const ATTRIBUTES = '<attributes><divisions>12</divisions><time><beats>4</beats><beat-type>4</beat-type></time><clef><sign>G</sign><line>2</line></clef></attributes>';
const quarter = (step, alter = 0) =>
  `<note><pitch><step>${step}</step><alter>${alter}</alter><octave>4</octave></pitch><duration>12</duration><type>quarter</type></note>`;
const quarters = (alter) => quarter('C', alter) + quarter('D') + quarter('E') + quarter('F');
const words = '<direction-type><words>Andante</words></direction-type>';

/** The tempos as "quarters a minute at quarter", the keys, and the bends that are not the middle. */
function play(measure) {
  const parts = `<part-list><score-part id="P1"><part-name/></score-part></part-list><part id="P1"><measure number="1">${ATTRIBUTES}${measure}</measure></part>`;
  const settings = new Settings();
  const score = importer.ScoreLoader.loadScoreFromBytes(new TextEncoder().encode(`<score-partwise version="4.0">${parts}</score-partwise>`), settings);
  const file = new midi.MidiFile();
  new midi.MidiFileGenerator(score, settings, new midi.AlphaSynthMidiFileHandler(file, true)).generate();
  const of = (kind) => file.events.filter((event) => event instanceof kind);
  return {
    tempos: of(midi.TempoChangeEvent).map((event) => `${event.beatsPerMinute} at ${event.tick / file.division}`).join(', '),
    keys: of(midi.NoteOnEvent).map((event) => event.noteKey).join(' '),
    bends: of(midi.PitchBendEvent).filter((event) => event.value !== 8192).length,
  };
}

const beat = (unit, dot = '') =>
  `<direction><direction-type><metronome><beat-unit>${unit}</beat-unit>${dot}<per-minute>60</per-minute></metronome></direction-type></direction>`;
const direction = (tempo, offset = '') => `<direction>${words}${offset}<sound tempo="${tempo}"/></direction>`;
const seen = {
  '90, and 60 at the third quarter': play(direction(90) + quarter('C') + quarter('D') + direction(60) + quarter('E') + quarter('F')).tempos,
  '90, and 60 with an offset of two quarters': play(direction(90) + direction(60, '<offset sound="yes">24</offset>') + quarters(0)).tempos,
  '60 as a child of the measure': play(`<sound tempo="60"/>${quarters(0)}`).tempos,
  'half = 60': play(beat('half') + quarters(0)).tempos,
  'dotted quarter = 60': play(beat('quarter', '<beat-unit-dot/>') + quarters(0)).tempos,
  'eighth = 60': play(beat('eighth') + quarters(0)).tempos,
};
for (const [name, tempos] of Object.entries(seen)) console.log(`${name}: ${tempos}`);
const tones = [0, 0.5, 1, 1.5].map((alter) => ({ alter, ...play(quarters(alter)) }));
for (const { alter, keys, bends } of tones) console.log(`C altered by ${alter}: keys ${keys}, ${bends} bends`);
process.exit(
  Object.values(seen).join('; ') === '90 at 0, 60 at 2; 90 at 0, 60 at 0.025; 120 at 0; 30 at 0; 60 at 0; 120 at 0'
  && tones.map(({ keys }) => keys.split(' ')[0]).join(' ') === '60 60 61 61' && tones.every(({ bends }) => bends === 0) ? 0 : 1,
);
JAVASCRIPT
node see.mjs
