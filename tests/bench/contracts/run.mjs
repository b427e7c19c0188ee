// SPDX-License-Identifier: Apache-2.0
//
// run.mjs PROGRAM [--sets a,b] [--rounds N] [--json FILE]: Seam, Blaze and ajv on the same schemas
// and documents, measured by turns, and the ratios of what they do a second; of all rounds the best
// counts. Blaze's program can only ask about one document again and again ("alone"), so its ratio is of
// that for both; the ratios to ajv are of all documents of the set in turn, as a host meets them. All
// three must agree on every document, or the set is told and left out. Valid documents are timed.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeReady } from './fetch.mjs';
import { Blaze, Side } from './sides.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const MEASURE_NS = 250e6;
const KINDS = ['alone', 'turns', 'parse'];
const RATIOS = [ // name, what is measured, beside whom, the goal
    ['validating, Seam / Blaze', 'alone', 'Blaze', 1],
    ['validating, Seam / ajv', 'turns', 'ajv', 4],
    ['parse + validate, Seam / ajv', 'parse', 'ajv', 1],
];

function options(words) {
    const given = { program: words[0], rounds: 5, folder: 'build/bench-contracts' };
    for (let i = 1; i < words.length; i += 2) {
        const word = words[i], value = words[i + 1];
        if (!['--sets', '--rounds', '--json'].includes(word) || value === undefined) {
            console.error('usage: ./dev bench contracts [--sets a,b] [--rounds N] [--json FILE]');
            process.exit(2);
        }
        given[word.slice(2)] = word === '--rounds' ? Math.max(1, Number(value) || 1) : value;
    }
    return given;
}

function choose(table, names) {
    const wanted = names?.split(',');
    const unknown = wanted?.filter((name) => !table.sets.some((set) => set.name === name)) ?? [];
    if (unknown.length)
        throw new Error(`there is no set ${unknown.join(', ')}, but ${table.sets.map((set) => set.name).join(', ')}`);
    return wanted ? table.sets.filter((set) => wanted.includes(set.name)) : table.sets;
}

// ---- one set ----

const sum = (list) => list.reduce((a, b) => a + b, 0);
const best = (old, now) => (old ? old.map((t, i) => Math.min(t, now[i])) : now);

function disagreement(verdicts) {
    const [first] = Object.values(verdicts);
    const places = [...first].map((_, i) => i)
        .filter((i) => Object.values(verdicts).some((text) => text[i] !== first[i]));
    return places.length === 0 ? null : 'the sides disagree on documents ' + places.slice(0, 5).map((i) =>
        `${i + 1} (${Object.entries(verdicts).map(([side, text]) => `${side} ${text[i] === 'V' ? 'valid' : 'invalid'}`).join(', ')})`).join('; ') +
        (places.length > 5 ? ` and ${places.length - 5} more` : '');
}

/* Loads a set and leaves its valid documents there: the sides that take it, or a reason why none. */
async function load(sides, home, result) {
    const schema = path.join(home, 'schema.json'), all = path.join(home, 'documents.jsonl');
    const verdicts = {}, willing = [];
    for (const side of sides) {
        const refusal = await side.load(schema, all);
        if (refusal) {
            (result.refused ??= {})[side.name] = refusal;
            continue;
        }
        verdicts[side.name] = await side.verdicts();
        willing.push(side);
    }
    if (!verdicts.Seam || willing.length === 1)
        return Object.entries(result.refused).map(([name, why]) => `refused by ${name}: ${why}`).join('; ');
    const lines = fs.readFileSync(all, 'utf8').split('\n').filter(Boolean);
    const why = disagreement(verdicts);
    if (why)
        return why;
    const valid = lines.filter((_, i) => verdicts.Seam[i] === 'V');
    if (valid.length === 0)
        return 'no document is valid';
    const file = path.join(home, 'valid.jsonl');
    fs.writeFileSync(file, valid.map((line) => line + '\n').join(''));
    for (const side of willing)
        await side.load(schema, file);
    result.documents = valid.length;
    result.invalid = lines.length - valid.length;
    result.bytes = Math.round(sum(valid.map((line) => Buffer.byteLength(line))) / valid.length);
    return willing;
}

/* So many loops that a measurement takes its time; the first ones are slow, and tell little. */
async function calibrate(measure) {
    for (let loops = 1; ; ) {
        const total = Math.max(sum(await measure(loops)) * loops, 1);
        const wanted = Math.ceil((loops * MEASURE_NS) / total);
        if (total > MEASURE_NS / 20 || loops >= 1e7)
            return wanted;
        loops = Math.min(wanted, loops * 1000);
    }
}

