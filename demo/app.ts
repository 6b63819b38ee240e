// The page: what is asked for, what is playing, what was made. All music is made in the worker behind `session`.
import { MelodyWorker, type Recipe, Session, type Snapshot, type StyleOptions } from '../src/web/index.ts';
import { sentence } from '../src/web/words.ts';
import { byId, debounce, say, wait } from './dom.ts';
import { type Entry, History, type Settings, type Sound } from './history.ts';
import { HistoryList } from './history_list.ts';
import { t, useLanguage } from './language.ts';
import { lateWorker } from './late_worker.ts';
import { linkOf, pieceIn, type Shared } from './link.ts';
import { Listener } from './listener.ts';
import { LoadPanel } from './load.ts';
import { open } from './opening.ts';
import type { Part } from './part.ts';
import { Picture } from './picture.ts';
import { PieceForm } from './piece.ts';
import { type ReadyPiece, readPiece, settingsOf } from './pieces.ts';
import { listenTo } from './presses.ts';
import { chosenName, offerFormats, saveMidi, saveSound } from './save.ts';
import { Shape } from './shape.ts';
import { endOf, heardPrompt, isOn, pictureOf, pieceOf } from './status.ts';
import { showProblem, showTransport, totalOf } from './transport.ts';
import { Turns } from './turns.ts';
import { clipOf, fetchingOf, progressOf, VARIATIONS, variations } from './variations.ts';
import type { Produced, Taken, Workshop } from './workshop.ts';

/** A press soon after the end must not wait for the piece to be measured. */
const REST_MS = 700;
/** Words are followed once they rest so long: longer than from key to key, and no longer. */
const TYPING_MS = 250;
/** What is shorter has no tempo to speak of. */
const MIN_MEASURED_SECONDS = 2;

/** What is asked for, to see whether it changed. */
const wordsOf = ({ prompt, blend }: Settings | StyleOptions, given?: string) => JSON.stringify([prompt, blend, given]);

await useLanguage(byId('language'), byId<HTMLTextAreaElement>('prompt'));
const session = new Session({
  worker: new MelodyWorker(lateWorker()),
  onChange: show,
  onChunk: (...chunk) => part?.push(...chunk),
  onBeat: ({ inBar }) => picture?.beat(inBar === 0),
  onEvent: (event) => {
    const words = fetchingOf(event);
    if (words === coming) return;
    coming = words;
    show(session.snapshot);
  },
  record: true,
});
const turns = new Turns();
const panel = new LoadPanel(session, { retry: () => void retry(), end, changed: () => show(session.snapshot), loaded: loadedBeside });
const history = new History();
const shape = new Shape(debounce(TYPING_MS, steer), steer, missing);
const form = new PieceForm();
const list = new HistoryList(history, { play: (entry) => void again(entry), save, use });
let part: Part | undefined; // once their files are here: no sound waits for them
let workshop: Workshop | undefined;
let fetching: Promise<Workshop> | undefined; // once it was asked for
let picture: Picture | undefined;
let beginning: Settings | undefined; // asked of the worker, which has not taken it up yet
let playing: Entry | undefined;
let described: Entry | undefined;
let asked = ''; // the style that was last asked for, or filled in, as JSON
let sounding = ''; // what the form said of what plays
let underway = ''; // words for what was pressed and does not sound yet
let notice = ''; // of what was made or loaded, until something plays
let fault: string | undefined; // of the variations or of the page; the session's own are in its snapshot
let lacking: string | undefined; // a part of the page that could not be fetched
let before: Snapshot['state'] = 'empty';
let shared: Shared | undefined; // by the address; it is played as long as the form says the same
let linked: unknown; // the recipe that the address says
let coming = ''; // what is fetched for the piece that plays next
const saved = new Set<string>(); // entries of the list that are in a file
let told = ''; // of what was pressed while something plays, until the next piece
let failed: Snapshot['error'];
const listener = new Listener({ play: () => void resume(), pause: () => void session.pause(), stop: () => void end() });

