// Checks of what users give, against the table of settings. All throw `invalid_argument` before any work; what no model is needed for is
// checked before one is opened.
import { lengthOf } from '../audio/channels.ts';
import { MelodyError } from '../errors.ts';
import { type AskedControls, checkControls } from './controls/control_words.ts';
import type { Model } from './model.ts';
import { nearest } from './nearest.ts';
import {
  type AudioInput,
  type Blend,
  SETTINGS,
  type Setting,
  type SettingName,
  STYLE,
  type Steering,
  type StyleOptions,
  type Use,
} from './settings.ts';

type Given = Readonly<Record<string, unknown>>;

export const refuse = (what: string, got: unknown, expected: string, hint?: string): MelodyError =>
  new MelodyError('invalid_argument', `${what} must be ${expected}; got ${shown(got)}`, hint);

/** What a value must be able to do, and what to call one that can. */
type Able = readonly [method: string, expected: string];

/** Options of a job that are no settings. */
const OTHERS: Readonly<Record<string, Able>> = {
  signal: ['addEventListener', 'an AbortSignal'],
  onEvent: ['call', 'a function'],
  draft: ['open', 'a Draft'],
};
const MAX_SHOWN = 80;

/**
 * Are these options, each of the right type and in its range, that can be given together? An object with a `version` is a recipe, which may
 * hold fields of other programs; elsewhere an unknown name is refused. Undefined values count as absent. Throws `invalid_argument`, and
 * `non_finite` for audio that holds NaN or infinity.
 */
export function checkOptions(asked: object, use: Use): void {
  checkObject(asked, use);
  const options = asked as Given;
  checkOthers(options);
  const isRecipe = Object.hasOwn(options, 'version');
  if (isRecipe && options.version !== 1) throw refuse('version of a recipe', options.version, '1');
  const known = Object.keys(use === 'steer' ? STYLE : SETTINGS);
  const given = Object.keys(options).filter((name) => options[name] !== undefined);
  for (const name of given) {
    if (known.includes(name)) checkSetting(name as SettingName, options[name]);
    else if (!(Object.hasOwn(OTHERS, name) || isRecipe)) throw unknown(name, use, known);
  }
  checkTogether(
    given.filter((name) => options[name] !== false),
    use,
  );
  const { inpaint, initAudio } = options as { inpaint?: readonly { end: number }[]; initAudio?: AudioInput };
  const seconds = initAudio && lengthOf(initAudio.channels) / initAudio.sampleRate;
  for (const region of inpaint ?? [])
    if (seconds !== undefined && region.end > seconds + 1e-6)
      throw refuse('inpaint region', region, `within the given audio, which lasts ${seconds.toFixed(3)} s`);
}

/** Are these options at all? Throws `invalid_argument`. */
export function checkObject(options: unknown, use: string): asserts options is object {
  if (!isObject(options)) throw refuse(`options of ${use}`, options, 'an object, for example { prompt: "calm piano, 80 bpm" }');
}

/** Are they options of these names? Throws `invalid_argument`. */
export function checkNames(options: unknown, use: string, known: readonly string[]): void {
  if (!isObject(options)) throw refuse(`options of ${use}`, options, 'an object');
  const other = Object.keys(options).find((name) => options[name] !== undefined && !known.includes(name));
  if (other) throw unknown(other, use, known);
}

/** Are they, where they are given, an AbortSignal, a function, a Draft? Throws `invalid_argument`. */
export function checkOthers(options: object): void {
  for (const [name, rule] of Object.entries(OTHERS)) checkAble(name, (options as Given)[name] ?? null, rule);
}

/** Null counts as absent. */
function checkAble(name: string, value: unknown, [method, expected]: Able): void {
  const can = typeof value !== 'string' && typeof (value as Record<string, unknown> | null)?.[method] === 'function';
  if (value !== null && !can) throw refuse(name, value, expected);
}

const words = (...choices: string[]) => ({ kind: 'text', choices }) as const;
const whole = (min: number, max: number) => ({ kind: 'whole', min, max }) as const;

/** Options of `Melody.load`. Which `precision` there is depends on the device. */
const LOADING: Readonly<Record<string, Setting | Able>> = {
  device: words('auto', 'gpu', 'cpu'),
  threads: whole(0, 1024),
  queue: whole(0, 10_000),
  memoryLimit: { kind: 'number', min: 0 },
  precision: { kind: 'text' },
  signal: OTHERS.signal as Able,
  onEvent: OTHERS.onEvent as Able,
  cache: { kind: 'switch' },
  gpu: ['requestAdapter', 'an entry point of WebGPU'],
  fetch: ['call', 'a function'],
  redirectHosts: ['includes', 'a list of hosts'],
  allowedHosts: ['includes', 'a list of hosts'],
  limits: words('adapter', 'default'),
  features: words('adapter', 'none'),
  powerPreference: words('low-power', 'high-performance'),
  dispatchesPerSubmit: whole(1, 2 ** 32),
  untested: { kind: 'switch' },
  onBytes: ['call', 'a function'],
};

