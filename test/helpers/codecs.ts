// Is npm `node-av` here, which reads and writes audio files other than WAV? It is no dependency: 170 MB for what few tests need.
//   npm install --no-save node-av@6
import { openCodecs } from '../../src/platform/node_codecs.ts';

export const haveCodecs: boolean = await openCodecs().then(
  () => true,
  () => false,
);
if (!haveCodecs) console.warn('tests of FLAC, MP3 and Opus are left out: npm install --no-save node-av@6');
