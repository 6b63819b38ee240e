// Plans that a rehearsed job will want are compiled before their stages ask, on the CPU, where there is room.
import { afterEach, expect, test } from 'vitest';
import { Engine, type Machine } from '../../src/engine/engine.ts';
import { compileAhead, forecast } from '../../src/engine/memory.ts';
import { add } from '../../src/ops/elementwise.ts';

const NO_GPU = () => Promise.reject(new Error('no GPU is asked for'));
const model = { weights: { check() {} } };
let engine: Engine;

afterEach(() => engine.dispose());

async function rehearsed(memoryLimit?: number) {
  engine = await Engine.open(model, NO_GPU, { device: 'cpu', untested: true, memoryLimit });
  const act = async (m: Machine) => {
    for (const name of ['first', 'second'])
      await m.plan(name, (g) => {
        const x = g.input('x', [64]);
        g.output('y', add(g, x, x));
      });
  };
  return forecast(engine, undefined, act);
}

test('all plans of a job, in their order', async () => {
  const predicted = await rehearsed();
  await compileAhead(engine, predicted, undefined);
  expect([...(await engine.plans()).keys()]).toEqual(['first', 'second']);
});

test('none where the job barely fits', async () => {
  const predicted = await rehearsed(1000);
  await compileAhead(engine, predicted, undefined);
  expect((await engine.plans()).size).toBe(0);
});

test('none where the job was given up', async () => {
  const predicted = await rehearsed();
  await compileAhead(engine, predicted, AbortSignal.abort());
  expect((await engine.plans()).size).toBe(0);
});
