/** A clip as a picture: waveform above, mel spectrogram below, with time and frequency marked. */
import { MelodyError } from '../errors.ts';
import { monoMix } from './channels.ts';
import { powerFrames } from './fft.ts';
import { applyMel, hzToMel, melBank } from './mel.ts';
import { encodePng } from './png.ts';

/** Size of the picture that `clipPicture` draws. */
export interface PictureOptions {
  /** Pixels, 200 to 4096. Default 960. */
  width?: number;
  /** Pixels, 150 to 2160. Default 400. */
  height?: number;
}

const LEFT = 34;
const BOTTOM = 16;
const GAP = 4;
const WAVE_SHARE = 0.22;
const MIN_HZ = 30;
const FFT_SIZE = 2048;
const RANGE_DB = 80;

/** Palette: 0 … 239 the colour map from quiet to loud, then these. */
const BACKGROUND = 240;
const TEXT = 241;
const WAVE = 242;
const COLOURS = 240;

/**
 * Draws waveform and spectrogram of a clip. Returns the bytes of a PNG file.
 * @param channels one array a channel, all of one length, full scale −1 to 1; NaN is drawn as 0
 * @param sampleRate samples a second, Hz
 * @throws MelodyError `invalid_argument` for a size out of range
 */
export async function clipPicture(channels: Float32Array[], sampleRate: number, options: PictureOptions = {}): Promise<Uint8Array> {
  const width = size('width', options.width ?? 960, 200, 4096);
  const height = size('height', options.height ?? 400, 150, 2160);
  const mono = monoMix(channels).map((v) => (Number.isFinite(v) ? v : 0));
  const canvas = { width, height, pixels: new Uint8Array(width * height).fill(BACKGROUND) };
  const waveHeight = Math.round((height - BOTTOM) * WAVE_SHARE);
  const plot = { x: LEFT, width: width - LEFT, y: waveHeight + GAP, height: height - BOTTOM - waveHeight - GAP };
  drawWave(canvas, mono, plot.x, plot.width, waveHeight);
  drawSpectrogram(canvas, mono, sampleRate, plot);
  drawFrequencies(canvas, sampleRate, plot);
  drawTimes(canvas, mono.length / sampleRate, plot);
  return encodePng(canvas.pixels, width, height, palette());
}

interface Canvas {
  width: number;
  height: number;
  pixels: Uint8Array;
}

interface Plot {
  x: number;
  y: number;
  width: number;
  height: number;
}

function size(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new MelodyError('invalid_argument', `picture: ${name} ${value}; expected a whole number from ${min} to ${max}`);
}

/** Each column spans the lowest to the highest sample of its time. */
function drawWave(canvas: Canvas, mono: Float32Array, left: number, width: number, height: number): void {
  const row = (v: number) => Math.round(((1 - Math.max(-1, Math.min(1, v))) / 2) * (height - 1));
  for (let column = 0; column < width; column++) {
    const from = Math.floor((column * mono.length) / width);
    const to = Math.max(from + 1, Math.floor(((column + 1) * mono.length) / width));
    let low = Infinity;
    let high = -Infinity;
    for (let n = from; n < Math.min(to, mono.length); n++) {
      low = Math.min(low, mono[n]);
      high = Math.max(high, mono[n]);
    }
    for (let y = row(high); y <= row(low); y++) canvas.pixels[y * canvas.width + left + column] = WAVE;
  }
}

/** One mel band a pixel row; a column shows the mean power of its frames, from the loudest pixel down to 80 dB below it. */
function drawSpectrogram(canvas: Canvas, mono: Float32Array, sampleRate: number, plot: Plot): void {
  const bands = plot.height;
  const bank = melBank(sampleRate, FFT_SIZE, bands, MIN_HZ, sampleRate / 2);
  const hop = Math.max(64, Math.floor(mono.length / (2 * plot.width)));
  const sums = new Float32Array(plot.width * bands);
  const counts = new Uint32Array(plot.width);
  const frame = new Float32Array(bands);
  powerFrames(mono, FFT_SIZE, hop, (power, i) => {
    const column = Math.min(plot.width - 1, Math.floor(((i * hop + FFT_SIZE / 2) / mono.length) * plot.width));
    applyMel(bank, power, frame, 0);
    for (let b = 0; b < bands; b++) sums[column * bands + b] += frame[b];
    counts[column]++;
  });
  // Columns between frames, and those before the first and after the last centre, repeat the nearest one to the left or right.
  const filled = [...counts.keys()].filter((c) => counts[c] > 0);
  let nearest = 0;
  let loudest = 1e-12;
  for (const c of filled) for (let b = 0; b < bands; b++) loudest = Math.max(loudest, sums[c * bands + b] / counts[c]);
  for (let column = 0; column < plot.width; column++) {
    while (nearest + 1 < filled.length && filled[nearest + 1] <= column) nearest++;
    const source = filled[nearest];
    for (let b = 0; b < bands; b++) {
      const db = 10 * Math.log10(Math.max(sums[source * bands + b] / counts[source] / loudest, 1e-12));
      const shade = Math.round((COLOURS - 1) * Math.max(0, 1 + db / RANGE_DB));
      canvas.pixels[(plot.y + bands - 1 - b) * canvas.width + plot.x + column] = shade;
    }
  }
}

