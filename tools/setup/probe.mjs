// @ts-check
// Asks Dawn for a WebGPU adapter and a device and prints one line of JSON. Runs as a child process of setup.mjs: a driver that crashes
// or hangs takes this process with it and nothing else.
const result = await probe().catch((error) => ({ ok: false, reason: String(error?.message ?? error) }));
// The driver's own threads may hang at exit; the answer is all we came for.
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));

async function probe() {
  const { create } = await import('webgpu');
  const adapter = await create([]).requestAdapter();
  if (!adapter) return { ok: false, reason: 'Dawn found no adapter' };
  const device = await adapter.requestDevice();
  device.destroy();
  const { vendor, architecture, device: name, description } = adapter.info;
  return { ok: true, adapter: description || name || [vendor, architecture].filter(Boolean).join(' '), vendor, architecture };
}
