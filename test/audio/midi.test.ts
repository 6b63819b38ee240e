// MIDI out of a plan, read back by a small reader of its own; tools elsewhere (mido) read the same.
import { expect, test } from 'vitest';
import { type BeatMark, beatsBetween, writeMidi } from '../../src/index.ts';

interface Read {
  readonly division: number;
  /** Per track: absolute tick and bytes of each event. */
  readonly tracks: { readonly tick: number; readonly bytes: readonly number[] }[][];
}

function readMidi(file: Uint8Array): Read {
  const view = new DataView(file.buffer);
  const tag = (at: number) => String.fromCharCode(...file.subarray(at, at + 4));
  expect([tag(0), view.getUint32(4), view.getUint16(8)]).toEqual(['MThd', 6, 1]);
  const tracks: { tick: number; bytes: number[] }[][] = [];
  let at = 14;
  for (let t = 0; t < view.getUint16(10); t++) {
    expect(tag(at)).toBe('MTrk');
    const end = at + 8 + view.getUint32(at + 4);
    at += 8;
    const number = () => {
      let value = 0;
      for (;;) {
        const byte = file[at++];
        value = (value << 7) | (byte & 0x7f);
        if (byte < 0x80) return value;
      }
    };
    const events: { tick: number; bytes: number[] }[] = [];
    for (let tick = 0; at < end; ) {
      tick += number();
      const from = at;
      if (file[at] === 0xff) {
        at += 2;
        const length = number(); // and no `at += number()`: it moves at
        at += length;
      } else at += 3;
      events.push({ tick, bytes: [...file.subarray(from, at)] });
    }
    expect(events.at(-1)?.bytes).toEqual([0xff, 0x2f, 0]);
    tracks.push(events);
  }
  expect(at).toBe(file.length);
  return { division: view.getUint16(12), tracks };
}

/** Seconds of a tick, by the file's own tempo map. */
function secondsIn({ division, tracks: [conductor] }: Read): (tick: number) => number {
  const tempi = conductor.flatMap(({ tick, bytes: [, type, , a, b, c] }) =>
    type === 0x51 ? [{ tick, each: ((a << 16) | (b << 8) | c) / 1e6 }] : [],
  );
  return (wanted) =>
    tempi.reduce((sum, { tick, each }, i) => {
      const until = Math.min(wanted, tempi[i + 1]?.tick ?? wanted);
      return sum + (Math.max(0, until - tick) * each) / division;
    }, 0);
}

const metas = ({ tracks }: Read, type: number) =>
  tracks[0].flatMap(({ tick, bytes }) => (bytes[1] === type ? [{ tick, data: bytes.slice(3) }] : []));
const notes = ({ tracks }: Read) => tracks[1].flatMap(({ tick, bytes }) => (bytes[0] === 0x99 ? [{ tick, accent: bytes[1] === 76 }] : []));

test('a plain piece: title, tempo, metre, key, and a beat where each is heard', () => {
  const recipe = { prompt: 'Walzer für Ännchen', durationSeconds: 12, decided: { tempo: 96, key: 'A minor', metre: '3/4' } };
  const file = readMidi(writeMidi({ recipe }));
  expect(new TextDecoder().decode(Uint8Array.from(metas(file, 3)[0].data))).toBe('Walzer für Ännchen');
  expect(metas(file, 0x51)).toEqual([{ tick: 0, data: [0x09, 0x89, 0x68] }]); // 625,000 µs
  expect(metas(file, 0x58)).toEqual([{ tick: 0, data: [3, 2, 24, 8] }]);
  expect(metas(file, 0x59)).toEqual([{ tick: 0, data: [0, 1] }]);
  const beats = notes(file);
  expect(beats.map(({ tick }) => tick)).toEqual(Array.from({ length: 20 }, (_, i) => 480 * i)); // 12 s of 96 bpm are 19.2 beats
  expect(beats.map(({ accent }) => accent)).toEqual(Array.from({ length: 20 }, (_, i) => i % 3 === 0));
  expect(secondsIn(file)(file.tracks[0].at(-1)?.tick ?? 0)).toBeCloseTo(12, 3);
});

