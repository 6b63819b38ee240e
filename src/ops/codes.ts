// Codes of a residual vector quantiser: choosing those of all codebooks of a frame at once, in the delay pattern of MusicGen (Copet et al.
// 2023), and back to vectors.

import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, isScalar, type ParamValue, times, within } from '../graph/graph.ts';
import { elementsOf, type Tensor, type WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { constant } from './constant.ts';
import { flat } from './layouts.ts';
import { STREAM } from './random.ts';
import { drawParams, EXP2, MAX_VOCAB, type SampleOptions, SORT_THREADS } from './sample.ts';
import { spread } from './spread.ts';

export interface SampleCodesOptions extends Pick<SampleOptions, 'topK' | 'topP' | 'rate' | 'seed' | 'into'> {
  /** Column of the pattern, from 0: row r of it speaks of frame column − ⌊r / channels⌋. */
  readonly column: ParamValue;
  /** Frames of the piece: rows whose frame is none of them get `pad`. */
  readonly frames: ParamValue;
  /** The first of the frames, whose codes are in `into` already and stay. Default 0. */
  readonly known?: ParamValue | undefined;
  /** Counter of the first row's draw. Default column · rows. */
  readonly position?: ParamValue | undefined;
  /** Rows that are delayed alike: 2 for a codec that speaks for left and right in turn. Default 1. */
  readonly channels?: 1 | 2 | undefined;
  readonly pad: number;
  /** Of a second half of logits without a condition: none + guidance · (condition − none). Default: there is none. */
  readonly guidance?: ParamValue | undefined;
  /** First place of the column in `into`. Default 0. */
  readonly at?: ParamValue | undefined;
}

/**
 * Draw a column of codes: rows of logits [B, rows · vocab] into `into[at …]`, B 2 with guidance, else 1; vocab ≤ 2048. Row r draws by the counter
 * position + r. Throws `shape`.
 */
export function sampleCodes(g: Graph, logits: Tensor, rows: number, options: SampleCodesOptions): Tensor {
  const { into, channels = 1, column, guidance } = options;
  const items = guidance === undefined ? 1 : 2;
  const vocab = elementsOf(logits.shape) / items / rows;
  if (!Number.isInteger(vocab) || vocab > MAX_VOCAB)
    throw new MelodyError('shape', `sample_codes: got logits [${logits.shape}], expected ${items} × ${rows} rows of at most ${MAX_VOCAB}`);
  const places = elementsOf(into.shape);
  const at = within(options.at ?? 0, 0, places - rows);
  if (into.dtype !== 'u32' || (!isScalar(at) && at > places - rows))
    throw new MelodyError(
      'shape',
      `sample_codes: cannot write ${rows} codes at ${String(at)} of ${into.dtype} [${into.shape}], expected u32 and room for them`,
    );
  g.dispatch(K.sample_codes, {
    in: { logits, exp2_table: constant(g, EXP2) },
    out: { id: into },
    params: {
      ...drawParams(vocab, options),
      position: options.position ?? times(column, rows),
      stream: STREAM.tokens,
      at,
      rows,
      null_at: items === 1 ? 0 : rows * vocab,
      guidance: guidance ?? 1,
      column,
      frames: options.frames,
      known: options.known ?? 0,
      shift: channels - 1,
      pad: options.pad,
    },
    tuning: { WG: SORT_THREADS },
    grid: [rows],
  });
  return into;
}

/** Sum of the coded entries of the first q levels. codes u32 [B, q], codebooks [Q, V, D] with Q ≥ q → [B, D]. Throws `shape`. */
export function rvqDecode(g: Graph, codes: Tensor, codebooks: WeightRef): Tensor {
  expectShape('rvq_decode', 'codes', codes, [null, null]);
  expectShape('rvq_decode', codebooks.name, codebooks, [null, null, null]);
  const [items, levels] = codes.shape;
  const [most, entries, dim] = codebooks.shape;
  if (levels > most || codes.dtype !== 'u32')
    throw new MelodyError(
      'shape',
      `rvq_decode: got ${codes.dtype} codes [${codes.shape}], expected u32 of at most the ${most} levels of ${codebooks.name}`,
    );
  const y = g.temp([items, dim], 'f32', 'rvq_decode');
  const n = items * dim;
  g.dispatch(K.rvq_decode, {
    in: { code: codes, books: g.weight(codebooks, flat(codebooks)) },
    out: { y },
    params: { n, dim, levels, entries },
    variant: codebooks.dtype === 'f16' ? 'f16' : undefined,
    ...spread(g.caps, n),
    label: codebooks.name,
    flops: n * levels,
  });
  return y;
}
