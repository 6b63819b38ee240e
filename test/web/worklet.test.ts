// The ring that plays, driven by hand: Node has no AudioWorklet, so its few globals are stood in for.
import { beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { PlayerMessage, PlayerReport } from '../../src/web/worklet.ts';

const RATE = 1000; // Hz; reports come every 100 samples
const BLOCK = 10; // samples a call

declare const currentTime: number;

interface Ring {
  port: { onmessage(event: { data: PlayerMessage }): void };
  process(inputs: unknown, outputs: Float32Array[][]): boolean;
}
let Processor: new (options?: { processorOptions: { inputRate: number } }) => Ring;
let ring: Ring;
let reports: PlayerReport[];

beforeAll(async () => {
  vi.stubGlobal('sampleRate', RATE);
  vi.stubGlobal('currentTime', 0);
  vi.stubGlobal(
    'AudioWorkletProcessor',
    class {
      port = { postMessage: (report: PlayerReport) => reports.push(report), onmessage: null };
    },
  );
  vi.stubGlobal('registerProcessor', (_name: string, made: typeof Processor) => {
    Processor = made;
  });
  await import('../../src/web/worklet.ts');
});
beforeEach(() => {
  reports = [];
  ring = new Processor();
  send({ type: 'clear', startSeconds: 0.05, piece: 1, within: false });
});

const send = (data: PlayerMessage) => ring.port.onmessage({ data });
const push = (...samples: number[]) => send({ type: 'samples', channels: [Float32Array.from(samples)] });
const ramp = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

/** One call, and the clock goes on. */
function process(out: Float32Array[]): void {
  ring.process([], [out]);
  vi.stubGlobal('currentTime', currentTime + out[0].length / RATE);
}

/** What is heard in the next `count` samples. */
function hear(count: number): number[] {
  const heard: number[] = [];
  for (let at = 0; at < count; at += BLOCK) {
    const out = new Float32Array(BLOCK);
    process([out]);
    heard.push(...out);
  }
  return heard;
}
/** The same of two channels. */
function hearBoth(count: number): number[][] {
  const both: number[][] = [[], []];
  for (let at = 0; at < count; at += BLOCK) {
    const out = [new Float32Array(BLOCK), new Float32Array(BLOCK)];
    process(out);
    for (const [c, samples] of out.entries()) both[c].push(...samples);
  }
  return both;
}
const lastReport = () => {
  hear(100);
  return reports.at(-1);
};

test('is silent until enough is there, then plays every sample once and in order', () => {
  push(...ramp(1, 49));
  expect(hear(20)).toEqual(new Array(20).fill(0));
  push(...ramp(50, 31));
  expect(hear(80)).toEqual(ramp(1, 80));
});

test('running dry is one underrun, and it waits for a full start again', () => {
  push(...ramp(1, 55));
  expect(hear(60)).toEqual([...ramp(1, 55), 0, 0, 0, 0, 0]);
  push(...ramp(56, 20));
  expect(hear(20)).toEqual(new Array(20).fill(0));
  push(...ramp(76, 30));
  expect(hear(50)).toEqual(ramp(56, 50));
  expect(lastReport()).toMatchObject({ played: 105, buffered: 0, underruns: 2, flowing: false, finished: false });
});

test('the end of a piece is no underrun, and a short piece is heard', () => {
  push(...ramp(1, 15));
  send({ type: 'end' });
  expect(hear(20)).toEqual([...ramp(1, 15), 0, 0, 0, 0, 0]);
  expect(lastReport()).toMatchObject({ played: 15, underruns: 0, finished: true, peak: 15 });
});

test('wraps round, and grows for a long piece', () => {
  const capacity = 2 ** 19;
  push(...ramp(0, 60));
  hear(60);
  const long = Float32Array.from({ length: capacity + 1000 }, (_, i) => i % 977);
  send({ type: 'samples', channels: [long.subarray(0, capacity - 500)] }); // over the ring's edge
  send({ type: 'samples', channels: [long.subarray(capacity - 500)] }); // more than it holds
  const heard = hear(long.length + (BLOCK - (long.length % BLOCK)));
  expect(heard.slice(0, long.length).findIndex((v, i) => v !== long[i])).toBe(-1);
});

test('what waits over the edge of the ring is there when it grows', () => {
  const capacity = 2 ** 19;
  const long = Float32Array.from({ length: 2 * capacity }, (_, i) => 1 + (i % 977));
  const part = (from: number, to: number) => send({ type: 'samples', channels: [long.subarray(from, to)] });
  part(0, capacity - 500);
  const before = hear(400_000);
  part(capacity - 500, capacity + 100_000); // over the edge, behind what was heard
  part(capacity + 100_000, 2 * capacity); // more than it holds
  const heard = before.concat(hear(long.length - before.length));
  expect(long.findIndex((v, i) => v !== heard[i])).toBe(-1);
});

test('clear forgets what was there', () => {
  push(...ramp(1, 80));
  hear(20);
  send({ type: 'clear', startSeconds: 0, piece: 1, within: false });
  hear(30); // what sounded fades out
  expect(hear(20)).toEqual(new Array(20).fill(0));
  push(7);
  expect(hear(10)).toEqual([7, ...new Array(9).fill(0)]);
  expect(lastReport()).toMatchObject({ played: 1 });
});

test('two channels: each goes where it belongs, over the edge of the ring and when it grows; counts are of one channel', () => {
  const capacity = 2 ** 19;
  const channels = [1, -2].map((gain) => Float32Array.from({ length: capacity + 1000 }, (_, i) => gain * (1 + (i % 977))));
  const part = (from: number, to: number) => send({ type: 'samples', channels: channels.map((channel) => channel.subarray(from, to)) });
  part(0, 60);
  expect(hearBoth(60)).toEqual(channels.map((channel) => [...channel.subarray(0, 60)]));
  part(60, capacity - 100); // over the edge
  part(capacity - 100, capacity + 1000); // more than it holds
  const length = capacity + 940;
  const heard = hearBoth(length + (BLOCK - (length % BLOCK)));
  for (const [c, channel] of channels.entries()) expect(heard[c].slice(0, length).findIndex((v, i) => v !== channel[60 + i])).toBe(-1);
  expect(lastReport()).toMatchObject({ played: capacity + 1000, buffered: 0, flowing: false });
});

test('mono sounds from both sides, and stereo that follows a mono start keeps its sides', () => {
  push(...ramp(1, 60));
  expect(hearBoth(40)).toEqual([ramp(1, 40), ramp(1, 40)]);
  send({ type: 'samples', channels: [Float32Array.from(ramp(100, 40)), Float32Array.from(ramp(200, 40))] });
  expect(hearBoth(60)).toEqual([
    [...ramp(41, 20), ...ramp(100, 40)],
    [...ramp(41, 20), ...ramp(200, 40)],
  ]);
});

test('in a context of another rate a tone stays the tone, as long and as loud; over its band nothing folds back', () => {
  const tone = (hz: number, rate: number, seconds: number) =>
    Array.from({ length: seconds * rate }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate));
  for (const inputRate of [500, 1100, 1500]) {
    ring = new Processor({ processorOptions: { inputRate } });
    send({ type: 'clear', startSeconds: 0.05, piece: 1, within: false });
    push(...tone(40, inputRate, 1));
    push(...tone(40, inputRate, 1)); // 40 whole periods each: they join
    send({ type: 'end' });
    const heard = hear(2200);
    const wanted = tone(40, RATE, 2);
    const inner = wanted.slice(50, -50).map((value, i) => Math.abs(value - heard[50 + i]));
    expect(Math.max(...inner), `${inputRate} Hz`).toBeLessThan(2e-3);
    expect(Math.max(...heard.slice(2030).map(Math.abs))).toBe(0);
    expect(lastReport()).toMatchObject({ played: 2 * inputRate, buffered: 0, underruns: 0, finished: true });
  }
  ring = new Processor({ processorOptions: { inputRate: 1500 } });
  send({ type: 'clear', startSeconds: 0, piece: 1, within: false });
  push(...tone(700, 1500, 1)); // would be heard at 300 Hz
  expect(Math.max(...hear(900).slice(50).map(Math.abs))).toBeLessThan(0.02);
});

