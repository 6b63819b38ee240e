// The page: what is asked for, what is playing, what was made. All music is made in the worker behind `session`.
import { type Recipe, Session, type Snapshot } from '../src/web/index.ts';
import { NO_ADAPTER, sentence } from '../src/web/words.ts';
import { byId, clock, debounce, say } from './dom.ts';
import { type Entry, History, type Settings } from './history.ts';
import { HistoryList, saveWav } from './history_list.ts';
import { LoadPanel } from './load.ts';
import { Picture } from './picture.ts';
import { Shape } from './shape.ts';

const VARIATIONS = 3;

const session = new Session({ onChange: show });
const panel = new LoadPanel(session);
const picture = new Picture(byId<HTMLCanvasElement>('picture'));
const history = new History();
const shape = new Shape(debounce(400, steer));
const list = new HistoryList(history, { play: replay, save, use: (entry) => fill(entry) });
let playing: Entry | undefined;
let asked = ''; // the style that plays, as JSON
let busy: AbortController | undefined; // variations being made
let notice = ''; // of what was made, until something plays
let fault: string | undefined; // of the variations or of the page; the session's own are in its snapshot

const play = byId<HTMLButtonElement>('play');
const stop = byId<HTMLButtonElement>('stop');
const seed = byId<HTMLInputElement>('seed');
const length = byId<HTMLSelectElement>('length');

play.onclick = () => void toggle();
stop.onclick = () => void end();
byId<HTMLInputElement>('volume').oninput = (event) => {
  session.volume = Number((event.target as HTMLInputElement).value);
};
byId('save').onclick = () => void (playing && save(playing));
byId('variations').onclick = () => void vary();
document.onkeydown = (event) => {
  if (event.key === 'Escape') void end();
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !play.disabled) void start();
};
session.volume = 0.8;
list.show();
void open();

async function open(): Promise<void> {
  try {
    const terminal = 'Or make music in a terminal: the project’s README says how.';
    if (!navigator.gpu) {
      const remedy = isSecureContext
        ? `Use a current Chrome, Edge, Safari or Firefox with hardware acceleration on. ${terminal}`
        : 'Open it over https, or from this very machine.';
      return problem(`This page needs WebGPU, and this browser does not offer it here. ${remedy}`);
    }
    if (!(await navigator.gpu.requestAdapter())) return problem(`${sentence(NO_ADAPTER)} ${terminal}`);
    await panel.open();
    await navigator.serviceWorker?.register('sw.js').catch(() => undefined); // without it the page itself needs the network
  } catch (error) {
    problem(sentence(error as Error));
  }
}

function problem(text: string | undefined): void {
  const box = byId('problem');
  box.hidden = text === undefined;
  say(box, text ?? '');
}

/** The settings of the form; a seed is drawn unless one is to be kept. */
function settings(): Settings {
  const locked = byId<HTMLInputElement>('seed-lock').checked && seed.value !== '';
  const drawn = crypto.getRandomValues(new Uint32Array(1))[0];
  return { ...shape.style(), ...(length.value && { durationSeconds: Number(length.value) }), seed: locked ? Number(seed.value) : drawn };
}

function fill(entry: Settings): void {
  shape.fill(entry);
  length.value = String(entry.durationSeconds ?? '');
  seed.value = String(entry.seed);
  byId<HTMLInputElement>('seed-lock').checked = true;
  byId('prompt').focus();
}

async function toggle(): Promise<void> {
  const { state } = session.snapshot;
  if (state === 'playing' || state === 'buffering') await session.pause();
  else if (state === 'paused') session.resume();
  else await start();
}

async function start(wanted: Settings = settings()): Promise<void> {
  await end();
  seed.value = String(wanted.seed);
  notice = '';
  asked = JSON.stringify({ prompt: wanted.prompt, ...(wanted.blend && { blend: wanted.blend }) });
  fault = undefined;
  playing = history.add(wanted, session.snapshot.model?.name ?? '');
  list.show();
  picture.clear();
  await session.play(wanted);
}

/** Ends what runs; what was made of it stays in the list. */
async function end(): Promise<void> {
  busy?.abort();
  keepSound(session.snapshot.recipe);
  await session.stop();
}

function keepSound(recipe: Recipe | undefined): void {
  const audio = session.audio();
  if (!playing || !audio || !recipe) return;
  history.keepSound(playing.id, { ...audio, recipe });
  list.show();
}

function steer(): void {
  const { state, complete } = session.snapshot;
  if (complete || (state !== 'playing' && state !== 'buffering' && state !== 'paused')) return;
  const style = shape.style();
  if (JSON.stringify(style) === asked) return;
  asked = JSON.stringify(style);
  session.steer(style);
}

async function replay(entry: Entry): Promise<void> {
  const sound = history.sound(entry.id);
  if (!sound) return start(entry);
  await end();
  playing = entry;
  notice = '';
  picture.clear();
  await session.playClip(sound.samples, sound.sampleRate, sound.recipe);
}

