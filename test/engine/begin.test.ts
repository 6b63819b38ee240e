// The device opens while a model is read that says when it is sure to be one, and is given back where the model then fails.
import { afterEach, expect, test, vi } from 'vitest';
import { Cpu } from '../../src/cpu/cpu.ts';
import { Engine } from '../../src/engine/engine.ts';

const NO_GPU = () => Promise.reject(new Error('no GPU is asked for'));
const ON_CPU = { device: 'cpu', untested: true } as const;
const model = { weights: { check() {} } };

afterEach(() => vi.restoreAllMocks());

test('before the model is there, once', async () => {
  const opened = vi.spyOn(Cpu, 'open');
  const engine = await Engine.open(
    async (begin) => {
      begin();
      await vi.waitFor(() => expect(opened).toHaveBeenCalled());
      return model;
    },
    NO_GPU,
    ON_CPU,
  );
  expect(engine.model).toBe(model);
  expect(opened).toHaveBeenCalledTimes(1);
  engine.dispose();
});

test('given back where the model fails', async () => {
  const disposed = vi.spyOn(Cpu.prototype, 'dispose');
  const failing = Engine.open(
    async (begin) => {
      begin();
      throw new Error('its tokenizer is damaged');
    },
    NO_GPU,
    ON_CPU,
  );
  await expect(failing).rejects.toThrow('its tokenizer is damaged');
  await vi.waitFor(() => expect(disposed).toHaveBeenCalledTimes(1));
});

test('a device that fails first is told of where the model is well', async () => {
  const slow = Engine.open(
    async (begin) => {
      begin();
      await new Promise((go) => setTimeout(go, 20));
      return model;
    },
    NO_GPU,
    { device: 'gpu' },
  );
  await expect(slow).rejects.toThrow('no GPU is asked for');
});
