// SPDX-License-Identifier: Apache-2.0
//
// The servers that two of the peers need, private to one run of the bench: a cluster of PostgreSQL and
// a server of Restate with its service, on free ports of this machine and in a folder that is removed
// afterwards. Both as they come: what they sync by default they sync here. Under `trace` a server runs
// below strace, which stops it at a sync and nowhere else, and writes each down.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const START_MS = 30000;
const running = new Set();

/* Whatever ends the bench ends its servers. */
process.on('exit', () => running.forEach((server) => server.kill()));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => process.exit(130));

export const traced = (log, words) => (log
    ? ['strace', '-f', '--seccomp-bpf', '-qq', '-e', 'trace=fsync,fdatasync', '-o', log, ...words]
    : words);

/* Of a log of strace. */
export const countSyncs = (log) =>
    (fs.readFileSync(log, 'latin1').match(/(fsync|fdatasync)\(/g) ?? []).length;

async function freePort() {
    const server = net.createServer();
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address();
    await new Promise((closed) => server.close(closed));
    return port;
}

async function until(what, isSo) {
    for (const began = Date.now(); Date.now() - began < START_MS;) {
        if (await isSo().catch(() => false))
            return;
        await new Promise((wake) => setTimeout(wake, 20));
    }
    throw new Error(`${what} did not come up within ${START_MS / 1000} s`);
}

/* One process, perhaps below strace, that ends when it is told to. */
class Server {
    constructor(words, { trace, env, log }) {
        const out = fs.openSync(log, 'a');
        const [program, ...rest] = traced(trace, words);
        this.child = spawn(program, rest, { env: { ...process.env, ...env }, stdio: ['ignore', out, out] });
        this.child.on('error', () => {});
        this.ended = new Promise((end) => this.child.on('close', end));
        this.trace = trace;
        fs.closeSync(out);
        running.add(this);
    }

    /* What strace or runuser started in its turn. */
    get pid() {
        let { pid } = this.child;
        for (let below = this.trace ? 1 : 0; below > 0; below--)
            pid = Number(fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);
        return pid;
    }

    kill(signal = 'SIGTERM') {
        try {
            process.kill(this.pid, signal);
        } catch {
            // it has ended
        }
    }

    async stop() {
        this.kill();
        await this.ended;
        running.delete(this);
    }
}

/* Peak memory of a process that runs. */
function peakMb(pid) {
    return Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

// ---- PostgreSQL ----

function findPrograms() {
    const home = '/usr/lib/postgresql';
    const versions = fs.existsSync(home) ? fs.readdirSync(home).sort((a, b) => b - a) : [];
    return versions.map((version) => path.join(home, version, 'bin'))
        .find((folder) => fs.existsSync(path.join(folder, 'postgres')));
}

class PostgresServer extends Server {
    constructor(words, options, folder) {
        super(words, options);
        this.folder = folder;
    }

    get pid() {
        return Number(fs.readFileSync(path.join(this.folder, 'postmaster.pid'), 'utf8').split('\n')[0]);
    }

    /* At once; on SIGTERM it would wait for its clients. */
    kill() {
        super.kill('SIGINT');
    }
}

export class Postgres {
    static async start(place, trace) {
        const programs = findPrograms();
        if (!programs)
            throw new Error('PostgreSQL is not installed (Debian: postgresql)');
        const postgres = new Postgres();
        postgres.programs = programs;
        postgres.folder = path.join(place, `postgres${trace ? '-traced' : ''}`);
        postgres.port = await freePort();
        postgres.databases = 0;
        const data = path.join(postgres.folder, 'data');
        fs.mkdirSync(data, { recursive: true });
        postgres.own(postgres.folder, data);
        execFileSync(...postgres.as([path.join(programs, 'initdb'), '-D', data, '-A', 'trust', '-U', 'bench']),
            { stdio: 'ignore', cwd: '/' });
        postgres.server = new PostgresServer(postgres.words([path.join(programs, 'postgres'), '-D', data,
            '-p', postgres.port, '-c', 'listen_addresses=127.0.0.1', '-k', postgres.folder]),
        { trace, log: path.join(place, 'postgres.log') }, data);
        await until('PostgreSQL', async () => postgres.query('select 1') !== null);
        return postgres;
    }

    /* It refuses to be run by root. */
    words(command) {
        return (process.getuid() === 0 ? ['runuser', '-u', 'postgres', '--', ...command] : command).map(String);
    }

    as(command) {
        const [program, ...rest] = this.words(command);
        return [program, rest];
    }

    own(...folders) {
        if (process.getuid() !== 0)
            return;
        const id = (kind) => Number(execFileSync('id', [kind, 'postgres']));
        folders.forEach((folder) => fs.chownSync(folder, id('-u'), id('-g')));
    }

    query(text) {
        return execFileSync(path.join(this.programs, 'psql'), ['-h', '127.0.0.1', '-p', this.port, '-U', 'bench',
            '-d', 'postgres', '-Atqc', text].map(String), { stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();
    }

    /* The URL of a database with nothing in it. */
    fresh() {
        const name = `bench${++this.databases}`;
        this.query(`create database ${name}`);
        return `postgresql://bench@127.0.0.1:${this.port}/${name}`;
    }

    get version() {
        return this.query('show server_version');
    }

    stop() {
        return this.server.stop();
    }
}

// ---- Restate ----

export class Restate {
    static async start(ready, place, napMs, trace) {
        const restate = new Restate();
        const [ingress, admin, node, service, side] = await Promise.all(Array.from({ length: 5 }, freePort));
        const folder = fs.mkdtempSync(path.join(place, 'restate-'));
        Object.assign(restate, { folder, url: `http://127.0.0.1:${ingress}`, side: `http://127.0.0.1:${side}` });
        restate.server = new Server([ready.restate, '--bind-ip', '127.0.0.1', '--listen-mode', 'tcp',
            '--advertised-host', '127.0.0.1', '--base-dir', folder, '--no-logo'], {
            trace,
            log: path.join(place, 'restate.log'),
            env: {
                RESTATE_LOGGING: 'ERROR', RESTATE_INGRESS__BIND_PORT: String(ingress),
                RESTATE_ADMIN__BIND_PORT: String(admin), RESTATE_BIND_PORT: String(node),
                RESTATE_WORKER__INVOKER__CONCURRENT_INVOCATIONS_LIMIT: '20000',
            },
        });
        restate.service = new Server([ready.node, path.join(ready.folder, 'drivers/restate_service.mjs'),
            service, side, napMs].map(String),
        { log: path.join(place, 'restate-service.log'), env: { RESTATE_LOGGING: 'ERROR' } });
        const answers = async (url, options) => (await fetch(url, options)).ok;
        await until('Restate', () => answers(`http://127.0.0.1:${admin}/health`));
        await until('the ingress of Restate', () => answers(`${restate.url}/restate/health`));
        await until('the service of Restate', () => answers(restate.side));
        await until('the registration at Restate', () => answers(`http://127.0.0.1:${admin}/deployments`, {
            method: 'POST', headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ uri: `http://127.0.0.1:${service}` }),
        }));
        return restate;
    }

    /* Of the server and the service. */
    get peakMb() {
        return peakMb(this.server.pid) + peakMb(this.service.pid);
    }

    async stop() {
        await this.service.stop();
        await this.server.stop();
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}
