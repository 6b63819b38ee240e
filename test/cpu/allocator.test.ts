import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Allocator } from '../../src/cpu/allocator.ts';

describe('Allocator', () => {
  it('never gives out what is taken, and joins what comes free', () => {
    const steps = fc.array(fc.oneof(fc.record({ take: fc.integer({ min: 1, max: 5000 }) }), fc.record({ give: fc.nat(30) })), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const allocator = new Allocator(100);
        const live: { at: number; bytes: number }[] = [];
        for (const step of list) {
          if ('take' in step) {
            const at = allocator.take(step.take);
            const bytes = allocator.sizeOf(at);
            expect(at % 64).toBe(0);
            expect(at).toBeGreaterThanOrEqual(100);
            expect(bytes).toBeGreaterThanOrEqual(step.take);
            expect(at + bytes).toBeLessThanOrEqual(allocator.end);
            for (const other of live) expect(at + bytes <= other.at || other.at + other.bytes <= at).toBe(true);
            live.push({ at, bytes });
          } else if (live.length) {
            const [{ at }] = live.splice(step.give % live.length, 1);
            allocator.give(at);
            expect(allocator.sizeOf(at)).toBe(0);
          }
        }
        const end = allocator.end;
        for (const { at } of live) allocator.give(at);
        if (end > 128) expect(allocator.take(end - 128)).toBe(128); // one gap from the first place to the end
        expect(allocator.end).toBe(end);
      }),
    );
  });

  it('giving back twice changes nothing', () => {
    const allocator = new Allocator(0);
    const [a, b] = [allocator.take(64), allocator.take(64)];
    allocator.give(a);
    allocator.give(a);
    expect(allocator.take(64)).toBe(a);
    expect(allocator.take(64)).toBe(b + 64);
  });
});
