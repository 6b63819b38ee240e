import { describe, expect, it } from 'vitest';
import { parseJsonObject } from '../../src/weights/json.ts';

const parse = (text: string | Uint8Array, depth = 4) =>
  parseJsonObject(typeof text === 'string' ? new TextEncoder().encode(text) : text, 'file', depth);

describe('strict JSON', () => {
  it('reads what JSON.parse reads', () => {
    const text = ' {"a": [1, -2.5e-3, true, false, null, "x\\n\\u00e9\\ud83d\\ude00\\/"], "b": {"c": {}}, "e": [] }\r\n\t';
    expect(JSON.stringify(parse(text))).toBe(JSON.stringify(JSON.parse(text)));
  });

  it('keeps __proto__ and constructor as keys', () => {
    const object = parse('{"__proto__": {"x": 1}, "constructor": 2}');
    expect(Object.keys(object)).toEqual(['__proto__', 'constructor']);
    expect('x' in object).toBe(false);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  const refused: [text: string | Uint8Array, fault: RegExp][] = [
    ['', /got the end of the text/],
    ['[]', /expected a JSON object; got a list/],
    ['null', /expected a JSON object; got null/],
    ['1', /expected a JSON object; got number/],
    ['{', /expected a key as a string; got the end/],
    ['{"a"}', /expected ":" after key "a"/],
    ['{"a":1 "b":2}', /expected "," or "\}"/],
    ['{"a":1,}', /expected a key/],
    ['{"a":[1,]}', /as a JSON value; got "\]/],
    ['{"a":[1 2]}', /expected "," or "\]"/],
    ["{'a':1}", /expected a key/],
    ['{"a":1}x', /expected the end/],
    ['{"a":1}{"a":1}', /expected the end/],
    ['{"a":01}', /expected "," or "\}"/],
    ['{"a":.5}', /as a JSON value/],
    ['{"a":+1}', /as a JSON value/],
    ['{"a":NaN}', /as a JSON value/],
    ['{"a":Infinity}', /as a JSON value/],
    ['{"a":1e999}', /cannot be held exactly/],
    ['{"a":9007199254740993}', /cannot be held exactly/],
    ['{"a":nul}', /as a JSON value/],
    ['{"a":1,"a":1}', /duplicate key "a"/],
    ['{"a":1,"\\u0061":1}', /duplicate key "a"/],
    ['{"a":"\\ud800"}', /lone surrogate/],
    ['{"a":"\\udc00\\ud800"}', /lone surrogate/],
    ['{"a":"\\x41"}', /unknown escape/],
    ['{"a":"\\u12g4"}', /unknown escape/],
    ['{"a":"tab\there"}', /raw control character/],
    ['{"a":"\\\\tab\there"}', /raw control character/],
    ['{"a":"x', /ends inside a string/],
    ['{"a":"x\\"', /ends inside a string/],
    ['\ufeff{}', /byte order mark/],
    [Uint8Array.of(0x7b, 0x22, 0xc0, 0x80, 0x22, 0x7d), /not valid UTF-8/],
    ['{"a":{"b":{"c":{"d":{}}}}}', /nested too deep/],
    [`{"a":${'['.repeat(100_000)}`, /nested too deep/],
  ];
  for (const [text, fault] of refused) {
    const shown = typeof text === 'string' ? text.slice(0, 40) : String(text);
    it(`refuses ${JSON.stringify(shown)}`, () => {
      expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'weights', message: expect.stringMatching(fault) }));
    });
  }

  it('says where', () => {
    expect(() => parse('{"a": 1, "b": x}')).toThrow('file: expected the document as a JSON value; got "x}", at character 14');
  });
});
