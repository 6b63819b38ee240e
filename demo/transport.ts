// What the page shows of what plays: the buttons of the transport, times, the status line, what went wrong.
import type { Snapshot } from '../src/web/index.ts';
import { byId, clock, say } from './dom.ts';
import type { Entry } from './history.ts';
import { t } from './language.ts';
import { aboutOf, changeIn, isOn, statusOf, waitOf } from './status.ts';

/** All that the transport is drawn from. */
export interface TransportView {
  readonly now: Snapshot;
  readonly playing: Entry | undefined;
  /** Nothing plays, and nothing is under way. */
  readonly idle: boolean;
  /** Music can be made, once the model is downloaded where it is not here. */
  readonly able: boolean;
  /** What Play would download, in words; '' for nothing. */
  readonly toDownload: string;
  /** The share of a model that is loaded beside what plays. */
  readonly loading: number | undefined;
  /** The form says something that what plays does not follow. */
  readonly waiting: boolean;
  /** Beats are known, which a MIDI file would hold. */
  readonly beats: boolean;
  /** What was pressed and does not sound yet, in words; '' for nothing. */
  readonly underway: string;
  /** What is fetched for the piece that plays next, in words. */
  readonly coming: string;
  /** What was made or loaded, in words, until something plays. */
  readonly notice: string;
  /** What came of a press while something plays, in words. */
  readonly told: string;
}

const ICONS = { pause: 'M7 5h3.5v14H7zM13.5 5H17v14h-3.5z', play: 'M8 5v14l11-7z' };

export function showTransport(view: TransportView): void {
  showButtons(view);
  showTimes(view);
  showStatus(view);
}

function showButtons({ now, playing, idle, able, toDownload, waiting, beats }: TransportView): void {
  const { state, recipe, madeSeconds } = now;
  const button = (id: string) => byId<HTMLButtonElement>(id);
  const [play, stop] = [button('play'), button('stop')];
  const running = state === 'playing' || state === 'buffering';
  const next = state === 'paused' && waiting; // the button begins another piece
  const download = isOn(now) && !next ? '' : toDownload;
  play.disabled = !(running || state === 'paused') && !able;
  say(byId('play-text'), download && t('Play · {0}', download));
  const begins = download ? t('Play · {0} to download', download) : t('Play');
  play.setAttribute('aria-label', running ? t('Pause') : state === 'paused' && !next ? t('Resume') : begins);
  byId('play-icon').setAttribute('d', running ? ICONS.pause : ICONS.play);
  if (idle && document.activeElement === stop) play.focus(); // a disabled button would lose it
  stop.disabled = idle;
  button('variations').disabled = !able;
  const made = playing !== undefined && madeSeconds > 0;
  button('save').disabled = !made || !recipe;
  button('midi').disabled = !made || !(beats || recipe?.decided?.tempo);
  for (const id of ['copy', 'share']) button(id).disabled = !playing || playing.given !== undefined;
}

function showTimes({ now, playing }: TransportView): void {
  const { playedSeconds, speed, bufferedSeconds, underruns } = now;
  const total = totalOf(now);
  const played = clock(playing ? playedSeconds : 0); // what is asked for is not there yet
  const at = total && playing ? `${played} / ${clock(total)}` : played;
  const change = isOn(now) ? changeIn(now) : undefined;
  say(byId('time'), change === undefined ? at : change === 0 ? t('{0} · making the change', at) : t('{0} · change in {1} s', at, change));
  if (speed !== undefined) say(byId('speed'), t('{0} × real time', speed.toFixed(speed < 1 ? 2 : 1)));
  say(byId('ahead'), `${bufferedSeconds.toFixed(1)} s`);
  say(byId('gaps'), String(underruns));
}

/** Seconds that the piece lasts; undefined for one without end. */
export const totalOf = ({ complete, madeSeconds, recipe }: Snapshot) => (complete ? madeSeconds : recipe?.durationSeconds);

function showStatus({ now, playing, loading, waiting, underway, coming, notice, told }: TransportView): void {
  const beside = loading === undefined ? '' : t('Loading: {0} %.', Math.floor(10 * loading) * 10);
  const own = now.state === 'loading';
  const first = underway || coming || (own && beside) || statusOf(now) || notice;
  const last = underway ? [] : [told, waiting ? waitOf(now) : aboutOf(playing)];
  say(byId('status'), [first, own ? '' : beside, ...last].filter(Boolean).join(' '));
}

/** What went wrong, where it is seen: the press may have been far below. */
export function showProblem(text = ''): void {
  const box = byId('problem');
  const fresh = text !== '' && box.textContent !== text;
  box.hidden = text === '';
  say(box, text);
  if (fresh) box.scrollIntoView({ block: 'nearest' });
}
