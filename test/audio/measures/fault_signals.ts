/** Signals that each show one fault; tools/train/melody_train/goldens_measures.py makes the same ones. 6 s at 24 kHz, mono. */
import { mix, noise } from '../signals.ts';

export const RATE = 24000;
const SECONDS = 6;
const LENGTH = RATE * SECONDS;
const CHORDS = [
  [48, 60, 64, 67],
  [53, 60, 65, 69],
  [55, 59, 62, 67],
  [45, 57, 60, 64],
  [50, 57, 62, 65],
  [48, 55, 64, 72],
];
/** Cents of the chords' four voices, turned by one voice a chord. */
const DETUNED = [-38, 31, -22, 44];

interface Chords {
  /** Changes a harmonic's frequency. */
  move?: (hz: number, chord: number, voice: number) => number;
  attack?: number;
  reference?: number;
}

/** A chord a second, each of four voices with six falling harmonics, struck and dying away. */
function chords({ move = (hz) => hz, attack = 0.004, reference = 440 }: Chords = {}): Float32Array {
  const out = new Float64Array(LENGTH);
  CHORDS.forEach((notes, c) => {
    notes.forEach((note, voice) => {
      for (let h = 1; h <= 6; h++) {
        const hz = move(h * reference * 2 ** ((note - 69) / 12), c, voice);
        for (let n = 0; n < RATE; n++) {
          const t = n / RATE;
          out[c * RATE + n] += (0.06 / h) * Math.min(t / attack, 1) * Math.exp(-t / 0.4) * Math.sin(2 * Math.PI * hz * t + h);
        }
      }
    });
  });
  return Float32Array.from(out);
}

/** Bursts of noise, four a second. */
function hats(): Float32Array {
  return noise(LENGTH, 3).map((v, n) => 0.1 * v * Math.exp(-((n / RATE) % 0.25) / 0.03));
}

/** A comb of steady tones 25 Hz apart from 4 to 10 kHz. */
function comb(): Float32Array {
  const out = new Float64Array(LENGTH);
  for (let k = 160; k < 400; k++) {
    const phase = 2 * Math.PI * ((k * 0.6180339887) % 1);
    for (let n = 0; n < LENGTH; n++) out[n] += 0.003 * Math.sin((2 * Math.PI * 25 * k * n) / RATE + phase);
  }
  return Float32Array.from(out);
}

/** A new 20 ms frame each half second, repeated 25 times. */
function repeatedFrames(): Float32Array {
  const x = noise(LENGTH, 5, 0.1);
  return x.map((_, n) => x[480 * Math.floor(n / 12000) + (n % 480)]);
}

function buzz(): Float32Array {
  const turn = (2 * Math.PI) / RATE;
  return noise(LENGTH, 7).map((v, n) => 0.1 * v * (1 + 0.5 * Math.cos(50 * turn * n) + 0.4 * Math.cos(100 * turn * n)));
}

export const faultSignals: Record<string, () => Float32Array> = {
  music: () => mix(chords(), hats()),
  'music at A 446': () => mix(chords({ reference: 446 }), hats()),
  snapped: () => mix(chords({ move: (hz) => 50 * Math.max(1, Math.floor(hz / 50 + 0.5)) }), hats()),
  detuned: () => mix(chords({ move: (hz, c, v) => hz * 2 ** (DETUNED[(c + v) % 4] / 1200) }), hats()),
  'repeated frames': repeatedFrames,
  buzz,
  whistle: () => mix(chords(), comb()),
  hiss: () => mix(chords(), noise(LENGTH, 9, 0.02)),
  slow: () => chords({ attack: 0.08 }),
  noise: () => noise(LENGTH, 11, 0.1),
};
