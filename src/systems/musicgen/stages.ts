// From words to sound in MusicGen: words → states of the text → columns of codes → frames → samples.

import { lengthOf } from '../../audio/channels.ts';
import { codebooks, encodecEncoder, hopOf } from '../../models/encodec.ts';
import { rvqEncode } from '../../ops/quantise.ts';
import type { Progress } from '../../pipeline/progress.ts';
import { Columns } from './columns.ts';
import type { MusicgenMachine, Request } from './request.ts';
import { clipWindows, SoundOfCodes } from './sound.ts';

/** Codes of every frame, [frames, num_codebooks]: `known` of them first, which stay. */
export async function drawCodes(m: MusicgenMachine, r: Request, progress: Progress, signal: AbortSignal | undefined): Promise<Uint32Array> {
  const { num_codebooks: k } = m.model.config.decoder;
  const columns = new Columns(m, r);
  const codes = new Uint32Array(r.frames * k);
  codes.set(r.known ?? []);
  const given = columns.there;
  const report = () => progress.report('tokens', (columns.done - given) / (r.frames - given));
  await progress.during('style', () => columns.begin(signal));
  await progress.during('tokens', async () => {
    while (!columns.over) {
      const at = columns.there * k;
      codes.set(await columns.more(Infinity, report, signal), at);
    }
  });
  return codes;
}

/**
 * Codes of given sound, [frames, num_codebooks], channels in turn. One array a channel of the model, at its rate, of whole frames.
 */
export async function encodeSound(
  m: MusicgenMachine,
  sound: readonly Float32Array[],
  signal: AbortSignal | undefined,
): Promise<Uint32Array> {
  const { decoder, audio_encoder: codec } = m.model.config;
  const { num_codebooks: k, audio_channels: channels } = decoder;
  const samples = lengthOf(sound);
  const levels = k / channels;
  const frames = samples / hopOf(codec);
  const plan = await m.plan(
    `encode ${samples}`,
    (g) => {
      const w = m.model.weights.at('audio_encoder');
      g.output('codes', rvqEncode(g, encodecEncoder(g, w, g.input('audio', [samples, 1]), codec), codebooks(w, codec, levels)));
    },
    signal,
  );
  const codes = new Uint32Array(frames * k);
  for (const [channel, audio] of sound.entries()) {
    plan.run({}, { audio });
    const own = new Uint32Array(await plan.readBytes('codes'));
    for (const [i, code] of own.entries()) codes[Math.floor(i / levels) * k + (i % levels) * channels + channel] = code;
  }
  return codes;
}

/** Samples of every channel, frames · hop each. codes [frames, num_codebooks], channels in turn; `windows` is for tests. */
export function decodeCodes(
  m: MusicgenMachine,
  codes: Uint32Array,
  progress: Progress,
  signal: AbortSignal | undefined,
  windows = clipWindows(m.model),
): Promise<Float32Array[]> {
  return new SoundOfCodes(m, windows).add(codes, true, (share) => progress.report('decoding', share), signal);
}