function drawFrequencies(canvas: Canvas, sampleRate: number, plot: Plot): void {
  const low = hzToMel(MIN_HZ);
  const span = hzToMel(sampleRate / 2) - low;
  for (const [hz, label] of [
    [100, '100'],
    [500, '500'],
    [1000, '1k'],
    [2000, '2k'],
    [4000, '4k'],
    [8000, '8k'],
    [16000, '16k'],
  ] as [number, string][]) {
    if (hz > sampleRate / 2) continue;
    const y = plot.y + Math.round((1 - (hzToMel(hz) - low) / span) * (plot.height - 1));
    for (let x = plot.x - 4; x < plot.x; x++) canvas.pixels[y * canvas.width + x] = TEXT;
    write(canvas, label, plot.x - 6 - textWidth(label), Math.max(plot.y, y - 5));
  }
}

function drawTimes(canvas: Canvas, duration: number, plot: Plot): void {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];
  const step = steps.find((s) => duration / s <= plot.width / 60) ?? Math.ceil(duration / 10);
  const y = plot.y + plot.height;
  for (let i = 0; i * step < duration; i++) {
    const x = plot.x + Math.round(((i * step) / duration) * plot.width);
    const label = `${step < 1 ? (i * step).toFixed(1) : i * step}s`;
    for (let dy = 0; dy < 3; dy++) if (x < canvas.width) canvas.pixels[(y + dy) * canvas.width + x] = TEXT;
    if (x + textWidth(label) < canvas.width) write(canvas, label, x + 3, y + 4);
  }
}

/** Glyphs of 3 x 5 dots, one digit 0 … 7 a row, drawn two pixels a dot. */
const GLYPHS: Record<string, string> = {
  '0': '75557',
  '1': '26227',
  '2': '71747',
  '3': '71717',
  '4': '55711',
  '5': '74717',
  '6': '74757',
  '7': '71111',
  '8': '75757',
  '9': '75717',
  '.': '00002',
  k: '45655',
  s: '03626',
};
const DOT = 2;

function textWidth(text: string): number {
  return text.length * 4 * DOT - DOT;
}

function write(canvas: Canvas, text: string, left: number, top: number): void {
  [...text].forEach((character, i) => {
    [...GLYPHS[character]].forEach((row, r) => {
      for (let c = 0; c < 3; c++) {
        if (!((Number(row) >> (2 - c)) & 1)) continue;
        for (let d = 0; d < DOT * DOT; d++) {
          const x = left + (i * 4 + c) * DOT + (d % DOT);
          const y = top + r * DOT + Math.floor(d / DOT);
          if (x >= 0 && x < canvas.width && y >= 0 && y < canvas.height) canvas.pixels[y * canvas.width + x] = TEXT;
        }
      }
    });
  });
}

/** Black through violet and orange to pale yellow, lightness rising evenly, so it reads in grey and for the colour-blind. */
const STOPS: [number, number, number][] = [
  [0, 0, 4],
  [40, 11, 84],
  [101, 21, 110],
  [159, 42, 99],
  [212, 72, 66],
  [245, 125, 21],
  [250, 193, 39],
  [252, 255, 164],
];

function palette(): [number, number, number][] {
  const map = Array.from({ length: COLOURS }, (_, i): [number, number, number] => {
    const at = (i / (COLOURS - 1)) * (STOPS.length - 1);
    const low = Math.min(STOPS.length - 2, Math.floor(at));
    const mix = (c: number) => Math.round(STOPS[low][c] + (at - low) * (STOPS[low + 1][c] - STOPS[low][c]));
    return [mix(0), mix(1), mix(2)];
  });
  return [...map, [18, 18, 24], [210, 210, 220], [120, 190, 255]];
}
