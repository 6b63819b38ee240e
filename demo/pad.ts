// A point between four ideas: the prompt at the top left, three others at the corners. Imported when it is opened.
//
// The nearer a corner, the more of its idea. A finger, a mouse or the arrow keys move the point, in steps that a link can hold exactly.
import type { Blend } from '../src/web/index.ts';
import { byId, make, say } from './dom.ts';
import { type Text, t } from './language.ts';

/** From one side to the other. */
const STEPS = 20;
/** Music follows the moving point so often. */
const FOLLOW_MS = 500;
/** Of the corners top right, bottom left and bottom right: label, idea to begin with, and share of the point at `x`, `y`. */
const CORNERS: readonly (readonly [label: Text, idea: string, share: (x: number, y: number) => number])[] = [
  ['Idea at the top right', 'hypnotic techno with synth bass, 128 bpm', (x, y) => x * (1 - y)],
  ['Idea at the bottom left', 'dreamy ambient pads, slow', (x, y) => (1 - x) * y],
  ['Idea at the bottom right', 'joyful samba with trumpet and percussion, 120 bpm', (x, y) => x * y],
];
const KEYS: Readonly<Record<string, readonly [right: number, down: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Pad {
  readonly #ideas = CORNERS.map(([label, value]) =>
    Object.assign(make('input', '', { type: 'text', value, maxLength: 400, spellcheck: false, autocomplete: 'off' }), {
      ariaLabel: t(label),
    }),
  );
  readonly #surface = make('div', '', { className: 'surface' });
  readonly #point = make('div', '', { className: 'point' });
  readonly #slides = (['Left to right', 'Top to bottom'] as const).map((label) =>
    Object.assign(make('input', '', { type: 'range', min: '0', max: String(STEPS), step: '1', className: 'hidden' }), {
      ariaLabel: t(label),
    }),
  );
  readonly #mix = make('p', '', { className: 'fine' });
  readonly #moved: () => void;
  #x = STEPS / 2;
  #y = STEPS / 2;
  #told = 0; // when `moved` heard last
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `moved` hears of another place or idea, no oftener than twice a second. */
  constructor(moved: () => void) {
    this.#moved = moved;
    const [right, left, corner] = this.#ideas;
    const row = (...parts: HTMLElement[]) => {
      const pair = make('div', '', { className: 'row pair' });
      pair.append(...parts);
      return pair;
    };
    this.#surface.append(this.#point, ...this.#slides);
    byId('pad').append(row(make('span', t('your words'), { className: 'fine' }), right), this.#surface, row(left, corner), this.#mix);
    for (const idea of this.#ideas) idea.oninput = () => this.#tell();
    this.#surface.onpointerdown = (event) => {
      if (event.button !== 0) return;
      this.#surface.setPointerCapture(event.pointerId);
      this.#drag(event);
      event.preventDefault(); // the slider keeps the focus, no text is marked
      this.#slides[0].focus({ preventScroll: true });
    };
    this.#surface.onpointermove = (event) => {
      if (this.#surface.hasPointerCapture(event.pointerId)) this.#drag(event);
    };
    for (const [i, slide] of this.#slides.entries()) {
      slide.onkeydown = (event) => this.#key(event);
      slide.oninput = () => {
        const at = Number(slide.value) / STEPS;
        if (i === 0) this.move(at);
        else this.move(undefined, at);
      };
    }
    this.#show();
  }

  /** Ideas that have a share at the point, in the order of the corners. */
  get blend(): readonly Blend[] {
    const [x, y] = [this.#x / STEPS, this.#y / STEPS];
    return CORNERS.flatMap(([, , share], i) => {
      const text = this.#ideas[i].value.trim();
      const weight = Number(share(x, y).toFixed(4)); // whole parts of STEPS²
      return text && weight > 0 ? [{ text, weight }] : [];
    });
  }

  /** To a place, 0 to 1 from left to right and from top to bottom; where nothing is said it stays. */
  move(x = this.#x / STEPS, y = this.#y / STEPS): void {
    const whole = (share: number) => Math.round(Math.max(0, Math.min(1, share)) * STEPS);
    if (whole(x) === this.#x && whole(y) === this.#y) return;
    [this.#x, this.#y] = [whole(x), whole(y)];
    this.#show();
    this.#tell();
  }

  /** Puts ideas to the corners, and the point where they have these shares. */
  fill(blend: readonly Blend[]): void {
    const { corners, x, y } = placeOf(blend);
    [this.#x, this.#y] = [Math.round(x * STEPS), Math.round(y * STEPS)];
    for (const [i, corner] of corners.entries()) this.#ideas[corner].value = blend[i].text;
    this.#show();
  }

  #drag({ clientX, clientY }: PointerEvent): void {
    const { left, top, width, height } = this.#surface.getBoundingClientRect();
    this.move((clientX - left) / width, (clientY - top) / height);
  }

  /** All four arrows, whichever slider has the focus. */
  #key(event: KeyboardEvent): void {
    const [right, down] = KEYS[event.key] ?? [];
    if (right === undefined || down === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.move((this.#x + right) / STEPS, (this.#y + down) / STEPS);
  }

  #show(): void {
    this.#point.style.setProperty('--x', String(this.#x / STEPS));
    this.#point.style.setProperty('--y', String(this.#y / STEPS));
    const shares = this.blend;
    const rest = 1 - shares.reduce((sum, { weight }) => sum + weight, 0);
    const parts = [...(rest > 1e-6 ? [{ text: t('your words'), weight: rest }] : []), ...shares];
    const mix = parts.map(({ text, weight }) => `${Math.round(100 * weight)} % ${text.split(',')[0]}`).join(' · ');
    say(this.#mix, mix);
    for (const [i, slide] of this.#slides.entries()) {
      slide.value = String(i === 0 ? this.#x : this.#y);
      slide.setAttribute('aria-valuetext', mix);
    }
  }

  /** Now, or as soon as it may again. */
  #tell(): void {
    this.#show();
    if (this.#timer) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#told = performance.now();
        this.#moved();
      },
      Math.max(0, this.#told + FOLLOW_MS - performance.now()),
    );
  }
}

/** The corners of up to three ideas, and the point that gives them these shares; of a blend from elsewhere the nearest that keeps their order. */
export function placeOf(blend: readonly Blend[]): { corners: readonly number[]; x: number; y: number } {
  const ways = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]].filter(({ length }) => length === blend.length);
  const found = ways.map((corners) => {
    const weights = CORNERS.map((_, corner) => blend[corners.indexOf(corner)]?.weight ?? 0);
    const [right, left, both] = weights;
    const [x, y] = [right + both, left + both];
    const off = CORNERS.reduce((sum, [, , share], corner) => sum + Math.abs(share(x, y) - weights[corner]), 0);
    return { corners, x, y, off };
  });
  return found.reduce((best, one) => (one.off < best.off - 1e-6 ? one : best));
}
