// SPDX-License-Identifier: Apache-2.0
//
// restate_service.mjs PORT SIDE NAP_MS: the steps of Restate, in a process of their own, as it wants
// them. SIDE is a port at which the bench asks how many waits have ended.
import http from 'node:http';
import http2 from 'node:http2';
import * as restate from '@restatedev/restate-sdk';
import { checkedWork } from './by_ajv.mjs';
import { PARTS, sleep } from './work.mjs';

const [port, side, napMs] = process.argv.slice(2).map(Number);
let ended = 0;

const step = (context, document, name) => context.run(name, () => checkedWork(document));

const line = (length) => async (context, document) => {
    for (let i = 0; i < length; i++)
        document = await step(context, document, `s${i}`);
    return document;
};

async function fan(context, document) {
    const split = await step(context, document, 'split');
    const all = await restate.RestatePromise.all(
        Array.from({ length: PARTS }, (_, i) => step(context, split, `each${i}`)));
    return step(context, all[0], 'join');
}

async function wait(context, document) {
    const output = await context.run('nap', async () => {
        await sleep(napMs);
        return checkedWork(document);
    });
    ended++;
    return output;
}

const service = restate.service({ name: 'bench', handlers: { chain: line(10), cold: line(3), fan, wait } });
http2.createServer(restate.endpoint().bind(service).http2Handler())
    .listen(port, '127.0.0.1', () => console.log('up'));
http.createServer((_, answer) => answer.end(String(ended))).listen(side, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