listenTo({
  play: () => void (waiting(session.snapshot) && session.snapshot.state === 'paused' ? start() : resume()),
  resume: () => void resume(),
  start: () => void start(),
  end: () => void end(),
  volume: (gain) => {
    session.volume = gain;
  },
  save: () => void (playing && save(playing)),
  midi: () => void (playing && beat(playing)),
  copy: () => void copyLink(),
  share: () => void navigator.share({ ...(playing && { title: playing.prompt }), url: link() }).catch(() => {}), // called off
  vary: () => void vary(),
  openFile,
  address: () => void take('', async () => void takeShared()),
  on: () => isOn(session.snapshot),
  unsaved: () => history.fleeting.some((id) => !saved.has(id)), // made from a sound of one's own
  stored: () => void (history.refresh() && list.show()),
});
offerFormats();
list.show();
takeShared();
show(session.snapshot);
void open({
  hear: (piece) => void hear(piece),
  pressed: () => (underway ? turns.ended : undefined),
  state: () => session.snapshot.state,
  picture: () => {
    picture = new Picture(byId<HTMLCanvasElement>('picture'));
  },
  model: openModel,
  parts: [fetchPart, openPart, openTools],
  missing,
});

/** A step of its own: its code is there before it is run, a frame later. */
function fetchPart(): Promise<typeof import('./part.ts')> {
  return import('./part.ts');
}

async function openPart(): Promise<void> {
  const timeline = await fetchPart();
  part = new timeline.Part(
    session,
    async () => void (playing && (await again(playing))),
    async (region) => workshop?.anew(region),
  );
  show(session.snapshot);
}

async function openTools(): Promise<void> {
  await openWorkshop();
  show(session.snapshot);
}

/** Music out of music: a file that is opened before it is here fetches it. */
function openWorkshop(): Promise<Workshop> {
  fetching ??= import('./workshop.ts').then((tools) => {
    workshop = new tools.Workshop({ session, playing: () => playing, settings, produce, silence, tell, restyle: steer });
    return workshop;
  });
  return fetching;
}

function openFile(file: File | undefined): void {
  if (file) void openWorkshop().then((tools) => tools.open(file), missing);
}

/** A part of the page could not be fetched: the rest of it works. */
function missing(error: unknown): void {
  lacking = `${t('A part of the page could not be fetched: reload it.')} ${sentence(error as Error)}`;
  show(session.snapshot);
}

async function openModel(): Promise<void> {
  try {
    const adapter = await navigator.gpu?.requestAdapter(); // without one the processor computes
    if (picture) picture.smooth = adapter?.info.isFallbackAdapter === false;
    const { deviceMemory } = navigator as { deviceMemory?: number };
    const asked = shared?.model ?? new URLSearchParams(location.search).get('model');
    await panel.open({ memoryGb: deviceMemory, bufferBytes: adapter?.limits.maxBufferSize ?? 2 ** 30 }, asked);
  } catch (error) {
    fault = sentence(error as Error);
  }
  show(session.snapshot);
}

/** Looks again what could be loaded. */
async function retry(): Promise<void> {
  fault = undefined;
  show(session.snapshot);
  await openModel();
}

/** While something sounded that needs no model. */
function loadedBeside(loaded: boolean, error: unknown): void {
  if (error) fault = sentence(error as Error);
  if (loaded && isOn(session.snapshot)) told = t('The model is here.');
  show(session.snapshot);
}

function settings(): Settings {
  const now = { ...shape.style(), ...form.wanted() };
  // What the form has no fields for: a first window of its own, changes while it plays.
  const same =
    shared && linkOf({ ...shared, blend: undefined, durationSeconds: undefined, loop: undefined, ...now }, '') === linkOf(shared, '');
  return same ? settingsOf(shared as unknown as Recipe) : now;
}

/** The piece of the address goes into the form. */
function takeShared(): Shared | undefined {
  shared = pieceIn(location.href);
  if (!shared) return undefined;
  fill(shared);
  form.keepSeed = true;
  notice = t('This link is a piece: press Play.');
  return shared;
}

/** The address of what plays, for others. */
function link(page = location.origin + location.pathname): string {
  return playing ? linkOf(playing, page) : page;
}

async function copyLink(): Promise<void> {
  const copied = await navigator.clipboard.writeText(link()).then(
    () => true,
    () => false,
  );
  told = t(copied ? 'The link is copied.' : 'The browser does not let this page copy; the address of the page is the link.');
  show(session.snapshot);
}

