// What the page says of itself: for the status line, and under the picture for those who do not see it.
import { type Description, RECORDED_SECONDS, type Snapshot } from '../src/web/index.ts';
import type { Settings } from './history.ts';
import { maybe, type Text, t } from './language.ts';

/** A piece is there, heard or held. */
export const isOn = ({ state }: Snapshot) => state === 'playing' || state === 'buffering' || state === 'paused';

/** Changes at every new state, and every 10 % of a download: never more often, screen readers say it. */
export function statusOf({ state, loading, waiting, underruns, speed, warnings, recipe, complete }: Snapshot): string {
  const said = warnings.length ? ` ${warnings.join('. ')}.` : '';
  if (state === 'loading' && loading && loading.received === loading.total) return t('Getting the model ready.');
  if (state === 'loading' && waiting) return t('Waiting for the server, which is slow or gone.');
  if (state === 'loading') return loading ? t('Loading: {0} %.', Math.floor((10 * loading.received) / loading.total) * 10) : t('Loading.');
  if (state === 'buffering' && complete) return `${t('About to play.')}${said}`;
  if (state === 'buffering') {
    const slow =
      speed !== undefined && speed < 1
        ? ` ${t('This machine makes music slower than it plays: there will be gaps. A set length can be saved and heard whole.')}`
        : '';
    const long = recipe && !((recipe.durationSeconds ?? Infinity) <= RECORDED_SECONDS) ? ` ${t('Save keeps its last ten minutes.')}` : '';
    return `${t(underruns ? 'Making more music.' : 'Making music.')}${long}${slow}${said}`;
  }
  if (state === 'playing') return `${t('Playing.')}${said}`;
  if (state === 'paused') return `${t('Paused.')}${said}`;
  return said.trim();
}

/** While all of a piece is made and the form says something else. */
export const waitOf = ({ state }: Snapshot) =>
  t(
    state === 'paused'
      ? 'Press Play to hear what you changed; this piece stays in the list.'
      : 'What you changed is for the next piece: press Pause, then Play.',
  );

/** Why some of what a piece can be taken away by is off. */
export function aboutOf(piece: Settings | undefined): string {
  if (piece?.own)
    return t('Your own sound: go on after it, make a part of it anew, or take its style. Save, MIDI and links are for what is made here.');
  return piece?.given ? t('Only Save keeps it: the sound that it was made from is on this page alone, so it has no link.') : '';
}

/** After a piece. */
export const endOf = ({ error, complete }: Snapshot) => (error ? '' : t(complete ? 'The piece has ended.' : 'Stopped.'));

/** What the picture shows. `prompt`: of the piece, once it has begun. */
export function pictureOf({ state, peak, complete }: Snapshot, prompt: string | undefined): string {
  if (prompt === undefined) return t('The sound will be drawn here as it plays.');
  if (state === 'playing') return t('Playing “{0}”, {1}.', prompt, t(level(peak)));
  if (state === 'buffering') return t('Making “{0}”.', prompt);
  if (state === 'paused') return t('Paused: “{0}”.', prompt);
  return t(complete ? '“{0}” has ended.' : 'Stopped: “{0}”.', prompt);
}

const level = (peak: number): Text => (peak < 0.001 ? 'silent' : peak < 0.05 ? 'quiet' : peak < 0.5 ? 'of middle loudness' : 'loud');

/** What a piece sounds like. */
export function pieceOf({ tempo, key, loudness, duration, sections, suspect }: Description): string {
  const words = [
    `${duration.toFixed(1)} s`,
    tempo ? t('about {0} bpm', Math.round(tempo)) : t('no steady beat'),
    key ? maybe(key) : t('no clear key'),
    ...(sections === undefined ? [] : [sections === 1 ? t('one section') : t('{0} sections', sections)]),
    Number.isFinite(loudness) ? `${loudness.toFixed(1)} LUFS` : t('silent'),
  ];
  return `${t('The piece: {0}.', words.join(', '))}${suspect.length ? ` ${t('It may be broken: {0}.', suspect.join('; '))}` : ''}`;
}

/** What the music that is heard was asked for: a change takes the place of the piece's own words. */
export const heardPrompt = ({ recipe, playedSeconds }: Pick<Snapshot, 'recipe' | 'playedSeconds'>, prompt: string | undefined) =>
  recipe?.steered?.filter(({ atSeconds }) => atSeconds <= playedSeconds).at(-1)?.prompt ?? prompt;

/** Seconds until the next change of the music is heard, 0 where it is not made in time; undefined where none is under way. */
export function changeIn({
  recipe,
  playedSeconds,
  madeSeconds,
  changeSeconds,
}: Pick<Snapshot, 'recipe' | 'playedSeconds' | 'madeSeconds' | 'changeSeconds'>): number | undefined {
  const asked = (recipe?.steered ?? []).map(({ atSeconds }) => atSeconds);
  const next = [...(changeSeconds === undefined ? [] : [changeSeconds]), ...asked].filter((at) => at > playedSeconds);
  if (next.length > 0) return Math.ceil(Math.min(...next) - playedSeconds);
  return changeSeconds !== undefined && madeSeconds <= changeSeconds ? 0 : undefined;
}
