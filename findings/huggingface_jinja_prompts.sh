#!/usr/bin/env bash
# @huggingface/jinja 0.5.11 (the chat templates of transformers.js), jinja2 3.1.6 (those of transformers).
# The same template gives another prompt, without a word. `strip`, `lstrip` and `rstrip` ignore their argument and take all white space away:
# the chat template of Qwen3 says `.lstrip('\n')` behind </think>, and an answer that begins with an indented line of code loses its indentation.
# `==` is JavaScript's: "0" equals 0, "" equals false, and [1] does not equal [1]. -1 % 3 is -1, -1.5|int is -2, "LOUD".title() stays as it is,
# a mapping is not iterable, True is written "true" and None "".
# One would expect jinja2's text: models are trained on it.
# Way round: compare the prompts of a template once with Python's before it is used.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/jinja@0.5.11
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check jinja2==3.1.6
cat >cases.json <<'JSON'
{
  "values": {"answer": "<think>\nhm\n</think>\n\n    return 1\n", "digit": "0", "empty": "", "list": [1], "tool": {"rate": 48000}, "flag": true, "nothing": null},
  "templates": [
    "{{ answer.split('</think>')[-1].lstrip('\\n') }}",
    "{{ 'aXbX'.rstrip('X') }}",
    "{% if digit == 0 %}zero{% else %}text{% endif %}",
    "{% if empty == false %}false{% else %}text{% endif %}",
    "{% if list == [1] %}same{% else %}other{% endif %}",
    "{{ -1 % 3 }}",
    "{{ -1.5|int }}",
    "{{ 'LOUD noise'.title() }}",
    "{% if tool is iterable %}iterable{% else %}not iterable{% endif %}",
    "{{ flag }}{{ nothing }}"
  ]
}
JSON
cat >see.mjs <<'JAVASCRIPT'
import { readFileSync } from 'node:fs';
import { Template } from '@huggingface/jinja';

const { templates, values } = JSON.parse(readFileSync('cases.json', 'utf8'));
console.log(JSON.stringify(templates.map((template) => new Template(template).render(values))));
JAVASCRIPT
node see.mjs >script.json
env/bin/python - <<'PYTHON'
import json, sys
from jinja2.sandbox import ImmutableSandboxedEnvironment

with open("cases.json") as file:
    cases = json.load(file)
with open("script.json") as file:
    there = json.load(file)
environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)  # as transformers makes it
here = [environment.from_string(template).render(cases["values"]) for template in cases["templates"]]
for template, a, b in zip(cases["templates"], here, there):
    print(f"{template}: jinja2 {a!r}, JavaScript {b!r}")
expected = [("    return 1\n", "return 1\n"), ("aXb", "aXbX"), ("text", "zero"), ("text", "false"), ("same", "other"), ("2", "-1"), ("-1", "-2")]
expected += [("Loud Noise", "LOUD Noise"), ("iterable", "not iterable"), ("TrueNone", "true")]
sys.exit(list(zip(here, there)) != expected)
PYTHON
