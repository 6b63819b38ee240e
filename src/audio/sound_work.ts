// Work on whole clips that takes long: a thread of its own does it where the platform has one (Platform.aside).
import * as leveller from './leveller.ts';
import { type ClipReport, type MeasureOptions, measureClip } from './measure.ts';

export { matched } from './leveller.ts';
export { measureClip };

/** As `levelled` of leveller.ts. With `asked`, what comes out is measured as by `measureClip` before it leaves the thread. */
export function levelled(
  x: Float32Array[],
  sampleRate: number,
  how: Parameters<typeof leveller.levelled>[2],
  asked?: MeasureOptions,
): ReturnType<typeof leveller.levelled> & { readonly report?: ClipReport } {
  const done = leveller.levelled(x, sampleRate, how);
  return asked ? { ...done, report: measureClip(done.audio, sampleRate, asked) } : done;
}
