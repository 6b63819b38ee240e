// A MIDI device that steers: what its clock, controllers and notes mean, over a browser's interface that is made up here.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MidiIn } from '../../demo/midi_in.ts';

type Hear = ((event: { data: Uint8Array; timeStamp: number }) => void) | null;
const input = (id: string, name: string | null = id) => ({ id, name, state: 'connected', onmidimessage: null as Hear });
const access = { inputs: new Map([['a', input('a', 'Keys')]]), onstatechange: null as (() => void) | null };
const told = { tempo: [] as number[], moves: [] as unknown[], devices: [] as unknown[] };
let time = 0;
const send = (data: readonly number[], id = 'a') =>
  access.inputs.get(id)?.onmidimessage?.({ data: Uint8Array.from(data), timeStamp: time });
/** So many beats of a clock; `waver`: ms that each comes early or late, in turn. */
function clock(bpm: number, beats: number, waver = 0): void {
  const start = time;
  const count = Math.round(24 * beats);
  for (let i = 1; i <= count; i++) {
    time = start + (i * 60_000) / bpm / 24 + (i % 2 ? waver : -waver);
    send([0xf8]);
  }
  time = start + (count * 60_000) / bpm / 24;
}

let midi: MidiIn;
beforeEach(async () => {
  time = 0;
  for (const list of Object.values(told)) list.length = 0;
  access.inputs = new Map([['a', input('a', 'Keys')]]);
  vi.stubGlobal('navigator', { requestMIDIAccess: async () => access });
  midi = await MidiIn.open({
    tempo: (bpm) => told.tempo.push(bpm),
    move: (x, y) => told.moves.push([x, y]),
    devices: (names) => told.devices.push(names),
  });
});
afterEach(() => vi.unstubAllGlobals());

test('a clock says a tempo once it holds, and again once another holds; that it wavers is no change', () => {
  clock(120, 1.9);
  expect(told.tempo).toEqual([]);
  clock(120, 8, 1.5);
  expect(told.tempo).toEqual([120]);
  clock(97, 8, 1.5);
  expect(told.tempo).toEqual([120, 97]);
  clock(97.4, 8);
  expect(told.tempo).toEqual([120, 97]);
});

test('a clock that stopped begins anew, and clocks of two devices are two', () => {
  clock(120, 4);
  time += 5000;
  clock(90, 1.9);
  expect(told.tempo).toEqual([120]);
  clock(90, 1);
  expect(told.tempo).toEqual([120, 90]);
  access.inputs.set('b', input('b'));
  access.onstatechange?.();
  for (let i = 0; i < 120; i++) {
    time += 20;
    send([0xf8], i % 2 ? 'a' : 'b');
  }
  expect(told.tempo.at(-1)).toBe(63); // 40 ms apart: 62.5, of either
});

test('the first two controllers that move are the ways of the pad, whatever their numbers; notes are corners', () => {
  send([0xb0, 12, 127]);
  send([0xb3, 13, 127]); // on another channel
  send([0xb0, 7, 64]); // a third one
  send([0xb0, 12, 0]);
  expect(told.moves).toEqual([
    [1, undefined],
    [undefined, 0],
    [0, undefined],
  ]);
  told.moves.length = 0;
  for (const note of [36, 37, 38, 39]) send([0x99, note, 100]);
  send([0x99, 36, 0]); // its end
  send([0x89, 36, 0]);
  expect(told.moves).toEqual([
    [0, 1],
    [1, 1],
    [0, 0],
    [1, 0],
  ]);
});

test('devices come and go; once closed, nothing is heard', () => {
  expect(told.devices).toEqual([['Keys']]);
  access.inputs.set('b', input('b', null));
  access.onstatechange?.();
  (access.inputs.get('a') as { state: string }).state = 'disconnected';
  access.onstatechange?.();
  expect(told.devices.slice(1)).toEqual([['Keys', 'b'], ['b']]);
  send([0x90, 36, 1], 'b');
  expect(told.moves).toHaveLength(1);
  midi.close();
  send([0x90, 36, 1], 'b');
  expect(told.moves).toHaveLength(1);
  expect(access.onstatechange).toBeNull();
});
