// A stream into ffmpeg, encoded as it is made:  node encode.mjs <prompt> <file.opus|mp3|flac|…> [seconds] [model]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Melody } from 'melody';

const [prompt = 'fast samba', file = 'music.opus', seconds = '20', model = 'melody-small'] = process.argv.slice(2);

const melody = await Melody.load(model);
let ffmpeg;
for await (const { channels, sampleRate } of melody.stream({ prompt, durationSeconds: Number(seconds) })) {
  // The first chunk says how many channels at what rate.
  ffmpeg ??= spawn(
    'ffmpeg',
    ['-v', 'error', '-y', '-f', 'f32le', '-ar', String(sampleRate), '-ac', String(channels.length), '-i', 'pipe:0', file],
    { stdio: ['pipe', 'inherit', 'inherit'] },
  );
  const frames = new Float32Array(channels.length * channels[0].length);
  channels.forEach((samples, c) => {
    for (let i = 0; i < samples.length; i++) frames[i * channels.length + c] = samples[i];
  });
  // Making waits where encoding is slower.
  if (!ffmpeg.stdin.write(Buffer.from(frames.buffer))) await once(ffmpeg.stdin, 'drain');
}
melody.dispose();
ffmpeg.stdin.end();
const [code] = await once(ffmpeg, 'close');
console.log(code === 0 ? `${file} written` : `ffmpeg ended with ${code}`);
process.exitCode = code;
