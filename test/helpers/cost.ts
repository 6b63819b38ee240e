import type { Engine } from '../../src/engine/engine.ts';

/** How often plans of an engine have run from now on, on any executor: what work costs. */
export function countRuns(engine: Engine): () => number {
  let count = 0;
  const { plan } = engine;
  engine.plan = async (...wanted) => {
    const replay = await plan.apply(engine, wanted);
    return new Proxy(replay, {
      get(target, name) {
        if (name === 'run') count += 1;
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return () => count;
}
