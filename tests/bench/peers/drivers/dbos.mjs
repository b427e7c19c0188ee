// SPDX-License-Identifier: Apache-2.0
//
// DBOS on PostgreSQL (TCP, the same machine), whose defaults sync at each commit. Its pool is the
// default of 10 connections for one run at a time, 20 for more.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { checkedWork } from './by_ajv.mjs';
import { PARTS, sleep } from './work.mjs';

const step = (document, name) => DBOS.runStep(async () => checkedWork(document), { name });

const line = (length) => async (document) => {
    for (let i = 0; i < length; i++)
        document = await step(document, `s${i}`);
    return document;
};

async function fan(document) {
    const split = await step(document, 'split');
    const all = await Promise.all(Array.from({ length: PARTS }, (_, i) => step(split, `each${i}`)));
    return step(all[0], 'join');
}

export async function open(given) {
    DBOS.setConfig({
        name: 'bench', systemDatabaseUrl: given.url, logLevel: 'error', enableOTLP: false,
        systemDatabasePoolSize: given.width > 10 || given.work === 'wait' ? 20 : 10,
    });
    const nap = async (document) => DBOS.runStep(async () => {
        await sleep(given.nap_ms);
        return checkedWork(document);
    }, { name: 'nap' });
    const body = { chain: line(10), cold: line(3), fan, wait: nap }[given.work];
    const flow = DBOS.registerWorkflow(body, { name: given.work });
    await DBOS.launch();
    const start = async (document) => (await DBOS.startWorkflow(flow)(document)).getResult();
    const run = (document) => flow(document); // by itself: it asks what it is a method of
    return { chain: run, cold: run, fan: run, wait: start, close: () => DBOS.shutdown() };
}
