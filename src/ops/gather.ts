// Rows picked, joined, averaged. Tensors of any 4-byte dtype keep their bits.
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, isScalar, type ParamValue, rowsCols, within } from '../graph/graph.ts';
import { elementsOf, type Tensor, type WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { flat } from './layouts.ts';
import { spread, spreadRows } from './spread.ts';

/**
 * Rows of a table: y[..., :] = table[ids[...] + offset, :]. An id past the end of the table reads its last row.
 * table [V, D] f32 or f16, ids [...] u32, y [..., D] f32. Throws `shape`.
 */
export function embedding(g: Graph, table: WeightRef, ids: Tensor, options: { offset?: ParamValue } = {}): Tensor {
  checkTable(table);
  return recordGather(g, g.weight(table, flat(table)), table.shape, ids, { offset: options.offset }, table.name);
}

/**
 * One id of many for `rows` rows, and a row of its own added to each: y[r, :] = table[ids[first], :] + more[at, r, :].
 * table [V, D] f32 or f16, ids [N] u32, more [M, rows, D] f32, y [rows, D]. Throws `shape`.
 */
export function embedOne(
  g: Graph,
  table: WeightRef,
  ids: Tensor,
  options: { rows: number; first: ParamValue; more?: Tensor | undefined; at?: ParamValue },
): Tensor {
  const { rows, first, more, at = 0 } = options;
  checkTable(table);
  if (more) expectShape('embedding', 'more', more, [null, rows, table.shape[1]]);
  const places = { first: within(first, 0, elementsOf(ids.shape) - 1), at: more ? within(at, 0, more.shape[0] - 1) : 0, rows, more };
  return recordGather(g, g.weight(table, flat(table)), table.shape, ids, places, table.name);
}

function checkTable(table: WeightRef): void {
  if (table.shape.length !== 2)
    throw new MelodyError('shape', `embedding: table ${table.name} does not fit; got [${table.shape}], expected [V, D]`);
}

/** y[i, :] = x[index[i], :]. x [R, C] f32, index [n] u32, y [n, C]. An index past the end of x reads its last row. Throws `shape`. */
export function gatherRows(g: Graph, x: Tensor, index: Tensor): Tensor {
  return recordGather(g, x, rowsCols(x), index, {}, 'gather_rows');
}

function recordGather(
  g: Graph,
  table: Tensor,
  [rows, cols]: readonly number[],
  index: Tensor,
  one: { offset?: ParamValue | undefined; first?: ParamValue; at?: ParamValue; rows?: number; more?: Tensor | undefined },
  label: string,
): Tensor {
  if (index.dtype !== 'u32') throw new MelodyError('shape', `${label}: got an index of ${index.dtype}, expected u32`);
  const { offset = 0, first = 0, at = 0, more } = one;
  const count = one.rows ?? elementsOf(index.shape);
  const y = g.temp([...(one.rows === undefined ? index.shape : [count]), cols], 'f32', 'gather_rows');
  g.dispatch(K.gather_rows, {
    in: { table, index, more: more ?? table },
    out: { y },
    params: { rows: count, cols, last: rows - 1, offset, first, ids: one.rows === undefined ? count : 1, at },
    meaning: { ADD: more ? 1 : 0 },
    variant: table.dtype === 'f16' ? 'f16' : undefined,
    ...spreadRows(g.caps, count, cols),
    label,
    bytes: 8 * count * cols,
  });
  return y;
}

/**
 * `count` entries of the first dimension: y = x[from … from + count − 1]. `from` may be given at run time; rows past the end of x read its last.
 * x [R, ...], y [count, ...]. Throws `shape`.
 */
export function slice(g: Graph, x: Tensor, from: ParamValue, count: number, options: { into?: Tensor } = {}): Tensor {
  const [rows, ...rest] = x.shape;
  if (count < 1 || count > rows || (!isScalar(from) && (from < 0 || from + count > rows)))
    throw new MelodyError(
      'shape',
      `slice: got ${count} rows from ${isScalar(from) ? 'a run-time start' : from}, expected to stay within the ${rows} of [${x.shape}]`,
    );
  const y = options.into ?? g.temp([count, ...rest], x.dtype, 'slice');
  copyRows(g, x, y, { rows: count, start: from, columns: elementsOf(rest) });
  return y;
}

/** Tensors one after another along the first dimension. parts [R_i, ...], y [Σ R_i, ...]. Throws `shape`. */
export function concatRows(g: Graph, parts: readonly Tensor[]): Tensor {
  const rest = parts[0].shape.slice(1);
  checkParts('concat_rows', parts, (p) => p.shape.slice(1).join() === rest.join());
  const y = g.temp([parts.reduce((n, p) => n + p.shape[0], 0), ...rest], parts[0].dtype, 'concat_rows');
  const pitch = elementsOf(y.shape);
  let to = 0; // every part is one long row of y
  for (const part of parts) {
    copyRows(g, part, y, { rows: 1, columns: elementsOf(part.shape), pitch, to });
    to += elementsOf(part.shape);
  }
  return y;
}

/** Tensors side by side along the last dimension. parts [..., C_i], y [..., Σ C_i]. Throws `shape`. */
export function concatCols(g: Graph, parts: readonly Tensor[]): Tensor {
  const lead = parts[0].shape.slice(0, -1);
  checkParts('concat_cols', parts, (p) => p.shape.slice(0, -1).join() === lead.join());
  const pitch = parts.reduce((n, p) => n + rowsCols(p)[1], 0);
  const y = g.temp([...lead, pitch], parts[0].dtype, 'concat_cols');
  let to = 0;
  for (const part of parts) {
    const [rows, columns] = rowsCols(part);
    copyRows(g, part, y, { rows, columns, pitch, to });
    to += columns;
  }
  return y;
}

/** Mean over time. x [T, D] or [B, T, D], y [D] or [B, D]. Throws `shape`. */
export function meanRows(g: Graph, x: Tensor): Tensor {
  if (x.shape.length < 2) throw new MelodyError('shape', `mean_rows: got [${x.shape}], expected [T, D] or [B, T, D]`);
  const [length, dim] = x.shape.slice(-2);
  const y = g.temp([...x.shape.slice(0, -2), dim], 'f32', 'mean_rows');
  const n = elementsOf(y.shape);
  g.dispatch(K.mean_rows, { in: { x }, out: { y }, params: { n, dim, length }, ...spread(g.caps, n), flops: n * length });
  return y;
}

function checkParts(op: string, parts: readonly Tensor[], fits: (part: Tensor) => boolean): void {
  if (!parts.every((p) => fits(p) && p.dtype === parts[0].dtype))
    throw new MelodyError(
      'shape',
      `${op}: got [${parts.map((p) => `${p.dtype} [${p.shape}]`).join(', ')}], expected one dtype and equal other dimensions`,
    );
}

/** y[r, to + c] = x[start + r, c] for `rows` rows of `columns` columns; rows of y are `pitch` apart. */
function copyRows(
  g: Graph,
  x: Tensor,
  y: Tensor,
  how: { rows: number; columns: number; pitch?: number; to?: number; start?: ParamValue },
): void {
  const { rows, columns, pitch = columns, to = 0, start = 0 } = how;
  g.dispatch(K.copy, {
    in: { x },
    out: { y },
    params: { n: rows * columns, cols: columns, pitch, to, start, last: elementsOf(x.shape) / columns - 1 },
    ...spread(g.caps, rows * columns),
    label: y.storage.label.split('/').pop(),
    bytes: 8 * rows * columns,
  });
}
