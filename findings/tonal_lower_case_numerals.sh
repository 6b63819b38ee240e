#!/usr/bin/env bash
# tonal 6.5.1.
# `Progression.fromRomanNumerals` reads lower-case numerals, the usual spelling of minor chords, as major ones: in C, "vi" becomes A and "ii7"
# D7, where Am and Dm7 are meant, and i iv v in A becomes A D E. Of the same package, RomanNumeral.get("vi") tells major: false, and
# "viio" and "VIm" come out well. The way back writes VIm, never vi. The README points to the analysis of Wikipedia, where case is quality.
# One would expect Am from "vi", or an error: the progression sounds, in the wrong mode. Way round: write the quality (VIm, IIm7, Im).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund tonal@6.5.1
cat >see.mjs <<'JAVASCRIPT'
import { Progression, RomanNumeral } from 'tonal';

const pop = Progression.fromRomanNumerals('C', ['I', 'vi', 'ii7', 'V7', 'viio']).join(' ');
const minor = Progression.fromRomanNumerals('A', ['i', 'iv', 'v']).join(' ');
const spelled = Progression.fromRomanNumerals('C', ['I', 'VIm', 'IIm7', 'V7']).join(' ');
const back = Progression.toRomanNumerals('C', ['Am', 'Dm7']).join(' ');
console.log(`I vi ii7 V7 viio in C: ${pop}; i iv v in A: ${minor}; I VIm IIm7 V7 in C: ${spelled}`);
console.log(`Am Dm7 in C: ${back}; RomanNumeral.get('vi').major: ${RomanNumeral.get('vi').major}`);
const seen = [pop, minor, spelled, back, RomanNumeral.get('vi').major].join('; ');
process.exit(seen === 'C A D7 G7 Bo; A D E; C Am Dm7 G7; VIm IIm7; false' ? 0 : 1);
JAVASCRIPT
node see.mjs
