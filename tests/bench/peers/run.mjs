// SPDX-License-Identifier: Apache-2.0
//
// run.mjs PROGRAM [--quick] [--rounds N] [--alone] [--json] [NAME]: the same work on Seam and on its
// peers, by turns in one run on one machine. In each round every trial is measured once, row by row,
// Seam and its peers one after the other, and backwards in every second round; what counts is the
// median. Exit 1 if a row of Seam failed; a peer that failed or is not there is told.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { Contest } from './contest.mjs';
import { installPeers } from './install.mjs';
import { FLAT, FLAT_RISE, flatName, ROWS, SYNCS } from './rows.mjs';
import { PEERS, printFlat, printRows, printSyncs } from './table.mjs';

const TMPFS = 0x01021994, SYNCS_MS = 1000;
const TIMES = {
    full: { rounds: 3, warm: 1500, go: 2500, seamWarm: 300, seamGo: 1500, flatGo: 400, starts: 5 },
    quick: { rounds: 1, warm: 500, go: 700, seamWarm: 200, seamGo: 700, flatGo: 150, starts: 3 },
};

function options(words) {
    const given = { program: words[0], folder: 'build/bench-peers' };
    for (let i = 1; i < words.length; i++) {
        const rounds = Number(words[i + 1]);
        if (['--quick', '--json', '--alone'].includes(words[i])) {
            given[words[i].slice(2)] = true;
        } else if (words[i] === '--rounds' && Number.isInteger(rounds) && rounds > 0) {
            given.rounds = rounds;
            i++;
        } else if (!words[i].startsWith('-') && !given.name) {
            given.name = words[i];
        } else {
            console.error('usage: ./dev bench peers [--quick] [--rounds N] [--alone] [--json] [NAME]');
            process.exit(2);
        }
    }
    given.times = given.quick ? TIMES.quick : TIMES.full;
    given.rounds ??= given.times.rounds;
    return given;
}

const median = (list) => {
    const sorted = list.filter((value) => value !== undefined).sort((a, b) => a - b);
    return sorted.length ? sorted[sorted.length >> 1] : undefined;
};

/* On a disk, where a sync costs what it costs; and one that PostgreSQL's user can enter. */
function makePlace() {
    const place = fs.mkdtempSync(path.join(process.env.TMPDIR || '/var/tmp', 'seam-peers-'));
    fs.chmodSync(place, 0o711);
    process.on('exit', () => fs.rmSync(place, { recursive: true, force: true, maxRetries: 12 }));
    return place;
}

const keyOf = (trial) => trial.seam ?? `${trial.peer} ${trial.setting} ${trial.work} x${trial.width}`;

// ---- measuring ----

class Bench {
    constructor(contest, given) {
        Object.assign(this, { contest, given, results: new Map(), errors: {} });
    }

    async once(trial, options) {
        const key = keyOf(trial), why = trial.peer && this.contest.missing(trial);
        if (why || this.errors[key])
            return;
        console.error(`${this.now}: ${key}`);
        try {
            const result = await this.contest.measure(trial, options);
            this.results.set(key, [...(this.results.get(key) ?? []), result]);
        } catch (error) {
            this.errors[key] = error.message;
        }
    }

    of(trial, field) {
        return median((this.results.get(keyOf(trial)) ?? []).map((result) => result[field]));
    }

    /* The best of all rounds: what disturbs the machine only ever adds to a cost. */
    best(name) {
        const rates = (this.results.get(name) ?? []).map(({ rate }) => rate);
        return rates.length ? Math.max(...rates) : undefined;
    }

    /* All trials of these rows, each once; what takes long only in the first round. */
    async round(rows, flat, number) {
        const trials = new Map();
        for (const row of rows) {
            for (const trial of [{ seam: row.seam }, ...(row.floor ? [{ seam: row.floor }] : []),
                ...(row.once && number > 0 ? [] : row.peers)])
                trials.set(keyOf(trial), trial);
        }
        const list = [...trials.values()];
        const peers = new Set(list.map(({ peer }) => peer));
        await this.contest.open(peers);
        for (const trial of number % 2 ? list.reverse() : list)
            await this.once(trial);
        await this.contest.close();
        for (const row of flat) {
            for (const size of row.sizes)
                await this.once({ seam: flatName(row, size) }, { go: this.given.times.flatGo });
        }
    }

    async syncs(trials) {
        Object.assign(this.contest.times, { warm: SYNCS_MS / 2, go: SYNCS_MS });
        const folder = path.join(this.contest.place, 'syncs');
        fs.mkdirSync(folder);
        await this.contest.open(new Set(trials.map(({ peer }) => peer)), folder);
        const rows = [];
        for (const trial of trials) {
            const name = keyOf(trial);
            if (trial.peer && this.contest.missing(trial))
                continue;
            console.error(`syncs: ${name}`);
            try {
                rows.push({ name, syncs: await this.contest.syncs(trial, folder) });
            } catch (error) {
                rows.push({ name, error: error.code === 'ENOENT' ? 'strace is not installed' : error.message });
            }
        }
        await this.contest.close();
        return rows;
    }
}

// ---- what it comes to ----