/** Is this the place of a model, and can it be opened with these options? Throws `invalid_argument`. */
export function checkLoading(location: unknown, options: unknown): void {
  if (typeof location !== 'string' && typeof (location as URL | null)?.href !== 'string')
    throw refuse('the place of a model', location, 'a text or a URL, for example "melody-small"');
  checkNames(options, 'load', [...Object.keys(LOADING), 'pretend']);
  for (const [name, rule] of Object.entries(LOADING)) {
    const value = (options as Given)[name];
    if (!('kind' in rule)) checkAble(name, value ?? null, rule);
    else if (value !== undefined) CHECKS[rule.kind](name, value, rule);
  }
}

function unknown(name: string, use: string, known: readonly string[]): MelodyError {
  const near = nearest(name, known);
  const elsewhere = use === 'steer' && isSetting(name) ? 'it is decided before the music begins' : `the options are ${known.join(', ')}`;
  return new MelodyError('invalid_argument', `${use}: unknown option "${name}"`, near ? `did you mean ${near}?` : elsewhere);
}

const isSetting = (name: string): name is SettingName => Object.hasOwn(SETTINGS, name);

/** Can settings of these names be given together? */
export function checkTogether(names: readonly string[], use: Use): void {
  const settings = names.filter(isSetting).map((name) => [name, SETTINGS[name] as Setting] as const);
  for (const [name, { clip, not = [] }] of settings) {
    if (clip && use === 'stream') throw new MelodyError('invalid_argument', `${name} cannot be asked of a stream`, 'use generate');
    const other = not.find((one) => names.includes(one));
    if (other) throw new MelodyError('invalid_argument', `${name} cannot be combined with ${other}`, 'leave one of them out');
  }
  for (const [name, { needs }] of settings)
    if (needs && !names.includes(needs)) throw new MelodyError('invalid_argument', `${name} needs ${needs}`, 'give both or neither');
}

/** Is it a value of this setting? */
export function checkSetting(name: SettingName, value: unknown): void {
  const setting: Setting = SETTINGS[name];
  CHECKS[setting.kind](name, value, setting);
}

const CHECKS: Readonly<Record<Setting['kind'], (name: string, value: unknown, setting: Setting) => void>> = {
  number: checkNumber,
  whole: checkNumber,
  text(name, value, { choices, valid, expected = choices?.map((choice) => `"${choice}"`).join(' or ') ?? 'text' }) {
    const taken = typeof value === 'string' && (!choices || choices.includes(value)) && (!valid || valid(value));
    if (!taken) throw refuse(name, value, expected);
  },
  switch: checkSwitch,
  audio: (name, value) => checkAudio(value as AudioInput, name),
  blend(name, value) {
    const others: unknown[] = Array.isArray(value) ? value : [value];
    if (others.length === 0) throw refuse(name, value, '{ text, weight }, or a list of them');
    for (const other of others) {
      if (!isObject(other) || typeof other.text !== 'string') throw refuse(name, value, '{ text, weight }, or a list of them');
      checkNumber('blend.weight', other.weight, { min: 0, max: 1 });
    }
    const sum = (others as Blend[]).reduce((sum, { weight }) => sum + weight, 0);
    if (sum > 1 + 1e-6) throw refuse(name, value, `of weights that sum to 1 at most, not to ${sum}`);
  },
  steerings: (_name, value) => checkSteerings(value),
  regions(name, value) {
    if (!Array.isArray(value) || value.length === 0) throw refuse(name, value, 'a list of regions, { start, end } in seconds');
    for (const region of value)
      if (!isObject(region) || !((region.start as number) >= 0 && (region.end as number) > (region.start as number)))
        throw refuse('inpaint region', region, '{ start, end } in seconds with 0 ≤ start < end');
  },
};

function checkSwitch(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw refuse(name, value, 'true or false');
}

export function checkNumber(
  what: string,
  value: unknown,
  { kind, min = -Infinity, max = Infinity, over, off, unit }: Partial<Setting>,
): void {
  if (off && value === null) return;
  const whole = kind === 'whole';
  if (typeof value === 'number' && value >= min && value <= max && !(over && value === min) && (!whole || Number.isInteger(value))) return;
  const range = over ? `over ${min} and up to ${max}` : `from ${min} to ${max}`;
  throw refuse(what, value, `a ${whole ? 'whole ' : ''}number ${unit ? `of ${unit} ` : ''}${range}`);
}