function fill(entry: Settings): void {
  shape.fill(entry);
  form.fill(entry);
  asked = wordsOf(shape.style(), workshop?.taken?.given); // what plays meanwhile is not steered by it
}

function use(entry: Settings): void {
  fill(entry);
  form.keepSeed = true;
  byId('prompt').focus();
  show(session.snapshot);
}

/** The form says something that what plays does not follow: it is all made, or settings were filled in beside it. */
function waiting(now: Snapshot): boolean {
  const words = wordsOf(shape.style(), workshop?.taken?.given);
  return isOn(now) && words !== sounding && (now.complete || words === asked);
}

/** Pauses what plays, goes on with what is paused, else begins. */
async function resume(): Promise<void> {
  const { state } = session.snapshot;
  if (state === 'playing' || state === 'buffering') await session.pause();
  else if (state === 'paused') session.resume();
  else await start();
}

/**
 * Ends what runs, at once; then `work`, unless something else was pressed meanwhile. `words` are said until it sounds. `goesOn`: what runs does
 * so until `work` ends it.
 */
async function take(words: string, work: (signal: AbortSignal) => Promise<void>, goesOn = false): Promise<void> {
  if (!goesOn) beginning = undefined;
  underway = words;
  const silent = goesOn ? undefined : session.stop();
  await turns.take(async (signal) => {
    try {
      await silent;
      if (!signal.aborted) await work(signal);
    } catch (error) {
      if (!signal.aborted) {
        fault = sentence(error as Error);
        notice = ''; // what went before, such as the download, is not what counts
      }
    }
    if (signal.aborted) return goesOn ? undefined : session.stop(); // it may have begun after the stop of the next press
    underway = '';
    show(session.snapshot);
  });
}

/** Ends what runs; what was made of it stays in the list, as of a piece that ends by itself. */
async function end(): Promise<void> {
  if (underway) notice = t('Stopped.');
  await take('', async () => {});
}

/** Before another piece: the last one goes to the list, and what was said of it goes. */
function leave(next?: Entry): void {
  keepSound();
  if (next === undefined || next !== playing) part?.clear();
  playing = described = fault = undefined;
  notice = told = coming = '';
  picture?.clear();
}

/** Before a microphone is heard. */
async function silence(): Promise<void> {
  beginning = undefined;
  await session.stop();
}

function tell(words: string): void {
  underway = words;
  say(byId('status'), words);
}

/** Plays what is asked for; downloads the model first where it is not here. `taken`: in the style of other sound. */
async function start(wanted: Settings = settings(), taken: Taken | undefined = workshop?.taken): Promise<void> {
  const { offered, ready } = panel;
  if (!ready && !panel.able) return;
  form.seed = wanted.seed;
  asked = wordsOf(wanted, taken?.given);
  sounding = wordsOf(shape.style(), taken?.given);
  if (wanted.loop) return loop(wanted, taken);
  leave();
  if (offered && !ready) session.prepare(offered.sampleRate, offered.channels); // minutes later it would not count as pressed
  await take(ready ? t('Making music.') : '', async (signal) => {
    if (!ready && !(await panel.load())) return;
    if (signal.aborted) return;
    underway = t('Making music.');
    const { prompt, blend, durationSeconds, firstWindowSeconds, seed, steered } = wanted;
    await session.play({ prompt, blend, durationSeconds, firstWindowSeconds, seed, steered, ...taken?.style });
    if (!signal.aborted) beginning = { ...wanted, ...(taken && { given: taken.given }) };
  });
}

/** Plays a finished clip, once `make` brought it. `model`: it is needed, and downloaded first where it is not here. */
async function produce(words: string, model: boolean, make: (signal: AbortSignal) => Promise<Produced>): Promise<void> {
  const { offered, ready } = panel;
  const goesOn = !model && isOn(session.snapshot); // a file may be none that can be opened
  const missing = model && !ready;
  if (missing && !panel.able) return;
  const form = missing ? offered : (session.snapshot.model ?? offered);
  if (form && !goesOn) session.prepare(form.sampleRate, form.channels); // as above
  if (!model && !goesOn) goOnLoading();
  await take(
    missing ? '' : words,
    async (signal) => {
      if (missing && !(await panel.load())) return;
      if (signal.aborted) return;
      tell(words);
      const { settings, sound, from } = await make(signal);
      if (signal.aborted) return;
      beginning = undefined;
      leave();
      await clip(sound);
      if (signal.aborted) return;
      playing = history.add(settings, sound.recipe?.model ?? '');
      history.keepSound(playing.id, sound);
      list.show();
      if (from) session.seek(from);
    },
    goesOn,
  );
}

