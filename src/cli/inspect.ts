// melody inspect: what is in this file or model folder, and can it be trusted?

import { stat } from 'node:fs/promises';
import { MelodyError } from '../errors.ts';
import { checkAddress } from '../platform/http.ts';
import { isHubName } from '../platform/node_hub.ts';
import { openSystemFolder } from '../systems/place.ts';
import { printable } from '../weights/printable.ts';
import type { Command, Io } from './command.ts';
import { widthsOf } from './command.ts';
import { openInput } from './input.ts';
import { isAudio, readAudioFile } from './inspect_audio.ts';
import type { Reader, Report } from './inspect_reader.ts';
import { type FileReport, type FolderReport, type InspectOptions, inspectFile, inspectFolder } from './inspect_weights.ts';
import { openingOptions } from './opening.ts';
import { readingTold } from './reading.ts';

const readSafetensors: Reader = async (source, options) => {
  const report = await inspectFile(source, options);
  return { json: report, text: fileText(report), sound: report.faults.length === 0 };
};

export const inspect: Command = {
  name: 'inspect',
  summary: 'Shows what is in a weights file or model folder, and checks it; or the recipe in an audio file.',
  arguments: '<file | folder | address> [options]',
  options: {
    json: { help: 'print the report as JSON' },
    'allow-nonfinite': { help: 'do not count NaN and infinity among the values as faults' },
  },
  examples: ['melody inspect weights/melody-small', 'melody inspect model.safetensors --json', 'melody inspect song.wav'],
  async run(words, values, io) {
    const [place] = words;
    if (place === undefined || words.length > 1)
      throw new MelodyError('invalid_argument', `inspect: got ${words.length} names, expected one file or folder`);
    const opening = openingOptions(values, io);
    const report = await inspectPlace(place, { allowNonFinite: values['allow-nonfinite'] === true, signal: io.signal }, opening, io);
    io.out(values.json ? `${JSON.stringify(report.json, null, 2)}\n` : report.text);
    return report.sound ? 0 : 1;
  },
};

async function inspectPlace(place: string, options: InspectOptions, opening: ReturnType<typeof openingOptions>, io: Io): Promise<Report> {
  if (await isFolder(place)) {
    const report = await inspectFolder(openSystemFolder(place, opening), options);
    const sound = report.faults.length === 0 && report.files.every(({ faults }) => faults.length === 0);
    return { json: report, text: folderText(report), sound };
  }
  const source = await openInput(place, opening);
  const start = await source.read(0, Math.min(64, source.size), options.signal);
  return readingTold(source, io, (told) => (isAudio(source.name, start) ? readAudioFile : readSafetensors)(told, options));
}

/** A folder on the disk or a model of the hub; of addresses, whatever does not end in a file name with a dot. */
async function isFolder(place: string): Promise<boolean> {
  if (isHubName(place)) return true;
  if (/^https?:/i.test(place)) return !/\/[^/]*\.[^/]*$/.test(checkAddress(place).pathname);
  return stat(place).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function fileText(file: FileReport): string {
  const rows = file.tensors.map(({ name, dtype, shape, bytes }) => [dtype, `[${shape.join(', ')}]`, sizeText(bytes), printable(name)]);
  const metadata = Object.entries(file.metadata).map(([key, value]) => `  ${printable(key)}: ${printable(value)}\n`);
  return [
    `${file.name}\n  ${sizeText(file.bytes)}, SHA-256 ${file.sha256}\n`,
    ...metadata,
    table([['dtype', 'shape', 'size', 'name'], ...rows]),
    totals(file),
    notes(file),
  ].join('');
}

function folderText(folder: FolderReport): string {
  const { config, files } = folder;
  const tensors = files.flatMap((file) => file.tensors);
  const parts = sums(tensors, ({ name, elements }) => [name.replace(/\..*/, ''), elements]);
  const all = sums(tensors, ({ elements }) => ['all', elements]);
  const rows = [...parts, ...all].map(([part, { count, total }]) => [printable(part), String(count), total.toLocaleString('en')]);
  return [
    `${folder.name}\n`,
    `  ${folder.title ?? `model ${printable(String(config.name ?? 'without a name'))}`}, licence ${printable(folder.licence ?? 'not stated')}\n\n`,
    table([['part', 'tensors', 'values'], ...rows]),
    '\n',
    ...files.map((file) => `${fileText(file)}\n`),
    notes(folder),
  ].join('');
}

function totals({ tensors }: FileReport): string {
  const dtypes = sums(tensors, ({ dtype, bytes }) => [dtype, bytes]);
  const shares = [...dtypes].map(([dtype, { total }]) => `${dtype} ${sizeText(total)}`);
  return `  ${tensors.length} tensors${shares.length > 0 ? `: ${shares.join(', ')}` : ''}\n`;
}

function notes({ warnings, faults }: { warnings: readonly string[]; faults: readonly string[] }): string {
  return [...warnings.map((text) => `  warning: ${text}\n`), ...faults.map((text) => `  FAULT: ${text}\n`)].join('');
}

/** Columns as wide as their widest cell; the last is not padded. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(rows);
  return rows.map((row) => `  ${row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell)).join('  ')}\n`).join('');
}

function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** How many items there are of each key, and their amounts added up. */
function sums<T>(
  items: readonly T[],
  of: (item: T) => readonly [key: string, amount: number],
): Map<string, { count: number; total: number }> {
  const found = new Map<string, { count: number; total: number }>();
  for (const item of items) {
    const [key, amount] = of(item);
    const { count, total } = found.get(key) ?? { count: 0, total: 0 };
    found.set(key, { count: count + 1, total: total + amount });
  }
  return found;
}