/** Also throws `non_finite`. */
export function checkAudio(audio: AudioInput, what = 'audio'): void {
  const bad = (got: string) =>
    new MelodyError(
      'invalid_argument',
      `${what}: got ${got}; audio must have channels: Float32Arrays of one length, at least one sample`,
      'for example { channels: [left, right], sampleRate: 48000 }; of an AudioBuffer the channels are getChannelData(0), …',
    );
  if (!isObject(audio) || !Array.isArray(audio.channels) || !audio.channels.length)
    throw bad(tagOf(audio) === 'Object' ? `channels ${shown(audio.channels)}` : tagOf(audio));
  const { channels, sampleRate } = audio;
  for (const [i, channel] of channels.entries())
    if (!(channel instanceof Float32Array) || !channel.length || channel.length !== lengthOf(channels))
      throw bad(`${shown(channel)} as channel ${i}`);
  checkNumber(`${what} sampleRate`, sampleRate, { kind: 'whole', unit: 'Hz', min: 1000, max: 768_000 });
  if (!channels.every((c) => c.every(Number.isFinite)))
    throw new MelodyError('non_finite', `${what}: the samples hold NaN or infinity`, 'repair the file, or give another');
}

function checkSteerings(value: unknown): void {
  if (!Array.isArray(value)) throw refuse('steered', value, 'a list of changes');
  let before = 0;
  for (const change of value) {
    const { atSeconds, anew, ...style } = isObject(change) ? change : ({} as Given);
    const { prompt, blend, promptAudio } = style;
    if (!((atSeconds as number) >= before && Number.isFinite(atSeconds)) || (prompt === undefined && !blend) || promptAudio)
      throw new MelodyError(
        'invalid_argument',
        `steered: got ${shown(change)}, expected changes in order of time, each with atSeconds and a prompt`,
      );
    before = atSeconds as number;
    if (anew !== undefined) checkSwitch('anew', anew);
    checkOptions(style, 'steer');
  }
}

/** Can this model follow the style? Returns its tempo, key and metre in one spelling. The options were checked before. */
export function checkStyle(
  { prompt, blend, negativePrompt, tempo, key, metre }: StyleOptions,
  { config, tokenizer }: Model,
): AskedControls {
  if (prompt !== undefined) tokenizer.encode(prompt);
  for (const { text } of blendsOf(blend)) tokenizer.encode(text, 'the second prompt');
  if (negativePrompt !== undefined) tokenizer.encode(negativePrompt, 'the negative prompt');
  return checkControls({ tempo, key, metre }, config);
}

/** Changes along the music that this model can follow, without what is not theirs. The options were checked before. */
export function followed(steered: readonly Steering[], model: Model): readonly Steering[] {
  return Array.from(steered, (change) => {
    const { atSeconds, anew, prompt, blend, negativePrompt } = change;
    return {
      atSeconds,
      ...(anew && { anew }),
      ...(prompt !== undefined && { prompt }),
      ...(blend && { blend: copyOf(blend) }),
      ...(negativePrompt !== undefined && { negativePrompt }),
      ...checkStyle(change, model),
    };
  });
}

/** The prompts that are mixed in. */
export const blendsOf = (blend: StyleOptions['blend']): readonly Blend[] => (Array.isArray(blend) ? blend : blend ? [blend as Blend] : []);

/** A blend as it was given, without what is not its own. */
export function copyOf(blend: NonNullable<StyleOptions['blend']>): NonNullable<StyleOptions['blend']> {
  const copies = blendsOf(blend).map(({ text, weight }) => ({ text, weight }));
  return Array.isArray(blend) ? copies : (copies[0] as Blend);
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** "Float32Array", "AudioBuffer", "Object", … */
const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

/** A value in an error message, however large or odd it is. */
function shown(value: unknown): string {
  if (typeof value === 'number' || ArrayBuffer.isView(value)) return nameOf(value);
  try {
    return (JSON.stringify(value, (_key, inner) => (ArrayBuffer.isView(inner) ? nameOf(inner) : inner)) ?? tagOf(value)).slice(
      0,
      MAX_SHOWN,
    );
  } catch {
    return tagOf(value); // a bigint, or an object that holds itself
  }
}

const nameOf = (value: unknown): string =>
  ArrayBuffer.isView(value) ? `${tagOf(value)} of ${(value as Uint8Array).length}` : String(value);
