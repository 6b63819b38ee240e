// The picture of the sound on a canvas that notes what is drawn.
import { expect, test } from 'vitest';
import { Drawing, type Frame } from '../../demo/drawing.ts';

/** Red of the quietest sound. */
const DARK = 12;

/** A canvas of that size, widths of the lines that were drawn, and how many columns of the spectrogram are not dark. */
function noted() {
  const lines: { width: number; colour: string }[] = [];
  const shown = { columns: 0 };
  const paint = {
    lineWidth: 0,
    strokeStyle: '',
    fillRect() {},
    beginPath() {},
    roundRect() {},
    fill() {},
    moveTo() {},
    lineTo() {},
    stroke() {
      lines.push({ width: this.lineWidth, colour: this.strokeStyle });
    },
    createImageData: (width: number, height: number) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) }),
    putImageData({ data }: ImageData) {
      shown.columns = Array.from({ length: 100 }, (_, x) => data[4 * x] !== DARK).filter(Boolean).length;
    },
  };
  const drawing = new Drawing({ width: 100, height: 50, getContext: () => paint } as unknown as HTMLCanvasElement);
  return { drawing, lines, shown };
}

const frame = (other: Partial<Frame>): Frame => ({
  samples: new Float32Array(64).fill(0.5),
  levels: new Uint8Array(32).fill(99),
  nyquist: 12_000,
  seconds: 1 / 60,
  calm: false,
  beat: 0,
  ...other,
});

test('a beat makes the waveform stronger and brighter, a downbeat most, and it fades; with reduced motion it stays as it is', () => {
  const { drawing, lines } = noted();
  for (const beat of [0, 0.5, 1, 0, 0]) drawing.draw(frame({ beat }));
  const widths = lines.map(({ width }) => width);
  expect(widths[1]).toBeGreaterThan(widths[0]);
  expect(widths[2]).toBeGreaterThan(widths[1]);
  expect(widths[3]).toBeLessThan(widths[2]);
  expect(widths[4]).toBeLessThan(widths[3]);
  expect(lines[2].colour).toBe('rgb(255 255 255)');
  drawing.draw(frame({ seconds: 1 }));
  expect(lines[5].width).toBeCloseTo(widths[0], 2);
  drawing.draw(frame({ beat: 1, calm: true }));
  expect(lines[6]).toEqual(lines[0]);
});

test('it scrolls by the time that passed, however often it is drawn', () => {
  const total = (seconds: number, count: number) => {
    const { drawing, shown } = noted();
    for (let i = 0; i < count; i++) drawing.draw(frame({ seconds }));
    return shown.columns;
  };
  expect(total(1 / 20, 10)).toBe(90);
  expect(Math.abs(total(1 / 60, 30) - total(1 / 20, 10))).toBeLessThanOrEqual(1);
});
