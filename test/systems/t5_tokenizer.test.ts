// Ids against the tokenizers library (0.23.3) on 2,000 prompts in many scripts: tools/systems_goldens.py.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { T5Tokenizer } from '../../src/systems/t5_tokenizer.ts';

const folder = new URL('../goldens/systems/', import.meta.url);
const json = JSON.parse(readFileSync(new URL('musicgen_mono/tokenizer.json', folder), 'utf8'));
const tokenizer = new T5Tokenizer(json, 'tokenizer.json');
const prompts: [string, number[]][] = JSON.parse(gunzipSync(readFileSync(new URL('prompts.json.gz', folder))).toString());

describe('T5Tokenizer', () => {
  it('gives the ids of the real one', () => {
    expect(prompts.length).toBe(2000);
    const different = prompts.filter(([text, ids]) => String(tokenizer.encode(text).ids) !== String(ids));
    expect(different.map(([text, ids]) => [JSON.stringify(text), String(ids), String(tokenizer.encode(text).ids)])).toEqual([]);
  });

  it('takes text that looks like a special token as text', () => {
    for (const text of ['</s>', '<pad>', 'a <extra_id_3> b', '<unk>']) {
      const { ids } = tokenizer.encode(text);
      expect(ids.slice(0, -1).filter((id) => id < 2 || id >= 592)).toEqual([]);
      expect(ids[ids.length - 1]).toBe(1);
    }
  });

  it('names what it does not know', () => {
    expect(tokenizer.encode('piano ☃☃').unknown).toEqual(['☃☃']);
  });

  it('refuses another kind, and damaged ones', () => {
    expect(() => new T5Tokenizer({ model: { type: 'BPE' } }, 'x.json')).toThrow('x.json: the model is "BPE", expected "Unigram"');
    expect(() => new T5Tokenizer(null, 'x.json')).toThrow('expected "Unigram"');
    const { model } = json;
    expect(() => new T5Tokenizer({ ...json, model: { ...model, unk_id: 1e9 } }, 'x.json')).toThrow('unk_id is 1000000000');
    expect(() => new T5Tokenizer({ ...json, model: { ...model, vocab: [...model.vocab, ['a']] } }, 'x.json')).toThrow('piece 600 is ["a"]');
    expect(() => new T5Tokenizer({ ...json, normalizer: { type: 'Lowercase' } }, 'x.json')).toThrow('the normalizer is "Lowercase"');
    expect(() => new T5Tokenizer({ ...json, model: { ...model, byte_fallback: true } }, 'x.json')).toThrow('byte_fallback is true');
    const spaces = { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' };
    const sequence = new T5Tokenizer({ ...json, normalizer: { type: 'Sequence', normalizers: [json.normalizer, spaces] } }, 'x.json');
    expect(sequence.encode('ﬁne  ﬂute').ids).toEqual(tokenizer.encode('ﬁne ﬂute').ids);
    const none = { type: 'Precompiled', precompiled_charsmap: '*' };
    expect(() => new T5Tokenizer({ ...json, normalizer: none }, 'x.json')).toThrow('x.json: the precompiled map is not base64');
    const nest = (value: unknown) => {
      let deep: unknown = value;
      for (let n = 0; n < 20_000; n++) deep = { type: 'Sequence', normalizers: [deep], 0: deep };
      return deep;
    };
    expect(() => new T5Tokenizer({ ...json, normalizer: nest(null) }, 'x.json')).toThrow('the normalizer is "Sequence"');
    expect(() => new T5Tokenizer({ model: { ...model, vocab: [nest(1)] } }, 'x.json')).toThrow('unk_id');
    expect(() => new T5Tokenizer({ model: { ...model, unk_id: nest(1) } }, 'x.json')).toThrow('unk_id is nested too deep');
    const short = { type: 'Precompiled', precompiled_charsmap: btoa('abcdef') };
    expect(() => new T5Tokenizer({ ...json, normalizer: short }, 'x.json')).toThrow('the precompiled map has 6 bytes');
  });
});
