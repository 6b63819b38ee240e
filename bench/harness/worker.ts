// The measuring process's side: holds one engine and the runners of one case, answers one request at a time.
import { sample } from '../../src/cli/bench/timing.ts';
import type { Answer, Engine, Prepared, Replies, Request, Runner } from './protocol.ts';

const WARM_UP_RUNS = 2;
const STILL_MS = 10; // a process that takes less than a fifth of such a stretch is idle
const PATIENCE_MS = 500;

const text = (error: unknown) => (error instanceof Error ? error.message : String(error)).split('\n')[0].slice(0, 200);

/**
 * Settles when this process rests, so that it disturbs nobody else's turn: the threads of ONNX Runtime's CPU pool go on spinning for up to
 * 30 ms after their last run, on cores that the next engine needs.
 */
async function still(): Promise<void> {
  const start = performance.now();
  let used = Number.POSITIVE_INFINITY;
  while (used > STILL_MS / 5 && performance.now() - start < PATIENCE_MS) {
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, STILL_MS));
    const { user, system } = process.cpuUsage(before);
    used = (user + system) / 1000;
  }
}

/** Answer the parent's requests until it goes away. `open` starts the engine on the first request, so that its failure is an answer. */
export function serve(open: () => Promise<Engine>): void {
  let engine: Engine | undefined;
  const runners = new Map<string, Runner>();

  async function prepare(request: Extract<Request, { type: 'prepare' }>): Promise<Prepared[]> {
    const prepared: Prepared[] = [];
    for (const attempt of (engine as Engine).attempts(request.case)) {
      const start = performance.now();
      try {
        const runner = await attempt.build();
        const output = Float32Array.from(await runner.read());
        prepared.push({ variant: attempt.variant, storage: runner.storage, output, coldMs: performance.now() - start });
        runners.set(attempt.variant, runner);
        for (let i = 0; i < WARM_UP_RUNS; i++) await runner.run(1);
      } catch (error) {
        prepared.push({ variant: attempt.variant, storage: 'f32', error: text(error), coldMs: performance.now() - start });
      }
    }
    return prepared;
  }

  async function answer(request: Request): Promise<Replies[Request['type']]> {
    switch (request.type) {
      case 'open':
        engine = await open();
        return engine.info;
      case 'prepare':
        return prepare(request);
      case 'sample': {
        const runner = runners.get(request.variant);
        if (!runner) throw new Error(`no variant '${request.variant}' is prepared`);
        const samples = await sample((times) => runner.run(times), request.options);
        await still();
        return samples;
      }
      case 'release':
        for (const runner of runners.values()) runner.dispose();
        runners.clear();
        return null;
    }
  }

  process.on('message', (request: Request) => {
    answer(request).then(
      (value) => process.send?.({ ok: true, value } satisfies Answer),
      (error) => process.send?.({ ok: false, error: text(error) } satisfies Answer),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