/** Finished sound: what the form says by now was not asked of it, and is no change. */
async function clip({ channels, sampleRate, recipe, beats }: Sound): Promise<void> {
  asked = sounding = wordsOf(shape.style(), workshop?.taken?.given);
  await session.playClip(channels, sampleRate, recipe, beats);
}

/** A clip whose end leads into its start, again and again. */
async function loop(wanted: Settings, taken: Taken | undefined): Promise<void> {
  const { steered: _, ...once } = wanted;
  const say = (tenth: number) => tell(t('Making the loop: {0} %.', tenth * 10));
  await produce(t('Making the loop.'), true, async (signal) => {
    const { windowSeconds = 1 } = session.snapshot.model ?? {};
    const { durationSeconds: asked = windowSeconds } = once;
    const durationSeconds = Math.max(1, Math.round(asked / windowSeconds)) * windowSeconds; // it lasts whole windows
    const made = await clipOf(session.worker, { ...once, durationSeconds }, signal, say, tell, taken?.style).catch((error) => {
      if (taken && !signal.aborted) workshop?.letGo();
      throw error;
    });
    return { ...made, settings: { ...made.settings, ...(taken && { given: taken.given }) } };
  });
  if (part && playing?.loop) part.looping = true;
}

/** The worker took the piece up: only now is it one. */
function begun(wanted: Settings): void {
  beginning = undefined;
  const { given } = wanted;
  playing = history.add({ ...settingsOf({ ...wanted } as Recipe), ...(given && { given }) }, session.snapshot.model?.name ?? '');
  list.show();
  steer(); // what was typed while it waited
}

/** What needs no model leaves a load alone, which the end of what runs would call off. Without locks the two would write into one file. */
function goOnLoading(): void {
  if (session.snapshot.state === 'loading' && navigator.locks) void panel.loadBehind();
}

/** One of the pieces that lie beside the page. */
async function hear(piece: ReadyPiece): Promise<void> {
  goOnLoading();
  leave();
  const reading = readPiece(piece); // while the sound device is opened
  reading.catch(() => {}); // it is told below
  session.prepare(piece.sampleRate, piece.channels);
  await take(t('About to play.'), async (signal) => {
    const channels = await reading;
    if (signal.aborted) return;
    const { recipe, sampleRate } = piece;
    await clip({ channels, sampleRate, recipe });
    if (signal.aborted) return;
    const asked = linkOf(settingsOf(recipe), '');
    playing =
      history.entries.find((entry) => linkOf({ ...entry, model: '' }, '') === asked) ?? history.add(settingsOf(recipe), recipe.model);
    history.keepSound(playing.id, { channels, sampleRate, recipe });
    list.show();
  });
}

/** From memory where the sound is still there, else made anew. */
async function again(entry: Entry): Promise<void> {
  const sound = history.sound(entry.id);
  if (!sound) {
    workshop?.letGo(); // the very piece, in no other's style
    fill(entry);
    return start(entry, undefined);
  }
  goOnLoading();
  leave(entry);
  await take(t('About to play.'), async (signal) => {
    await clip(sound);
    if (!signal.aborted) playing = entry;
  });
}

function keepSound(): void {
  const audio = session.audio();
  const { recipe } = session.snapshot;
  if (!playing || !audio || !recipe) return;
  history.keepSound(playing.id, { ...audio, recipe, beats: session.beats });
  list.show();
}

function steer(): void {
  const now = session.snapshot;
  if (!isOn(now) || (!now.recipe && !now.complete)) return;
  const style = shape.style();
  const taken = workshop?.taken;
  const words = wordsOf(style, taken?.given);
  if (now.complete) show(now); // it says that the change waits
  if (now.complete || words === asked) return;
  asked = sounding = words;
  session.steer({ ...style, ...taken?.style });
  if (!taken || !playing) return;
  playing = history.giveWord(playing, taken.given); // its settings make another piece
  list.show();
}

