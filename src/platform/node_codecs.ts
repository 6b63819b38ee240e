// Audio files other than WAV in Node, through npm `node-av`: FFmpeg's libraries, which whoever wants them installs beside melody.
import { pathToFileURL } from 'node:url';
import type { AudioCodecs } from './codecs.ts';
import * as av from './node_av.ts';
import { fault } from './node_av_io.ts';
import { decode, decodeParts } from './node_decode.ts';
import { encode, openEncoder } from './node_encode.ts';
import { resolveInstalled } from './node_models.ts';

/** Throws `audio` where the package is not installed, with what to do. */
export async function openCodecs(): Promise<AudioCodecs> {
  const lib = await importNodeAv();
  lib.Log.setLevel(av.AV_LOG_QUIET); // its lines would mix with ours; its return codes say what fails
  return {
    decode: (bytes) => decode(lib, bytes),
    decodeParts: (bytes, most, signal) => decodeParts(lib, bytes, most, signal),
    encode: (sound, format, tags, bits) => encode(lib, sound, format, tags, bits),
    openEncoder: (form, format, tags, bits) => openEncoder(lib, form, format, tags, bits),
  };
}

async function importNodeAv(): Promise<av.NodeAv> {
  const name = 'node-av/lib';
  try {
    return await import(name);
  } catch (cause) {
    const path = resolveInstalled(name);
    const lib = path === undefined ? undefined : await import(pathToFileURL(path).href).catch(() => undefined);
    if (lib) return lib;
    throw fault(
      'files other than WAV are read and written by the npm package "node-av" (FFmpeg), which is not installed',
      'npm install node-av@6',
      cause,
    );
  }
}
