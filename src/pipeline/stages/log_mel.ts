// What an audio tower of kind 'ast' is shown of music (weights/FORMAT.md).
import { melBank } from '../../audio/mel.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { sharedConstant } from '../../ops/constant.ts';
import { complexPower, filterBank, logFloor, stft } from '../../ops/spectrum.ts';

const SIZE = 1024; // samples of a window
const BINS = SIZE / 2 + 1;
const BANDS = 128;

/** audio [n], n a multiple of 240 → ln(mel filters · |STFT|² + 1e-4), [n / 240, 128]. */
export function logMel(g: Graph, audio: Tensor, sampleRate: number): Tensor {
  const filters = sharedConstant(`mel filters ${sampleRate}`, [BINS, BANDS], () => {
    const table = new Float32Array(BINS * BANDS);
    for (const [b, { start, weights }] of melBank(sampleRate, SIZE, BANDS, 20, sampleRate / 2).filters.entries())
      for (const [i, v] of weights.entries()) table[(start + i) * BANDS + b] = v;
    return table;
  });
  const power = complexPower(g, stft(g, audio, { size: SIZE, hop: 240 }), { bins: BINS, mode: 'power' });
  return logFloor(g, filterBank(g, power, filters), 1e-4);
}
