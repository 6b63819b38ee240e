// The language of the page: English as it is written in the page and its scripts, or German by a dictionary that is fetched where it is wanted.
import type { GERMAN } from './de.ts';

/** A text that every dictionary has. */
export type Text = keyof typeof GERMAN;

const NAMES = { en: 'English', de: 'Deutsch' } as const;
type Language = keyof typeof NAMES;
const KEY = 'melody-language';
/** Attributes that people read. */
const READ = ['aria-label', 'aria-valuetext'];

let dictionary: Readonly<Record<string, string>> = {};

/** The text in the language of the page, with values in place of `{0}` and so on. */
export const t = (text: Text, ...values: readonly (string | number)[]): string =>
  (dictionary[text] ?? text).replace(/\{(\d)\}/g, (_, index) => String(values[index]));

/** What may be no text of the page, such as a key that a piece was found to be in. */
export const maybe = (text: string): string => dictionary[text] ?? text;

/** The first language of the listener that the page has; `chosen`: what was asked of the page before. */
export function languageOf(languages: readonly string[], chosen: string | null): Language {
  const known = [chosen ?? '', ...languages].map((tag) => tag.slice(0, 2).toLowerCase());
  return known.find((tag): tag is Language => tag in NAMES) ?? 'en';
}

/** Before anything else of the page is written. The button offers the other language; the words in the prompt outlive the change. */
export async function useLanguage(button: HTMLElement, prompt: HTMLTextAreaElement): Promise<void> {
  const stored = (name: string) => {
    try {
      return sessionStorage.getItem(name) ?? localStorage.getItem(name);
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  const language = languageOf(navigator.languages, stored(KEY));
  const other: Language = language === 'de' ? 'en' : 'de';
  document.documentElement.lang = language;
  button.textContent = NAMES[other];
  button.lang = other;
  button.onclick = () => {
    try {
      localStorage.setItem(KEY, other);
      if (new URLSearchParams(location.hash.slice(1)).get('p') !== prompt.value) {
        sessionStorage.setItem(`${KEY}-prompt`, prompt.value);
        history.replaceState(null, '', location.pathname + location.search); // or the piece of the address takes the place of the words
      }
    } catch {}
    location.reload();
  };
  const typed = stored(`${KEY}-prompt`);
  if (typed) {
    prompt.value = typed;
    sessionStorage.removeItem(`${KEY}-prompt`);
  }
  if (language !== 'de') return;
  ({ GERMAN: dictionary } = await import('./de.ts'));
  translate(document.documentElement);
}

/** Texts as they stand in the page. */
function translate(root: Element): void {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    if (node.parentElement?.closest('textarea, script, noscript')) continue;
    const text = node.nodeValue?.trim().replace(/\s+/g, ' ') ?? '';
    if (text) node.nodeValue = (node.nodeValue as string).replace(/\S(.*\S)?/s, () => maybe(text));
  }
  for (const name of READ)
    for (const element of root.querySelectorAll(`[${name}]`)) element.setAttribute(name, maybe(element.getAttribute(name) ?? ''));
  for (const field of root.querySelectorAll<HTMLInputElement>('input[placeholder]')) field.placeholder = maybe(field.placeholder);
}