async function measureSet(sides, home, rounds) {
    const result = {}, willing = await load(sides, home, result);
    if (typeof willing === 'string')
        return { left_out: willing };
    const tasks = KINDS.flatMap((kind) => willing.filter((side) => side.can.includes(kind))
        .map((side) => ({ side, kind })));
    for (const task of tasks)
        task.loops = await calibrate((loops) => task.side.measure(task.kind, loops));
    for (let round = 0; round < rounds; round++)
        for (const task of tasks)
            task.times = best(task.times, await task.side.measure(task.kind, task.loops));
    for (const { side, kind, times } of tasks)
        (result[kind] ??= {})[side.name] = (result.documents * 1e9) / Math.max(sum(times), 0.5);
    result.ratios = RATIOS.map(([, kind, peer]) => result[kind].Seam / result[kind][peer])
        .map((ratio) => (Number.isNaN(ratio) ? null : ratio));
    return result;
}

// ---- what is printed ----

const COLUMNS = [['set', -20], ['docs', 5], ['bytes', 8], ['Seam', 9], ['Blaze', 9], ['ratio', 6],
    ['Seam', 9], ['ajv', 9], ['ratio', 6], ['Seam+p', 9], ['ajv+p', 9], ['ratio', 6]];

const pad = (text, width) => (width < 0 ? String(text).padEnd(-width) : String(text).padStart(width));
const row = (cells) => console.log(cells.map((cell, i) => pad(cell, COLUMNS[i][1])).join(' '));

function rate(perSecond) {
    if (perSecond === undefined)
        return '-';
    if (perSecond >= 1e6)
        return `${(perSecond / 1e6).toFixed(2)}M`;
    return perSecond >= 1e4 ? `${(perSecond / 1e3).toFixed(0)}k` : perSecond.toFixed(0);
}

function printSet(set, result) {
    if (result.left_out)
        return console.log(`${pad(set.name, -20)} left out: ${result.left_out}`);
    row([set.name, result.documents, result.bytes, ...RATIOS.flatMap(([, kind, peer], i) =>
        [rate(result[kind].Seam), rate(result[kind][peer]), result.ratios[i]?.toFixed(2) ?? '-'])]);
    for (const [name, why] of Object.entries(result.refused ?? {}))
        console.log(`${pad('', -20)} refused by ${name}: ${why}`);
}

function summarize(results) {
    const measured = Object.values(results).filter((result) => !result.left_out), means = {};
    console.log(`\n${measured.length} of ${Object.keys(results).length} sets measured; geometric means:`);
    for (const [i, [name, , , goal]] of RATIOS.entries()) {
        const ratios = measured.map((result) => result.ratios[i]).filter((ratio) => ratio !== null);
        if (ratios.length === 0)
            continue;
        const mean = Math.exp(sum(ratios.map(Math.log)) / ratios.length);
        means[name] = { mean, goal, sets: ratios.length };
        console.log(`  ${pad(name, -30)} ${mean.toFixed(2)} of ${ratios.length} sets (goal: at least ${goal.toFixed(1)})`);
    }
    return means;
}

async function main() {
    const given = options(process.argv.slice(2));
    const table = JSON.parse(fs.readFileSync(path.join(here, 'sets.json'), 'utf8'));
    const sets = choose(table, given.sets);
    await makeReady(table, sets, given.folder);
    const sides = [
        new Side('Seam', given.program, []),
        new Blaze(given.folder),
        new Side('ajv', process.execPath, [path.join(here, 'ajv_side.mjs'), path.resolve(given.folder, 'tools/package.json')]),
    ];
    console.log('Valid documents a second: each alone, again and again (beside Blaze); all in turn (beside ajv);\n' +
        'all in turn, parsed from compact JSON first (+p; Blaze: not measured, its program reads with\n' +
        'positions). format annotates, for all three.');
    if (os.loadavg()[0] > os.cpus().length)
        console.log(`The machine is busy (load ${os.loadavg()[0].toFixed(1)} on ${os.cpus().length} cores): trust no small difference.`);
    row(COLUMNS.map(([name]) => name));
    const results = {};
    for (const set of sets) {
        results[set.name] = await measureSet(sides, path.join(given.folder, 'sets', set.name), given.rounds);
        printSet(set, results[set.name]);
    }
    const means = summarize(results);
    if (given.json)
        fs.writeFileSync(given.json, JSON.stringify({ means, sets: results }, null, 4) + '\n');
    sides.forEach((side) => side.close());
}

main().catch((error) => {
    console.error(`bench contracts: ${error.message}`);
    process.exit(1);
});
