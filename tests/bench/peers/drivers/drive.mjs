// SPDX-License-Identifier: Apache-2.0
//
// drive.mjs {JSON}: one peer at one work, in a process of its own; prints one line of JSON. Options:
//   peer, setting   a module beside this one, and how it is set
//   work            chain (10 steps), fan (1, 100 at once, 1), cold (3 steps, once), wait (one step
//                   that sleeps, `count` of them at once)
//   width           so many runs at once, a new one for each that ends
//   warm_ms, go_ms  uncounted, counted
//   folder, url…    what the peer wants to know
//   log             of strace: the syncs of the counted time are counted in it
// Every result is looked at: a run counts only if all its steps were done.
import fs from 'node:fs';
import { makeDocument } from './work.mjs';

const given = JSON.parse(process.argv[2]);
const STEPS = { chain: 10, fan: 102, cold: 3, wait: 1 };
const SEQ = { chain: 10, fan: 3, cold: 3, wait: 1 };
const peer = await (await import(`./${given.peer}.mjs`)).open(given);
let number = (Date.now() % 1e7) * 1000;

const countSyncs = () => fs.readFileSync(given.log, 'latin1').match(/(fsync|fdatasync)\(/g)?.length ?? 0;

function look(document) {
    if (document?.seq !== SEQ[given.work])
        throw new Error(`a wrong result: ${JSON.stringify(document)}`);
}

/* How many runs ended and how long it took, the last ones waited for. */
async function phase(ms) {
    const began = performance.now();
    let done = 0;
    await Promise.all(Array.from({ length: given.width }, async () => {
        do {
            look(await peer[given.work](makeDocument(number++)));
            done++;
        } while (performance.now() - began < ms);
    }));
    return { done, seconds: (performance.now() - began) / 1000 };
}

async function waits() {
    look(await peer.wait(makeDocument(number++)));
    const documents = Array.from({ length: given.count }, () => makeDocument(number++));
    const began = performance.now();
    if (peer.waitAll)
        await peer.waitAll(documents);
    else
        (await Promise.all(documents.map(peer.wait))).forEach(look);
    return { wall_ms: performance.now() - began };
}

const result = {};
if (given.work === 'wait') {
    Object.assign(result, await waits());
} else if (given.work === 'cold') {
    look(await peer.cold(makeDocument(number)));
} else {
    if (given.warm_ms > 0)
        await phase(given.warm_ms);
    const before = given.log ? countSyncs() : 0;
    const { done, seconds } = await phase(given.go_ms);
    const steps = done * STEPS[given.work];
    result.steps_per_s = steps / seconds;
    if (given.log)
        result.syncs = (countSyncs() - before) / steps;
}
await peer.close();
result.peak_mb = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify(result));
process.exit(0);
