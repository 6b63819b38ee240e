// A pass over a recorded graph: runs of add and mul, each the only reader of the one before, become one launch.
import { type Dispatch, type Graph, isScalar } from '../graph/graph.ts';
import type { Tensor, TensorStorage } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { constant, constantRef } from './constant.ts';
import { spread } from './spread.ts';

const OPERANDS = 5; // with x, the program and y they fill WebGPU's eight storage bindings

/** Shorten the graph where it can be; results differ from the unfused ones by rounding alone. Call between recording and compiling. */
export function fuseElementwise(g: Graph): void {
  const readers = new Map<TensorStorage, number>();
  for (const { inputs } of g.dispatches) for (const { storage } of inputs) readers.set(storage, (readers.get(storage) ?? 0) + 1);
  const old = g.dispatches.splice(0);
  for (let from = 0; from < old.length; ) {
    let to = from;
    while (fusable(old[to]) && (to === from || follows(old[to], old[to - 1], readers)) && bindable(old.slice(from, to + 1))) {
      to += 1;
      if (to === old.length) break;
    }
    if (to - from >= 2) recordChain(g, old.slice(from, to));
    else {
      to = from + 1;
      g.dispatches.push(old[from]);
    }
    from = to;
  }
}

/** An add or mul of numbers known now, whose operand is whole or a repeated row. */
function fusable({ kernel, params }: Dispatch): boolean {
  return (kernel.name === K.add.name || kernel.name === K.mul.name) && !Object.values(params).some(isScalar);
}

/** Does `next` take the result of `before` as its first input, as nobody else does? */
function follows(next: Dispatch, before: Dispatch, readers: ReadonlyMap<TensorStorage, number>): boolean {
  const value = before.outputs[0].storage;
  return value.kind === 'temp' && readers.get(value) === 1 && next.inputs[0].storage === value && next.params.n === before.params.n;
}

/** May one launch hold all that the run reads and its last result? A state may be read by one step and written by a later one. */
function bindable(run: readonly Dispatch[]): boolean {
  const operands = operandsOf(run);
  const { storage } = run[run.length - 1].outputs[0];
  return operands.length <= OPERANDS && ![run[0].inputs[0], ...operands].some((x) => x.storage === storage);
}

function operandsOf(run: readonly Dispatch[]): Tensor[] {
  const byStorage = new Map(run.map(({ inputs }) => [inputs[1].storage, inputs[1]]));
  return [...byStorage.values()];
}

function recordChain(g: Graph, run: readonly Dispatch[]): void {
  const operands = operandsOf(run);
  const program = new Uint32Array(4 * run.length);
  const numbers = new Float32Array(program.buffer);
  for (const [s, { kernel, inputs, params }] of run.entries()) {
    const which = operands.findIndex(({ storage }) => storage === inputs[1].storage);
    program[4 * s] = 2 * which + (kernel.name === K.mul.name ? 1 : 0);
    program[4 * s + 1] = params.period as number;
    numbers[4 * s + 2] = (params.alpha as number | undefined) ?? 1;
    numbers[4 * s + 3] = (params.beta as number | undefined) ?? 1;
  }
  const [a, b = a, c = a, d = a, e = a] = operands;
  const n = run[0].params.n as number;
  g.dispatch(K.elementwise_chain, {
    in: {
      x: run[0].inputs[0],
      a,
      b,
      c,
      d,
      e,
      program: constant(
        g,
        constantRef('elementwise_chain.program', [program.length], 'u32', () => program),
      ),
    },
    out: { y: run[run.length - 1].outputs[0] },
    params: { n, steps: run.length },
    ...spread(g.caps, n),
    label: `${run[0].label} … ${run.length} steps`,
    flops: run.reduce((sum, { flops }) => sum + flops, 0),
  });
}