async function save(entry: Entry): Promise<void> {
  if (entry === playing) keepSound();
  const sound = history.sound(entry.id);
  if (!sound?.recipe) return;
  fault = undefined;
  const seconds = (sound.startSeconds ?? 0) + sound.channels[0].length / sound.sampleRate;
  const kept = notice;
  const making = t('Making the {0} file.', chosenName());
  notice = making;
  show(session.snapshot);
  try {
    await saveSound(session.worker, entry, sound, panel.licenseOf(sound.recipe.model));
    saved.add(entry.id);
  } catch (error) {
    fault = `${t('The {0} file could not be made.', chosenName())} ${sentence(error as Error)}`;
  }
  if (notice === making) notice = kept;
  if (!fault && entry === playing && isOn(session.snapshot) && !session.snapshot.complete)
    told = t('The file ends where the piece was made to when it was saved: {0} s.', seconds.toFixed(1));
  show(session.snapshot);
}

/** Beside its sound: the beat that was planned. */
async function beat(entry: Entry): Promise<void> {
  keepSound();
  const sound = history.sound(entry.id);
  if (sound) await saveMidi(entry, sound);
}

/** They land in the list, to be heard one by one; the model is downloaded first where it is not here. */
async function vary(): Promise<void> {
  const { ready } = panel;
  if (!ready && !panel.able) return;
  notice = '';
  fault = undefined;
  const base = settings();
  await take(ready ? progressOf(0, 0) : '', async (signal) => {
    if (!ready && !(await panel.load())) return;
    if (signal.aborted) return;
    tell(progressOf(0, 0));
    for await (const { settings: made, sound } of variations(session.worker, base, signal, tell)) {
      const entry = history.add(made, session.snapshot.model?.name ?? '');
      history.keepSound(entry.id, sound);
      list.show();
    }
    notice = t('{0} variations are in the list below.', VARIATIONS);
  });
}

/** A piece that has ended, in words, for those who do not see the picture. */
async function describe(entry: Entry): Promise<void> {
  await wait(REST_MS);
  const sound = history.sound(entry.id);
  if (!sound || sound.channels[0].length < MIN_MEASURED_SECONDS * sound.sampleRate) return;
  if (described !== entry || underway || isOn(session.snapshot)) return;
  const piece = await session.worker.measure([...sound.channels], sound.sampleRate);
  if (described === entry) say(byId('twin'), pieceOf(piece));
}

/** The page is a picture of the snapshot. */
function show(now: Snapshot): void {
  const { state, model } = now;
  if (beginning && now.recipe) begun(beginning);
  if ((state === 'ready' || state === 'empty') && state !== before)
    notice = state === 'empty' && before === 'loading' ? '' : before === 'loading' ? t('Ready. Press Play.') : endOf(now);
  before = state;
  if (now.error && now.error !== failed && (playing ?? beginning)?.given) workshop?.letGo(); // or the next piece fails by it, too
  failed = now.error;
  const idle = !isOn(now) && !underway && state !== 'loading';
  panel.show(now);
  const able = panel.ready || panel.able;
  list.ready = model !== undefined;
  if (playing && !playing.given && now.recipe && now.recipe !== linked) {
    linked = now.recipe;
    if (now.recipe.steered) playing = { ...playing, steered: now.recipe.steered };
    window.history.replaceState(null, '', link(location.href));
  }
  const prompt = heardPrompt(now, playing?.prompt);
  listener.show(now, prompt);
  const { toDownload, share: loading } = panel;
  const beats = session.beats.length > 0;
  showTransport({ now, playing, idle, able, toDownload, loading, waiting: waiting(now), beats, underway, coming, notice, told });
  showProblem(now.error ? sentence(now.error) : (fault ?? lacking));
  part?.show(now, totalOf(now), able);
  workshop?.show(able);
  picture?.run(state === 'playing' ? session.analyser : undefined);
  if (panel.opened && idle) void panel.load(); // at once, for it is open
  if (isOn(now) || !playing) say(byId('twin'), pictureOf(now, prompt));
  else if ((state === 'ready' || state === 'empty') && described !== playing) {
    described = playing;
    say(byId('twin'), pictureOf(now, playing.prompt));
    keepSound();
    void describe(playing).catch(() => {}); // that it has ended is said
  }
}
