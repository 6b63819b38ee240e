// Music through an audio graph of your own: each chunk is an AudioBuffer, played right after the one before, through a filter and an echo.
import { MelodyWorker } from 'melody/player';

const button = document.body.appendChild(document.createElement('button'));
button.textContent = 'Play';
button.onclick = async () => {
  button.disabled = true;
  const context = new AudioContext(); // at the device's own rate: buffers are resampled by the browser
  const filter = new BiquadFilterNode(context, { type: 'lowpass', frequency: 4000 });
  const echo = new DelayNode(context, { delayTime: 0.3 });
  const again = new GainNode(context, { gain: 0.35 });
  filter.connect(context.destination);
  filter.connect(echo).connect(again).connect(echo);
  again.connect(context.destination);

  const worker = new MelodyWorker();
  await worker.load('weights/melody-small/');
  let next = 0; // when the next chunk sounds, in the context's time
  let heard = 0;
  const stream = worker.stream({ prompt: 'dub techno, 120 bpm', durationSeconds: 60 }, 8, {
    onChunk(channels, sampleRate) {
      const [{ length }] = channels;
      const buffer = new AudioBuffer({ length, sampleRate, numberOfChannels: channels.length });
      channels.forEach((samples, c) => {
        buffer.copyToChannel(samples, c);
      });
      const source = new AudioBufferSourceNode(context, { buffer });
      source.connect(filter);
      next = Math.max(next, context.currentTime + 0.1);
      source.start(next);
      next += buffer.duration;
      // The worker stays at most 8 s ahead of what is reported here.
      source.onended = () => {
        heard += length;
        stream.played(heard);
      };
    },
  });
  await stream.finished;
};
