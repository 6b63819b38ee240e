// The module of kernels/cpu, compiled once a process; and the memory that it runs in.
import { MelodyError } from '../errors.ts';
import { WASM } from './module.gen.ts';

const PAGE = 65_536;
const PAGES = [65_536, 32_768, 16_384, 8192]; // 4 GiB down to 512 MiB: what an engine lets us reserve

let compiled: Promise<WebAssembly.Module> | undefined;
let unshared: Promise<WebAssembly.Module> | undefined;

/** `shared`: for threads; else for one instance on the thread that calls. Throws `no_adapter` where there is no WebAssembly SIMD. */
export function loadModule(shared: boolean): Promise<WebAssembly.Module> {
  if (shared) compiled ??= compile((bytes) => bytes);
  else unshared ??= compile(withoutSharing);
  return (shared ? compiled : unshared) as Promise<WebAssembly.Module>;
}

async function compile(change: typeof withoutSharing): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(change(await unpack(WASM)));
  } catch (cause) {
    throw new MelodyError(
      'no_adapter',
      `this JavaScript engine does not compile the CPU's kernels: ${(cause as Error).message}`,
      'use Node 20 or newer, or a browser with WebAssembly SIMD (Chrome 91, Firefox 113, Safari 16.4)',
      { cause },
    );
  }
}

async function unpack(base64: string): Promise<Uint8Array<ArrayBuffer>> {
  const deflated = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The same module for a memory that is not shared: the flag byte of its one memory import. */
export function withoutSharing(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
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
  throw new MelodyError('out_of_memory', `no address space for ${PAGES[PAGES.length - 1] / 16} MB of WebAssembly memory: ${String(last)}`);
}

/** Grow until `end` bytes are there. Throws RangeError when there is no more. */
export function reach(memory: WebAssembly.Memory, end: number): void {
  const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
  if (missing > 0) memory.grow(Math.max(missing, Math.min(256, Math.ceil(memory.buffer.byteLength / PAGE / 4))));
}