/** A level that moves by this much a sample is at the end of its way after 30 ms. */
const STEP = 1 / 30;
const near = (values: number[]) => values.map((value) => expect.closeTo(value, 3));
const fallen = (i: number) => Math.max(0, 1 - i * STEP);
const risen = (i: number) => Math.min(1, i * STEP);

test('held, it fades out, says so and stands still; then it goes on with the next sample and fades in', () => {
  push(...ramp(1, 200));
  hear(40);
  send({ type: 'hold', held: true });
  expect(hear(20)).toEqual(near(ramp(41, 20).map((value, i) => value * fallen(i))));
  expect(reports.at(-1)?.still).toBe(false);
  expect(hear(10)).toEqual(near(ramp(61, 10).map((value, i) => value * fallen(20 + i))));
  expect(reports.at(-1)).toMatchObject({ played: 70, still: true });
  expect(hear(30)).toEqual(Array(30).fill(0));
  send({ type: 'hold', held: false });
  expect(hear(50)).toEqual(near(ramp(71, 50).map((value, i) => value * risen(i))));
  send({ type: 'hold', held: true });
  hear(10);
  send({ type: 'hold', held: false }); // before it was silent: from there it rises again
  expect(hear(30)).toEqual(near(ramp(131, 30).map((value, i) => value * Math.min(1, fallen(10) + i * STEP))));
});

