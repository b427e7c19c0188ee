// SPDX-License-Identifier: Apache-2.0
//
// One trial of one contestant: Seam's rows by the bench itself, a peer's by drivers/drive.mjs in a
// process of its own. A trial gives {rate} in steps a second, or {ms} and {mb}, or {error}.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { countSyncs, Postgres, Restate, traced } from './servers.mjs';

const TRIAL_MS = 150000, NAP_MS = 1000, WAITS = 10000;
const QUIET = {
    DO_NOT_TRACK: '1', SCARF_ANALYTICS: 'false', LANGCHAIN_TRACING_V2: 'false',
    MASTRA_TELEMETRY_DISABLED: '1',
};

/* Runs a program to its end: {out, ms}. */
function run(words, env) {
    return new Promise((resolve, reject) => {
        const began = performance.now(), [program, ...rest] = words;
        const child = spawn(program, rest,
            { env: { ...process.env, ...QUIET, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
        let out = '', err = '', ms = 0;
        const limit = setTimeout(() => child.kill('SIGKILL'), TRIAL_MS);
        child.stdout.on('data', (data) => { out += data; });
        child.stderr.on('data', (data) => { err = (err + data).slice(-4000); });
        child.on('exit', () => { ms = performance.now() - began; });
        child.on('error', reject);
        child.on('close', (code, signal) => {
            clearTimeout(limit);
            const lines = err.split('\n').map((line) => line.trim()).filter(Boolean);
            if (code === 0)
                resolve({ out, ms });
            else
                reject(new Error(signal ? `took longer than ${TRIAL_MS / 1000} s`
                    : lines.find((line) => /error/i.test(line)) ?? lines.pop() ?? `ended with ${code}`));
        });
    });
}

export class Contest {
    /* times: {warm, go} of the peers, {seamWarm, seamGo} of Seam and the loop, in ms; `starts` cold */
    constructor(program, ready, place, times) {
        Object.assign(this, { program, ready, place, times, counter: 0 });
        this.env = { TMPDIR: place };
        this.folders = new Map();
    }

    missing({ peer, setting }) {
        const { missing } = this.ready;
        return missing[peer] ?? Object.entries(missing)
            .find(([name]) => name.includes(':') && `${peer}:${setting}`.startsWith(name))?.[1];
    }

    /* The servers of those peers, or why there is none; with a folder to trace in, below strace. */
    async open(peers, trace) {
        const log = (name) => (trace ? path.join(trace, `${name}.syncs`) : null);
        const servers = [
            ['dbos', 'postgres', () => Postgres.start(this.place, log('postgres'))],
            ['restate', 'restate', () => Restate.start(this.ready, this.place, NAP_MS, log('restate'))],
        ];
        for (const [peer, name, start] of servers) {
            if (!peers.has(peer) || this.ready.missing[peer])
                continue;
            try {
                this[name] = await start();
                this[name].log = log(name);
            } catch (error) {
                this.ready.missing[peer] = error.message;
            }
        }
        if (this.postgres)
            this.ready.versions.PostgreSQL = this.postgres.version;
    }

    async close() {
        for (const name of ['postgres', 'restate'])
            await this[name]?.stop();
        this.postgres = this.restate = null;
        this.folders.clear();
    }

    async seam(name, { trace, go = this.times.seamGo } = {}) {
        const words = [this.program, '--json', '--warm', String(this.times.seamWarm), '--go', String(go), name];
        const { out } = await run(traced(trace, words), this.env);
        const row = JSON.parse(out).rows.find((each) => each.name === name);
        return {
            rate: row.steps_per_s, ms: row.p50_us / 1000, mb: row.peak_mb, steps: row.steps,
        };
    }

    /* What a peer keeps; a cold start finds what the one before it kept. */
    place_of({ peer, setting, work }) {
        const make = () => (peer === 'dbos' ? { url: this.postgres.fresh() }
            : peer === 'restate' ? { url: this.restate.url, side: this.restate.side }
                : { folder: path.join(this.place, `${peer}-${++this.counter}`) });
        if (work !== 'cold')
            return make();
        const key = `${peer}:${setting}`;
        if (!this.folders.has(key))
            this.folders.set(key, make());
        return this.folders.get(key);
    }

    async peer(trial, { trace, log } = {}) {
        const where = this.place_of(trial);
        const given = {
            ...trial, ...where, count: WAITS, nap_ms: NAP_MS,
            warm_ms: this.times.warm, go_ms: this.times.go, log,
        };
        const words = [this.ready.node, path.join(this.ready.folder, 'drivers/drive.mjs'), JSON.stringify(given)];
        if (trial.work === 'cold')
            return this.starts(words);
        const { out } = await run(traced(trace, words), this.env);
        const result = JSON.parse(out.trim().split('\n').pop());
        if (where.folder)
            fs.rmSync(where.folder, { recursive: true, force: true });
        return {
            rate: result.steps_per_s, ms: result.wall_ms, syncs: result.syncs,
            mb: result.peak_mb + (trial.peer === 'restate' ? this.restate.peakMb : 0),
        };
    }

    /* Whole processes, one after the other; the first is not counted. */
    async starts(words) {
        const times = [];
        for (let i = 0; i <= this.times.starts; i++)
            times.push((await run(words, this.env)).ms);
        const counted = times.slice(1).sort((a, b) => a - b);
        return { ms: counted[counted.length >> 1] };
    }

    measure(trial, options) {
        return trial.seam ? this.seam(trial.seam, options) : this.peer(trial, options);
    }

    /* Syncs to the disk for each step: a peer's own or its server's, once it is warm; Seam's and the
     * loop's over their whole life. */
    async syncs(trial, folder) {
        const server = { dbos: this.postgres, restate: this.restate }[trial.peer];
        const log = server?.log ?? path.join(folder, `${++this.counter}.syncs`);
        const result = await this.measure(trial, { trace: server ? null : log, log, go: this.times.go });
        return result.syncs ?? countSyncs(log) / result.steps;
    }
}