test('six-eight is felt in two; keys have the fewest signs; what is not known is not written', () => {
  const six = readMidi(writeMidi({ recipe: { durationSeconds: 4, decided: { tempo: 60, metre: '6/8' } } }));
  expect(metas(six, 0x58)[0].data).toEqual([6, 3, 36, 8]);
  expect(notes(six).map(({ tick }) => tick)).toEqual([0, 720, 1440, 2160]);
  expect(metas(six, 0x59)).toEqual([]);
  const signs = (key: string) => metas(readMidi(writeMidi({ recipe: { decided: { key, tempo: 100 } } })), 0x59)[0].data;
  const all: Record<string, [number, number]> = {
    'C major': [0, 0], 'G major': [1, 0], 'F major': [-1, 0], 'Bb major': [-2, 0], 'F# major': [6, 0], 'C# major': [-5, 0],
    'Ab major': [-4, 0], 'B major': [5, 0], 'E minor': [1, 1], 'D minor': [-1, 1], 'C# minor': [4, 1], 'Ab minor': [5, 1], 'F minor': [-4, 1],
  }; // biome-ignore format: a table
  for (const [key, [count, minor]] of Object.entries(all)) expect([key, signs(key)]).toEqual([key, [count & 0xff, minor]]);
  const nothing = readMidi(writeMidi({ recipe: {} }));
  expect([metas(nothing, 0x58), metas(nothing, 0x59), notes(nothing)]).toEqual([[], [], []]);
});

test('a piece that begins within a bar, and changes: beats and bar lines lie where the clock has them', () => {
  const marks: BeatMark[] = [
    { atSeconds: 0, tempo: 90, beatsPerBar: 4, beat: 2.5, key: 'C major' },
    { atSeconds: 7, tempo: 140, beatsPerBar: 4, beat: 1, key: 'E minor' }, // the beat goes on: (2.5 + 7 × 1.5) mod 4
  ];
  const steered = [{ atSeconds: 7, prompt: 'fast techno' }];
  const file = readMidi(writeMidi({ beats: marks, recipe: { durationSeconds: 20, steered } }));
  const seconds = secondsIn(file);
  const beats = beatsBetween(marks, 0, 20);
  expect(notes(file).map(({ accent }) => accent)).toEqual(beats.map(({ inBar }) => inBar === 0));
  for (const [i, { tick }] of notes(file).entries()) expect(seconds(tick)).toBeCloseTo(beats[i].seconds, 2);
  expect(beats[0]).toMatchObject({ seconds: expect.closeTo(1 / 3, 9), inBar: 3 });
  expect(metas(file, 0x58).map(({ data }) => data[0])).toEqual([2, 4, 4]); // an upbeat, squeezed into two quarters, then bars
  expect(seconds(metas(file, 0x58)[1].tick)).toBeCloseTo(1, 3); // the first downbeat
  expect(metas(file, 6).map(({ tick, data }) => [seconds(tick), String.fromCharCode(...data)])).toEqual([
    [expect.closeTo(7, 2), 'fast techno'],
  ]);
  expect(metas(file, 0x59).map(({ data }) => data)).toEqual([
    [0, 0],
    [1, 1],
  ]);
});

test('beats between two times are those of the whole', () => {
  const marks: BeatMark[] = [{ atSeconds: 0, tempo: 133.7 }, { atSeconds: 3 }, { atSeconds: 5, tempo: 80, beatsPerBar: 3, beat: -1 }];
  const whole = beatsBetween(marks, 0, 30);
  const parts = Array.from({ length: 300 }, (_, i) => beatsBetween(marks, i / 10, (i + 1) / 10)).flat();
  expect(parts).toEqual(whole);
  expect(whole.filter(({ seconds }) => seconds >= 3 && seconds < 5)).toEqual([]); // no beat is known there
  expect(whole.find(({ seconds }) => seconds >= 5)).toMatchObject({ seconds: 5, inBar: 2 });
});