test('held where nothing sounds, it says at once that it is still, and its first sample is not faded', () => {
  push(...ramp(1, 20));
  hear(20);
  send({ type: 'hold', held: true });
  expect(reports.at(-1)).toMatchObject({ played: 0, still: true });
  push(...ramp(21, 40));
  expect(hear(20)).toEqual(Array(20).fill(0));
  send({ type: 'hold', held: false });
  expect(hear(20)).toEqual(ramp(1, 20));
});

test('at a jump to another place what sounded fades out while that fades in, however fast jumps follow; a new piece begins at once', () => {
  const jump = (value: number) => {
    send({ type: 'clear', startSeconds: 0, piece: 2, within: true });
    push(...Array(200).fill(value));
  };
  push(...Array(200).fill(1));
  hear(40);
  jump(2);
  const first = Array.from({ length: 40 }, (_, i) => fallen(i) + 2 * risen(i));
  expect(hear(40)).toEqual(near(first));
  const heard: number[] = [];
  for (const count of [10, 10, 60]) {
    jump(-1);
    heard.push(...hear(count));
  }
  const steps = heard.map((value, i) => Math.abs(value - (heard[i - 1] ?? 2)));
  expect(Math.max(...steps)).toBeLessThan(5 * STEP); // cut off they were 3
  expect(heard.at(-1)).toBe(-1);
  send({ type: 'clear', startSeconds: 0, piece: 3, within: false });
  push(...Array(200).fill(0.5));
  expect(hear(40)).toEqual(near(Array.from({ length: 40 }, (_, i) => 0.5 - fallen(i))));
});

test('a jump in a context of another rate, and from mono to stereo, has no edge', () => {
  ring = new Processor({ processorOptions: { inputRate: 1500 } });
  send({ type: 'clear', startSeconds: 0, piece: 1, within: false });
  push(...Array(400).fill(1));
  hearBoth(40);
  send({ type: 'clear', startSeconds: 0, piece: 2, within: true });
  send({ type: 'samples', channels: [new Float32Array(400).fill(-1), new Float32Array(400).fill(0.5)] });
  const heard = hearBoth(100);
  for (const [c, last] of [-1, 0.5].entries()) {
    const steps = heard[c].map((value, i) => Math.abs(value - (heard[c][i - 1] ?? 1)));
    expect(Math.max(...steps)).toBeLessThan(2.5 * STEP);
    expect(heard[c].at(-1)).toBeCloseTo(last, 3);
  }
});

