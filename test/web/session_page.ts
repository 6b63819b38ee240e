// Bundled into a page of the browser tests: a session whose doings are noted where the test can read them.
import { Session, type SessionOptions } from '../../src/web/index.ts';
import { parity } from './parity.ts';

declare global {
  var session: Session;
  var newSession: (options: SessionOptions) => Session;
  var heard: { peak: number; chunks: number; events: string[]; fetched: number[] };
  var comparePart: typeof parity;
  var openTap: () => Promise<{ tap: AudioNode; heard: number[] }>;
}

globalThis.comparePart = parity;
globalThis.heard = { peak: 0, chunks: 0, events: [], fetched: [] };
globalThis.newSession = (options) => new Session(options);
globalThis.session = new Session({
  record: true,
  aheadSeconds: 8,
  onChange: ({ peak, loading }) => {
    heard.peak = Math.max(heard.peak, peak);
    if (loading) heard.fetched.push(loading.received);
  },
  onChunk: () => heard.chunks++,
  onEvent: (event) => heard.events.push(event.type === 'progress' ? event.stage : event.type),
});

/** A node of the page's own context at 48 kHz; what comes through it is kept. */
globalThis.openTap = async () => {
  const context = new AudioContext({ sampleRate: 48_000 });
  await context.resume();
  const script = `registerProcessor('tap', class extends AudioWorkletProcessor {
    process([[samples]]) { if (samples) this.port.postMessage(samples.slice()); return true; } });`;
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
  const tap = new AudioWorkletNode(context, 'tap');
  tap.connect(context.destination);
  const heard: number[] = [];
  tap.port.onmessage = ({ data }) => heard.push(...data);
  return { tap, heard };
};