async function save(entry: Entry): Promise<void> {
  if (entry === playing) keepSound(session.snapshot.recipe);
  const sound = history.sound(entry.id);
  if (sound) await saveWav(session.worker, entry, sound, panel.model?.license ?? '');
}

/** Clips of the same request with other seeds; they land in the list, to be heard one by one. */
async function vary(): Promise<void> {
  await end();
  notice = '';
  fault = undefined;
  const abort = new AbortController();
  busy = abort;
  const base = settings();
  let tenth = -1;
  try {
    for (let i = 0; i < VARIATIONS; i++) {
      const wanted = { ...base, seed: base.seed + i };
      const clip = await session.worker.generate({
        ...wanted,
        signal: abort.signal,
        onEvent: (event) => {
          if (event.type !== 'progress' || Math.floor(event.fraction * 10) === tenth) return;
          tenth = Math.floor(event.fraction * 10);
          say(byId('status'), `Making variation ${i + 1} of ${VARIATIONS}: ${tenth * 10} %.`);
        },
      });
      const entry = history.add({ ...wanted, durationSeconds: clip.recipe.durationSeconds }, session.snapshot.model?.name ?? '');
      history.keepSound(entry.id, { samples: clip.channels[0], sampleRate: clip.sampleRate, recipe: clip.recipe });
      list.show();
    }
    notice = `${VARIATIONS} variations are in the list below.`;
  } catch (error) {
    if (!abort.signal.aborted) fault = sentence(error as Error);
  }
  if (busy === abort) busy = undefined;
  show(session.snapshot);
}

let described: Entry | undefined;

/** A finished piece in words, for those who do not see the picture. */
async function describe(): Promise<void> {
  const audio = session.audio();
  if (!audio || described === playing) return;
  described = playing;
  const { tempo, key, loudness, duration, sections, suspect } = await session.worker.measure([audio.samples], audio.sampleRate);
  const words = [
    `${duration.toFixed(1)} s`,
    tempo ? `about ${Math.round(tempo)} bpm` : 'no steady beat',
    key ?? 'no clear key',
    ...(sections === undefined ? [] : [sections === 1 ? 'one section' : `${sections} sections`]),
    Number.isFinite(loudness) ? `${loudness.toFixed(1)} LUFS` : 'silent',
  ];
  say(byId('twin'), `The piece: ${words.join(', ')}.${suspect.length ? ` It may be broken: ${suspect.join('; ')}.` : ''}`);
}

/** The page is a picture of the snapshot. */
function show(now: Snapshot): void {
  panel.show(now);
  const { state, model, complete } = now;
  const running = state === 'playing' || state === 'buffering';
  play.disabled = !model;
  stop.disabled = !running && state !== 'paused' && !busy;
  byId<HTMLButtonElement>('variations').disabled = !model;
  byId<HTMLButtonElement>('save').disabled = !playing || now.madeSeconds === 0;
  play.setAttribute('aria-label', running ? 'Pause' : state === 'paused' ? 'Resume' : 'Play');
  byId('play-icon').setAttribute('d', running ? 'M7 5h3.5v14H7zM13.5 5H17v14h-3.5z' : 'M8 5v14l11-7z');
  const total = now.recipe?.durationSeconds;
  say(byId('time'), total ? `${clock(now.playedSeconds)} / ${clock(total)}` : clock(now.playedSeconds));
  if (now.speed !== undefined) say(byId('speed'), `${now.speed.toFixed(now.speed < 1 ? 2 : 1)} × real time`);
  say(byId('ahead'), `${now.bufferedSeconds.toFixed(1)} s`);
  say(byId('gaps'), String(now.underruns));
  if (!busy) say(byId('status'), statusOf(now) || notice);
  if (running) say(byId('twin'), `Playing “${playing?.prompt ?? ''}”, ${level(now.peak)}.`);
  problem(now.error ? sentence(now.error) : fault);
  picture.run(state === 'playing' ? session.analyser : undefined);
  if (complete && state === 'ready' && described !== playing) {
    keepSound(now.recipe);
    void describe().catch(() => say(byId('twin'), 'The piece could not be measured.'));
  }
}

const level = (peak: number) => (peak < 0.001 ? 'silent' : peak < 0.05 ? 'quiet' : peak < 0.5 ? 'of middle loudness' : 'loud');

/** Changes at every new state, and every 10 % of a download: never more often, screen readers say it. */
function statusOf({ state, loading, underruns, speed, warnings }: Snapshot): string {
  const said = warnings.length ? ` ${warnings.join('. ')}.` : '';
  if (state === 'loading' && loading && loading.received === loading.total) return 'Getting the model ready.';
  if (state === 'loading') return loading ? `Loading: ${Math.floor((10 * loading.received) / loading.total) * 10} %.` : 'Loading.';
  if (state === 'buffering') {
    const slow =
      speed !== undefined && speed < 1
        ? ' This machine makes music slower than it plays: there will be gaps. A set length can be saved and heard whole.'
        : '';
    return `${underruns ? 'Making more music.' : 'Making music.'}${slow}${said}`;
  }
  if (state === 'playing') return `Playing.${said}`;
  if (state === 'paused') return `Paused.${said}`;
  return said.trim();
}
