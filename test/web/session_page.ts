// Bundled into a page of the browser tests: a session whose doings are noted where the test can read them.
import { Session, type SessionOptions } from '../../src/web/index.ts';
import { parity } from './parity.ts';

declare global {
  var session: Session;
  var newSession: (options: SessionOptions) => Session;
  var heard: { peak: number; chunks: number; events: string[]; fetched: number[] };
  var comparePart: typeof parity;
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