test('a report says when what comes next sounds, on the clock of the context: at the first sample, and at once after it was held', () => {
  vi.stubGlobal('currentTime', 0);
  hear(30);
  push(...ramp(1, 200));
  reports = [];
  hear(10);
  expect(reports).toEqual([
    { piece: 1, time: 0.03, played: 0, buffered: 200, underruns: 0, flowing: true, finished: false, still: false, peak: 0 },
  ]);
  hear(90);
  const playedAt = () => reports.map(({ time, played }) => [Math.round(time * RATE), played]);
  expect(playedAt()).toEqual([
    [30, 0],
    [130, 100],
  ]);
  send({ type: 'hold', held: true });
  hear(80);
  send({ type: 'hold', held: false });
  hear(10);
  expect(playedAt().slice(2)).toEqual([
    [160, 130], // faded out
    [210, 130],
  ]);
  send({ type: 'clear', startSeconds: 0, piece: 2, within: false });
  expect(reports.at(-1)).toMatchObject({ piece: 2, played: 0 });
});

test('what comes for an earlier place takes the place of what waits, unheard; what is late fades in from what is heard', () => {
  push(...ramp(1, 200));
  hear(40);
  send({ type: 'samples', channels: [Float32Array.from(ramp(1001, 30))], at: 60 }); // and what waited behind it is gone
  const join = [61, 62, 63, 64, 65, 66, 67, 68, 69, 70].map((old, i) => old + ((i + 1) / 11) * (1001 + i - old));
  const heard = hear(60);
  expect(heard.slice(0, 20)).toEqual(ramp(41, 20));
  for (const [i, value] of join.entries()) expect(heard[20 + i]).toBeCloseTo(value, 3);
  expect(heard.slice(30)).toEqual([...ramp(1011, 20), ...Array(10).fill(0)]);
  expect(lastReport()).toMatchObject({ played: 90, buffered: 0 });

  send({ type: 'clear', startSeconds: 0, piece: 2, within: false });
  push(...ramp(1, 200));
  hear(100);
  send({ type: 'samples', channels: [Float32Array.from(ramp(1, 90))], at: 30 }); // all but the last 20 was heard
  expect(hear(20)).toEqual(
    ramp(71, 20).map((value, i) => (i < 10 ? expect.closeTo(101 + i + ((i + 1) / 11) * (value - 101 - i), 3) : value)),
  );
  push(...ramp(1, 50));
  send({ type: 'samples', channels: [Float32Array.from(ramp(500, 50))], at: 0 }); // nothing of it is left to hear
  expect(hear(50)).toEqual(ramp(1, 50));
});

test('the same samples for an earlier place change nothing', () => {
  const sound = Float32Array.from({ length: 300 }, (_, i) => Math.sin(i / 5));
  send({ type: 'samples', channels: [sound.subarray(0, 150)] });
  hear(50);
  send({ type: 'samples', channels: [sound.subarray(100)], at: 100 });
  expect(hear(250)).toEqual([...sound.subarray(50)]);
});

test('what is closed is not called again, and keeps no samples', () => {
  push(...ramp(1, 100));
  hear(10);
  send({ type: 'close' });
  const out = [new Float32Array(BLOCK)];
  for (let at = 0; at < 30; at += BLOCK) {
    expect(ring.process([], [out])).toBe(at < 20);
    expect([...out[0]]).toEqual(near(ramp(11 + at, BLOCK).map((value, i) => value * fallen(at + i)))); // cut off it clicked
  }
  expect(ring.process([], [out])).toBe(false);
});