function judge(goal, row, bench) {
    const less = row.unit !== undefined;
    const better = (a, b) => (less ? a < b : a > b);
    if (goal.of === null) {
        const value = goal.unit === 'MB' ? bench.of({ seam: row.seam }, 'mb') : row.seam_value;
        const met = value !== undefined && (less ? value <= goal.most : value >= goal.least);
        return { ...goal, value, met };
    }
    const rivals = goal.of === 'floor' ? [['floor', row.floor_value]]
        : Object.entries(row.peer_values).filter(([peer]) => !goal.of || peer === goal.of);
    const [beside, other] = rivals.filter(([, value]) => value !== undefined)
        .reduce((best, each) => (!best || better(each[1], best[1]) ? each : best), undefined) ?? [];
    if (other === undefined)
        return goal;
    if (row.seam_value === undefined)
        return { ...goal, beside, met: false };
    const ratio = row.seam_value / other;
    const met = less ? ratio <= goal.most : ratio >= goal.least;
    return {
        ...goal, beside, ratio, met: goal.told ? undefined : met,
        aimed: goal.aim !== undefined && ratio >= goal.aim,
    };
}

function rowOf(row, bench) {
    const field = row.unit ? 'ms' : 'rate';
    const values = {}, failed = {};
    for (const trial of row.peers) {
        const value = bench.of(trial, field), now = values[trial.peer];
        if (bench.errors[keyOf(trial)])
            failed[trial.peer] = bench.errors[keyOf(trial)];
        if (value !== undefined && (now === undefined || (row.unit ? value < now : value > now)))
            values[trial.peer] = value;
    }
    const known = {
        ...row, seam_value: bench.of({ seam: row.seam }, field), peer_values: values,
        floor_value: row.floor && bench.of({ seam: row.floor }, field),
    };
    return {
        name: row.label ?? row.seam, unit: row.unit, seam: known.seam_value, peers: values, failed,
        floor: known.floor_value, goals: row.goals.map((goal) => judge(goal, known, bench)),
    };
}

function flatOf(row, bench) {
    const us = {};
    let least = Infinity, rise = 0;
    for (const size of row.sizes) {
        const rate = bench.best(flatName(row, size));
        us[size] = rate && 1e6 / rate;
        rise = Math.max(rise, us[size] / least || 0);
        least = Math.min(least, us[size] ?? Infinity);
    }
    const whole = Object.values(us).every((value) => value !== undefined);
    return {
        label: row.label, keep: row.keep, us, rise, met: whole && rise <= FLAT_RISE,
        mb: bench.of({ seam: flatName(row, row.sizes.at(-1)) }, 'mb'),
    };
}

function machine(contest, given, place) {
    const node = contest.ready.missing.mastra ? undefined
        : execFileSync(contest.ready.node, ['--version']).toString().trim();
    return {
        processors: os.cpus().length, model: os.cpus()[0]?.model, memory_gb: Math.round(os.totalmem() / 2 ** 30),
        kernel: os.release(), load_at_start: os.loadavg()[0], place, rounds: given.rounds,
        quick: given.quick ?? false, node, versions: contest.ready.versions,
    };
}

function printAll(report) {
    printRows(report.rows);
    if (report.flat.length)
        printFlat(report.flat, FLAT_RISE);
    if (report.syncs.length)
        printSyncs(report.syncs);
    for (const [name, why] of Object.entries(report.skipped))
        console.log(`\nskipped: ${name}: ${why}`);
    for (const [name, why] of Object.entries(report.errors))
        console.log(`\nfailed: ${name}: ${why}`);
    const goals = [...report.rows.flatMap(({ goals: each }) => each.filter(({ told }) => !told)), ...report.flat];
    console.log(`\n${goals.filter(({ met }) => met).length} of ${goals.length} goals met` +
        `, ${goals.filter(({ met }) => met === undefined).length} without a peer to be held against`);
}

async function main() {
    const given = options(process.argv.slice(2));
    const wanted = (name) => !given.name || name.includes(given.name);
    const rows = ROWS.filter((row) => wanted(row.label ?? row.seam));
    const flat = FLAT.filter((row) => row.sizes.some((size) => wanted(flatName(row, size))));
    const syncs = given.name && given.name !== 'syncs' ? [] : SYNCS;
    if (rows.length + flat.length + syncs.length === 0)
        throw new Error(`there is no row with ${given.name}, but "syncs" and ${[...ROWS.map(({ seam }) => seam),
            ...FLAT.map((row) => flatName(row, row.sizes[0]))].join(', ')}`);
    const ready = await installPeers(given.folder, given.alone), place = makePlace();
    const contest = new Contest(given.program, ready, place, given.times);
    const bench = new Bench(contest, given);
    const about = machine(contest, given, place);
    if (os.loadavg()[0] > os.cpus().length / 2)
        console.error(`The machine is busy (load ${os.loadavg()[0].toFixed(1)} on ${os.cpus().length} ` +
            'processors): trust no figure.');
    if (fs.statfsSync(place).type === TMPFS)
        console.error(`${place} is memory, where a sync costs nothing: set TMPDIR to a folder on a disk.`);
    for (let number = 0; number < given.rounds; number++) {
        bench.now = `round ${number + 1} of ${given.rounds}`;
        await bench.round(rows, flat, number);
    }
    const report = {
        machine: about, rows: [], flat: [], syncs: await bench.syncs(syncs), skipped: ready.missing,
        errors: bench.errors,
    };
    report.rows = rows.map((row) => rowOf(row, bench));
    report.flat = flat.map((row) => flatOf(row, bench));
    if (given.json)
        console.log(JSON.stringify(report, null, 4));
    else
        printAll(report);
    const ofPeer = (key) => Object.keys(PEERS).some((peer) => key.startsWith(`${peer} `));
    process.exit(Object.keys(bench.errors).every(ofPeer) ? 0 : 1);
}

main().catch((error) => {
    console.error(`bench peers: ${error.message}`);
    process.exit(1);
});
