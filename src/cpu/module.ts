// The module of kernels/cpu, compiled once a process; and the memory that it runs in.
import { MelodyError } from '../errors.ts';
import { RELAXED, WASM } from './module.gen.ts';

const PAGE = 65_536;
const PAGES = [65_536, 32_768, 16_384, 8192]; // 4 GiB down to 512 MiB: what an engine lets us reserve

let compiled: Promise<WebAssembly.Module> | undefined;
let unshared: Promise<WebAssembly.Module> | undefined;
const relaxed: (Promise<WebAssembly.Module | undefined> | undefined)[] = []; // unshared, shared

/** `shared`: for threads; else for one instance on the thread that calls. Throws `no_adapter` where there is no WebAssembly SIMD. */
export function loadModule(shared: boolean): Promise<WebAssembly.Module> {
  if (shared) compiled ??= compile((bytes) => bytes);
  else unshared ??= compile(withoutSharing);
  return (shared ? compiled : unshared) as Promise<WebAssembly.Module>;
}

/** What the module calls for products that may be relaxed. */
export interface Products {
  plain4x8(a: number, b: number, bStep: number, k: number, out: number): void;
  plain2x16(a0: number, a1: number, b: number, d: number, k: number, out: number): void;
}

/**
 * The inner products by relaxed_madd, where this engine has it and fuses it at the first call, as V8 and SpiderMonkey do in all their tiers.
 * Where it does not, nothing is won, and an engine (JavaScriptCore) may change its answers while it runs. Undefined there.
 */
export function loadRelaxed(shared: boolean): Promise<WebAssembly.Module | undefined> {
  relaxed[Number(shared)] ??= askForRelaxed(shared);
  return relaxed[Number(shared)] as Promise<WebAssembly.Module | undefined>;
}

async function askForRelaxed(shared: boolean): Promise<WebAssembly.Module | undefined> {
  const bytes = await unpack(RELAXED);
  const fitting = shared ? bytes : withoutSharing(bytes);
  if (!WebAssembly.validate(fitting)) return undefined;
  const module = await WebAssembly.compile(fitting);
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared });
  const { plain4x8 } = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Products;
  const a = 1 + 2 ** -13; // a·a − round(a·a) is 2^-26, and 0 where the product is rounded first
  const values = new Float32Array(memory.buffer, 0, 32);
  values.set([-1, 0, 0, 0, a]);
  values.set([1 + 2 ** -12], 8);
  values.set([a], 16);
  plain4x8(0, 32, 32, 2, 128);
  return new Float32Array(memory.buffer, 128, 1)[0] === 2 ** -26 ? module : undefined;
}

async function compile(change: typeof withoutSharing): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(change(await unpack(WASM)));
  } catch (cause) {
    throw new MelodyError(
      'no_adapter',
      `this JavaScript engine does not compile the CPU's kernels: ${(cause as Error).message}`,
      /unsafe-eval|Content.Security/i.test((cause as Error).message)
        ? "allow 'wasm-unsafe-eval' in script-src of the page's Content-Security-Policy, for the files too"
        : 'use Node 20 or newer, or a browser with WebAssembly SIMD (Chrome 91, Firefox 113, Safari 16.4)',
      { cause },
    );
  }
}

async function unpack(base64: string): Promise<Uint8Array<ArrayBuffer>> {
  const deflated = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate'));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const reader = stream.getReader(); // neither Response, for which Node starts its network, nor for await, which Safari lacks
  for (let next = await reader.read(); !next.done; next = await reader.read()) parts.push(next.value);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** The same module for a memory that is not shared: the flag byte of its one memory import. */
function withoutSharing(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const name = [...'\x03env\x06memory\x02'].map((c) => c.charCodeAt(0)); // module, field, kind
  for (let i = 0; i < 4096; i++) {
    if (name.every((byte, j) => bytes[i + j] === byte)) {
      const copy = bytes.slice();
      copy[i + name.length] = 1; // a maximum, not shared; was 3
      return copy;
    }
  }
  throw new MelodyError('kernel', 'the CPU module imports no memory', 'please report this');
}

/** An empty memory that may grow to as much as this engine lets one. Throws `out_of_memory`. */
export function makeMemory(shared: boolean): WebAssembly.Memory {
  let last: unknown;
  for (const maximum of PAGES) {
    try {
      return new WebAssembly.Memory({ initial: 16, maximum, shared });
    } catch (error) {
      last = error;
    }
  }
  const size = Math.min(...PAGES) / 16;
  throw new MelodyError('out_of_memory', `no address space for ${size} MB of WebAssembly memory`, 'lift its limit: ulimit -v unlimited', {
    cause: last,
  });
}

/** Grow until `end` bytes are there. Throws RangeError when there is no more. */
export function reach(memory: WebAssembly.Memory, end: number): void {
  const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
  if (missing > 0) memory.grow(Math.max(missing, Math.min(256, Math.ceil(memory.buffer.byteLength / PAGE / 4))));
}
