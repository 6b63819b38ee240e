#!/usr/bin/env bash
# soundfont2 0.5.0, spessasynth_core 4.3.22.
# getKeyData(key, bank, preset) of soundfont2 is to tell what sounds at a key. It gives one zone, the first whose range of keys fits: of a stereo
# instrument the left sample, panned to the left, alone; and of layers the soft one, whatever the velocity, for which it does not ask. Tuning,
# filter and envelope of the preset are lost where the instrument has such a generator as well: 50 cents of the preset and 10 of the
# instrument are 10. By the SoundFont specification (2.04, 9.4) every zone that fits key and velocity sounds, and the preset's values are
# added: 60, as spessasynth_core has it. Its comment says that generators are not applied, not that zones and sums are missing.
# Way round: preset.zones and zone.instrument.zones of soundfont2 (read well) with ranges and sums of one's own, or spessasynth_core.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund soundfont2@0.5.0 spessasynth_core@4.3.22
cat >see.mjs <<'JAVASCRIPT'
import soundfont2 from 'soundfont2';
import { SoundBankLoader } from 'spessasynth_core';

const [PAN, INSTRUMENT, VELOCITIES, FINE_TUNE, SAMPLE] = [17, 41, 44, 52, 53]; // generators of SoundFont 2.04

/** A list of records as bytes: each field is [bytes, value], or [bytes, text]. */
function records(rows) {
  const fields = rows.flat();
  const data = Buffer.alloc(fields.reduce((sum, [size]) => sum + size, 0));
  let at = 0;
  for (const [size, value] of fields) {
    if (typeof value === 'string') data.write(value, at, 'latin1');
    else if (value < 0) data.writeIntLE(value, at, size);
    else data.writeUIntLE(value, at, size);
    at += size;
  }
  return data;
}
function chunk(id, data) {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  return Buffer.concat([Buffer.from(id), length, data, Buffer.alloc(data.length % 2)]);
}
const list = (id, ...chunks) => chunk('LIST', Buffer.concat([Buffer.from(id), ...chunks]));
const range = (id, low, high) => [[2, id], [1, low], [1, high]];
const generator = (id, value) => [[2, id], [2, value]];
/** Bags and generators of zones, with the end that the format wants. */
function zones(all) {
  let count = 0;
  const bags = all.map((zone) => [[2, (count += zone.length) - zone.length], [2, 0]]);
  return [records([...bags, [[2, count], [2, 0]]]), records([...all.flat(), generator(0, 0)])];
}

// One preset of one instrument: a soft and a loud layer, each left and right, as sampled pianos have them.
const layers = [[0, 63], [64, 127]].flatMap(([low, high], layer) =>
  [-500, 500].map((pan, side) => [range(VELOCITIES, low, high), generator(PAN, pan), generator(FINE_TUNE, 10), generator(SAMPLE, 2 * layer + side)]));
const [ibag, igen] = zones(layers);
const [pbag, pgen] = zones([[generator(FINE_TUNE, 50), generator(INSTRUMENT, 0)]]);
const names = ['soft left', 'soft right', 'loud left', 'loud right'];
const sample = (name, start, type, link) => [[20, name], [4, start], [4, start + 48], [4, start + 8], [4, start + 40], [4, 44_100], [1, 60], [1, 0], [2, link], [2, type]];
const empty = Buffer.alloc(10);
const bank = Buffer.concat([
  list('INFO', chunk('ifil', records([[[2, 2], [2, 1]]])), chunk('isng', Buffer.from('EMU8000\0')), chunk('INAM', Buffer.from('piano\0'))),
  list('sdta', chunk('smpl', Buffer.alloc(2 * 4 * 94, 1))),
  list('pdta',
    chunk('phdr', records([['piano', 0], ['EOP', 1]].map(([name, bag]) => [[20, name], [2, 0], [2, 0], [2, bag], [4, 0], [4, 0], [4, 0]]))),
    chunk('pbag', pbag), chunk('pmod', empty), chunk('pgen', pgen),
    chunk('inst', records([['piano', 0], ['EOI', 4]].map(([name, bag]) => [[20, name], [2, bag]]))),
    chunk('ibag', ibag), chunk('imod', empty), chunk('igen', igen),
    chunk('shdr', records([...names.map((name, at) => sample(name, at * 94, at % 2 ? 2 : 4, at ^ 1)), sample('EOS', 0, 0, 0).map(([size, value]) => [size, typeof value === 'string' ? value : 0])]))),
]);
const riff = chunk('RIFF', Buffer.concat([Buffer.from('sfbk'), bank]));

const { sample: one, generators } = new soundfont2.SoundFont2(Uint8Array.from(riff)).getKeyData(60, 0, 0);
console.log(`soundfont2, key 60: ${one.header.name}, pan ${generators[PAN].value}, fine tune ${generators[FINE_TUNE].value}`);
const seen = [[one.header.name, generators[PAN].value, generators[FINE_TUNE].value].join(' ')];
const [preset] = SoundBankLoader.fromArrayBuffer(Uint8Array.from(riff).buffer).presets;
for (const velocity of [30, 100]) {
  const voices = preset.getVoiceParameters(60, velocity);
  for (const voice of voices) console.log(`spessasynth_core, velocity ${velocity}: ${voice.sample.name}, pan ${voice.generators[PAN]}, fine tune ${voice.generators[FINE_TUNE]}`);
  seen.push(voices.map((voice) => [voice.sample.name, voice.generators[PAN], voice.generators[FINE_TUNE]].join(' ')).join(', '));
}
const expected = ['soft left -500 10', 'soft left -500 60, soft right 500 60', 'loud left -500 60, loud right 500 60'];
process.exit(seen.join('; ') === expected.join('; ') ? 0 : 1);
JAVASCRIPT
node see.mjs
