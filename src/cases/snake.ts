// Cases of snake.
import { snake } from '../ops/snake.ts';
import { type Case, list, type Measured, measured } from './case.ts';

/** x + gain sin²(αx). */
const snakeCase = (name: string, rows: number, channels: number): Case => ({
  name,
  record({ g, x, w }) {
    const [[a, as], [alpha, alphas], [gain, gains]] = [x([rows, channels], 3), w([channels], 2), w([channels])];
    return [
      snake(g, a, alpha, gain),
      () => list(as.length, (i) => as[i] + gains[i % channels] * Math.sin(alphas[i % channels] * as[i]) ** 2),
    ];
  },
});

export const odd = (): Case[] => [snakeCase('snake', 5, 67)];

export const paper = (): Measured[] => [measured(snakeCase('oobleck_snake', 4096, 128), 24 * 4096 * 128, 2 * 4096 * 128)];
