// SPDX-License-Identifier: Apache-2.0
//
// run.mjs BUILD [--json] [--quick] [--only WORDS] [--words] [--seed N] [--keep]: the fault table. Each case is
// one `seam run` with real plugins against what a case of cases/ does, in a folder of its own; a line
// says what became of it: what the plugin said, what Seam decided by which rules, how the run ended,
// how often the other side was asked, how long it took, how large the largest process became. A case
// says what must come of it; exit 1 if another thing did.
//
// --quick: forty of those that take no time by themselves, drawn by the seed, which is 1 unless --seed
// says another: a test finds the same today and tomorrow.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { groups } from './cases.mjs';

const args = process.argv.slice(2), build = resolve(args.shift() ?? 'build');
const given = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const seed = Number(given('--seed') ?? 1);
const sanitized = /^SEAM_SANITIZE:STRING=./m.test(readFileSync(join(build, 'CMakeCache.txt'), 'utf8'));
// What no run may pass: the host's own limits are far below. A sanitizer takes memory of its own.
const SECONDS = sanitized ? 240 : 60, PEAK_KB = sanitized ? Infinity : 256 << 10;
const root = mkdtempSync(join(tmpdir(), 'seam-faults.'));
const seam = join(build, 'bin/seam'), measure = join(build, 'bin/measure');

// One command: its exit code, output, and errors.
export function command(cwd, ...words) {
    return new Promise((good) => {
        const child = spawn(words[0], words.slice(1), { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
        let out = '', err = '';
        child.stdout.on('data', (d) => { out += d; });
        child.stderr.on('data', (d) => { err += d; });
        child.on('close', (code) => good({ code, out, err }));
    });
}

// What is part of every run, and says nothing of a fault.
const USUAL = new Set(['turn', 'first-attempt', 'next-attempt', 'attempt-ended', 'reserve-granted', 'cleaned-up',
    'all-steps-final', 'step-done', 'effect-fresh', 'reconcile-attempt', 'call-fresh', 'output-accepted']);

// "a, a, b" → "a ×2, b"
function folded(list) {
    const parts = [];
    for (const word of list)
        if (parts.at(-1)?.word === word) parts.at(-1).count++;
        else parts.push({ word, count: 1 });
    return parts.map(({ word, count }) => (count > 1 ? `${word} ×${count}` : word)).join(', ');
}

async function outcome(folder, id) {
    const shown = JSON.parse((await command(folder, seam, 'show', id, '--json')).out || '{}');
    const explained = JSON.parse((await command(folder, seam, 'explain', id, '--json')).out || '[]');
    const decisions = Array.isArray(explained) ? explained.map((e) => e.decision) : [];
    const judged = decisions.filter((d) => d.rule === 'attempt-ended' && d.error);
    const happened = decisions.find((d) => d.why)?.why.happened;
    const task = shown.tasks?.find((t) => t.path === 'act');
    return {
        end: shown.status ?? 'no run',
        attempts: task?.attempts ?? 0,
        status: happened === 'transient' ? judged[0]?.cause ?? 'unavailable' : happened ?? '',
        code: judged[0]?.error.code ?? '',
        message: judged[0]?.error.message ?? shown.error?.message ?? '',
        rules: folded(decisions.map((d) => d.rule).filter((r) => !USUAL.has(r))),
        tokens: task?.spent.tokens,
    };
}

async function play(item, index) {
    const folder = join(root, String(index));
    mkdirSync(folder);
    const { files, asked, effects, after } = await item.stage({ build, folder });
    for (const [name, value] of Object.entries(files))
        writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value, null, 1));
    const ran = await command(folder, measure, 'measured', String(SECONDS), seam, 'run', 'flow.yaml', '--input', 'input.json', '--id', 'r');
    const more = after ? await after({ folder, seam, command: (...words) => command(folder, ...words) }) : {};
    const measured = existsSync(join(folder, 'measured')) ? JSON.parse(readFileSync(join(folder, 'measured'), 'utf8')) : {};
    const line = { case: item.name, ...await outcome(folder, 'r'), ...measured, ...more };
    if (asked) line.asked = asked();
    if (effects) line.effects = effects();
    if (line.end === 'no run') line.message = ran.err.trim();
    line.wrong = Object.entries(item.expect ?? {}).filter(([key, value]) =>
        (value instanceof RegExp ? !value.test(String(line[key])) : line[key] !== value)).map(([key, value]) => `${key} is not ${value}`);
    if (line.exit === 137) line.wrong.push(`it had not ended after ${SECONDS} s`);
    if (line.peak_kb > PEAK_KB) line.wrong.push(`a process of ${line.peak_kb} kB`);
    return line;
}

// ---- which ----

function drawn(list, count) {
    let state = BigInt(seed) * 2654435761n + 12345n;
    const left = [...list], got = [];
    while (left.length && got.length < count) {
        state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
        got.push(...left.splice(Number((state >> 33n) % BigInt(left.length)), 1));
    }
    return got;
}

function chosen(all) {
    const only = given('--only');
    if (only) return all.filter((item) => item.name.includes(only) || item.group === only);
    if (!args.includes('--quick')) return all;
    const picked = new Set(drawn(all.filter((i) => !i.slow), 40));
    return all.filter((item) => picked.has(item));
}

// ---- what is said ----

const cut = (text, width) => (text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width));

function print(line) {
    const code = line.code || line.status || '-';
    console.log(`${cut(line.case, 46)} ${cut(code, 20)} ${cut(line.rules || '-', 44)} ${cut(line.end, 8)}`
        + `${String(line.attempts).padStart(2)}${String(line.asked ?? '').padStart(6)}${String(line.effects ?? '').padStart(5)}`
        + `${String(line.ms ?? '').padStart(7)}${String(Math.round((line.peak_kb ?? 0) / 1024)).padStart(5)}`);
    if (args.includes('--words')) console.log(`    ${line.message}`);
    for (const wrong of line.wrong) console.log(`    WRONG: ${wrong}: ${line.message}`);
}

const all = groups.flatMap(({ name, cases }) => cases.map((item) => ({ group: name, ...item })));
const items = chosen(all), lines = [];
if (!args.includes('--json')) {
    if (args.includes('--quick')) console.log(`seed ${seed}: ${items.length} of ${all.length} cases`);
    console.log(`${'what the other side did'.padEnd(46)} ${'the plugin said'.padEnd(20)} ${'what Seam decided'.padEnd(44)} ${'end'.padEnd(8)}`
        + 'tries asked done     ms   MB');
}
// Two at a time: most of them wait.
let next = 0;
const ready = new Map();
let told = 0;
async function worker() {
    while (next < items.length) {
        const index = next++;
        ready.set(index, await play(items[index], index));
        for (; ready.has(told); told++) {
            const line = ready.get(told);
            lines.push(line);
            if (args.includes('--json')) continue;
            if (items[told].group !== items[told - 1]?.group) console.log(`-- ${items[told].group}`);
            print(line);
        }
    }
}
await Promise.all([worker(), worker()]);
const wrong = lines.filter((line) => line.wrong.length);
if (args.includes('--json')) console.log(JSON.stringify(lines, null, 1));
else console.log(`${lines.length} cases, ${wrong.length} wrong; the largest process had ${Math.round(Math.max(...lines.map((l) => l.peak_kb ?? 0)) / 1024)} MB`);
if (args.includes('--keep')) console.log(root);
else rmSync(root, { recursive: true });
process.exit(wrong.length ? 1 : 0);
