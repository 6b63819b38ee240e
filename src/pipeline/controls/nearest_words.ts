// The known words nearest to an unknown one: plurals and other forms, synonyms, words that say nothing. As Synonyms of
// tools/train/melody_train/words.py; a model's tokenizer.json carries the table, because which words are known is the model's.

/** What a word may be a form of: [its end, what stands there instead], tried in this order. */
const SUFFIXES = ',s ies,y es, s, ing, ing,e ed, ed,e ily,y ly, iness,y ness, ier,y iest,y est, er, ish, y, like, ,y ist, ists,'
  .split(' ')
  .map((p) => p.split(',') as [string, string]);
const LONGEST_PHRASE = 4; // words
const LONGEST_WORD = 40; // letters; a longer one is no word
const DEEPEST = 6; // steps from a word to a known one

type Known = (word: string) => boolean;

export class Synonyms {
  readonly #nearest = new Map<string, string>();

  /** `table`: known words → "word, two words, …"; the key "" holds words that say nothing. */
  constructor(table: Readonly<Record<string, string>>) {
    for (const [target, words] of Object.entries(table))
      for (const word of words.split(', ')) if (!this.#nearest.has(word)) this.#nearest.set(word, target);
  }

  /** Words of a prompt → words to read, and those that nothing was found for. `known`: is the word whole in the vocabulary? */
  nearest(words: readonly string[], known: Known): { readonly words: string[]; readonly unknown: string[] } {
    const out: string[] = [];
    const unknown: string[] = [];
    let mapped = false; // was the last word that says something another one?
    let next = 0;
    for (const [at, word] of words.entries()) {
      if (at < next || (isSign(word) && !known(word))) continue; // in a phrase; a sign that the model never saw says nothing
      const phrase = this.#phrase(words, at, known);
      const found = phrase?.said ?? (known(word) ? [word] : this.#word(word, known, DEEPEST));
      if (!found) unknown.push(word);
      const said = found ?? [word];
      const changed = phrase !== undefined || said.length !== 1 || said[0] !== word;
      // "snare, kick": drums once where they stand side by side
      const again = said.length > 0 && (changed || mapped) && said.every((w, i) => out.at(i - said.length) === w);
      if (!again) out.push(...said);
      if (said.length) mapped = changed;
      next = phrase?.end ?? at + 1;
    }
    return { words: out.length ? out : [...words], unknown };
  }

  /** The longest phrase of the table that begins here and holds a word that is not known. */
  #phrase(words: readonly string[], at: number, known: Known): { readonly end: number; readonly said: string[] } | undefined {
    const parts: string[] = [];
    const ends: number[] = [];
    for (let i = at; parts.length < LONGEST_PHRASE; i++) {
      const word = words[i];
      if (word === undefined) break;
      if (parts.length && (word === '-' || word === "'")) continue;
      ends.push(i + 1);
      parts.push(word);
    }
    for (const [last, end] of [...ends.entries()].slice(1).reverse()) {
      const some = parts.slice(0, last + 1);
      if (some.every((word) => known(word) && word.length > 1)) continue;
      if (some.reduce((sum, word) => sum + [...word].length, 0) > LONGEST_WORD) continue;
      const phrase = some.join(' ');
      for (const key of phrase.endsWith('s') ? [phrase, phrase.slice(0, -1)] : [phrase]) {
        const said = this.#target(key, known, DEEPEST);
        if (said) return { end, said };
      }
    }
    return undefined;
  }

  /** Known words for an entry of the table; undefined where there is none, or some word of it leads nowhere. */
  #target(key: string, known: Known, depth: number): string[] | undefined {
    const target = this.#nearest.get(key);
    if (target === undefined) return undefined;
    const out: string[] = [];
    for (const word of target.split(' ')) {
      if (word === '') continue;
      const said = known(word) ? [word] : this.#word(word, known, depth - 1);
      if (!said) return undefined;
      out.push(...said);
    }
    return out;
  }

  /** Known words for one unknown word, none where it says nothing, undefined where none is near. */
  #word(word: string, known: Known, depth: number): string[] | undefined {
    if (depth === 0 || word.length > LONGEST_WORD * 2) return undefined;
    const letters = [...word];
    if (letters.length > LONGEST_WORD) return undefined;
    for (const form of formsOf(word)) {
      if (form !== word && known(form)) return [form];
      const said = this.#target(form, known, depth);
      if (said) return said;
    }
    for (let cut = 3; cut < letters.length - 2; cut++) {
      const parts = [letters.slice(0, cut).join(''), letters.slice(cut).join('')];
      if (parts.every(known)) return parts; // "synthpop"
    }
    return undefined;
  }
}

const isSign = (word: string): boolean => !/^[\p{L}\p{M}\p{N}]/u.test(word);

/** The word, without accents, and what it may be a form of. */
function* formsOf(word: string): Generator<string> {
  yield word;
  const bare = word.normalize('NFD').replace(/\p{M}/gu, '');
  if (bare !== word) yield bare;
  const letters = [...bare];
  for (const [suffix, instead] of SUFFIXES) {
    if (!bare.endsWith(suffix) || letters.length - suffix.length < 3) continue;
    const stem = letters.slice(0, letters.length - suffix.length);
    yield stem.join('') + instead;
    const doubled = stem.length > 3 && stem.at(-1) === stem.at(-2);
    if (doubled && ['ing', 'ed', 'er'].includes(suffix)) yield stem.slice(0, -1).join(''); // "strumming"
  }
}
