// The timeline draws what changed, and of an endless piece the last ten minutes. A canvas that only notes what is drawn stands for the page's.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Timeline } from '../../demo/timeline.ts';
import type { Snapshot } from '../../src/web/index.ts';

const WIDTH = 400;
const HEIGHT = 108;
const NAMES = ['ResizeObserver', 'matchMedia', 'devicePixelRatio', 'getComputedStyle', 'document'] as const;
const before = NAMES.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);

beforeAll(() => {
  Object.assign(globalThis, {
    ResizeObserver: class {
      observe() {}
    },
    matchMedia: () => ({}),
    devicePixelRatio: 1,
    getComputedStyle: () => ({ getPropertyValue: (name: string) => name }),
    document: { activeElement: null },
  });
});
afterAll(() => {
  for (const [name, was] of before)
    if (was) Object.defineProperty(globalThis, name, was);
    else Reflect.deleteProperty(globalThis, name);
});

function timeline() {
  const drawn = { times: 0, bars: [] as number[] };
  const paint = {
    fillStyle: '',
    setTransform() {},
    clearRect() {
      drawn.times += 1;
      drawn.bars = [];
    },
    fillRect(_x: number, _y: number, width: number, tall: number) {
      if (width === 3) drawn.bars.push(tall);
    },
  };
  const canvas = {
    clientWidth: WIDTH,
    clientHeight: HEIGHT,
    width: 0,
    height: 0,
    getContext: () => paint,
    getAttribute: () => '',
    setAttribute() {},
  };
  return { line: new Timeline(canvas as unknown as HTMLCanvasElement, { seek() {}, mark() {} }), drawn };
}

const playing = (playedSeconds: number) => ({ state: 'playing', playedSeconds }) as Snapshot;

test('it is drawn again where something of it moved by a pixel', () => {
  const { line, drawn } = timeline();
  line.push([new Float32Array(1000)], 50, 0); // 20 s
  line.show(playing(0), 20);
  const { times } = drawn;
  for (let i = 1; i <= 10; i++) line.show(playing(i / 100), 20); // two pixels
  expect(drawn.times - times).toBe(2);
  line.region = { start: 1, end: 2 };
  expect(drawn.times - times).toBe(3);
  line.push([new Float32Array(50).fill(1)], 50, 950); // in the place of as much
  expect(drawn.times - times).toBe(4);
});

test('of an endless piece it shows the last ten minutes, however long it plays', () => {
  const { line, drawn } = timeline();
  for (let minute = 0; minute < 45; minute++) {
    // Each minute of another height; each moment is a sample.
    line.push([new Float32Array(3000).fill((minute + 1) / 45)], 50, minute * 3000);
    line.show(playing(minute * 60), undefined);
  }
  line.show(playing(45 * 60), undefined);
  const bars = WIDTH / 4;
  expect(drawn.bars).toHaveLength(bars);
  // A minute is ten bars; the first of each may hold the end of the one before.
  for (let bar = 1; bar < bars; bar += 10) expect(drawn.bars[bar] / (HEIGHT - 8)).toBeCloseTo((36 + (bar - 1) / 10) / 45, 5);
  line.push([new Float32Array(3000).fill(1)], 50, 44 * 3000); // the last minute anew, at its full height
  line.show(playing(45 * 60), undefined);
  expect(drawn.bars.slice(-9).every((tall) => tall === HEIGHT - 8)).toBe(true);
  expect(drawn.bars[85] / (HEIGHT - 8)).toBeCloseTo(44 / 45, 5);
});
