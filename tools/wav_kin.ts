// A RIFF file written again as RIFX and W64, for tests and for the fuzz run. No writer of the package: melody writes RIFF and RF64.
import { chunk, join } from '../src/audio/wav_tags.ts';

const latin = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const GUID_TAIL = '\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a';

function* chunksOf(riff: Uint8Array, from = 12): Generator<{ id: string; body: Uint8Array }> {
  const view = new DataView(riff.buffer, riff.byteOffset, riff.byteLength);
  for (let at = from; at + 8 <= riff.length; ) {
    const size = view.getUint32(at + 4, true);
    yield { id: String.fromCharCode(...riff.subarray(at, at + 4)), body: riff.slice(at + 8, at + 8 + size) };
    at += 8 + size + (size & 1);
  }
}

/** Numbers of so many bytes, each turned around. */
function turned(bytes: Uint8Array, widths: readonly number[]): Uint8Array {
  const out = bytes.slice();
  for (let at = 0, i = 0; at < out.length; i++) {
    const width = widths[i % widths.length] as number;
    out.subarray(at, at + width).reverse();
    at += width;
  }
  return out;
}

/** The same file with the high byte first (plain and extensible `fmt `, INFO). */
export function asRifx(riff: Uint8Array): Uint8Array {
  let bytes = 1;
  const parts = [...chunksOf(riff)].map(({ id, body }) => {
    if (id === 'fmt ') {
      bytes = (body[14] as number) / 8;
      const fields = turned(body.subarray(0, 16), [2, 2, 4, 4, 2, 2]);
      const rest = turned(body.subarray(16, 26), [2, 2, 4, 2]);
      return chunk(id, join([fields, rest, body.subarray(26)]), false);
    }
    if (id === 'LIST')
      return chunk(id, join([body.subarray(0, 4), ...[...chunksOf(body, 4)].map((c) => chunk(c.id, c.body, false))]), false);
    return chunk(id, id === 'data' ? turned(body, [bytes]) : body, false);
  });
  const body = join([latin('WAVE'), ...parts]);
  return chunk('RIFX', body, false).subarray(0, 8 + body.length);
}

/** The same file as Sony's Wave64; chunks beside `fmt ` and `data` have GUIDs of their own there, here the same tail. `dataSize`: another claim in the file, as of a pipe that ends with the audio. */
export function asW64(riff: Uint8Array, dataSize?: bigint): Uint8Array {
  const head = (guid: string, size: bigint) => {
    const out = new Uint8Array(24);
    out.set(latin(guid));
    new DataView(out.buffer).setBigUint64(16, size, true);
    return out;
  };
  const parts = [...chunksOf(riff)].flatMap(({ id, body }) => {
    const size = BigInt(24 + body.length);
    return [
      head(id + GUID_TAIL, id === 'data' ? (dataSize ?? size) : size),
      body,
      new Uint8Array(id === 'data' && dataSize !== undefined ? 0 : -body.length & 7),
    ];
  });
  const whole = join([latin(`wave${GUID_TAIL}`), ...parts]);
  return join([head('riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00', BigInt(24 + whole.length)), whole]);
}
