// SPDX-License-Identifier: Apache-2.0
//
// Mastra. Settings: memory (workflows by themselves, its fastest); libsql (its file store as shipped,
// which sets synchronous=NORMAL: no sync at a commit). Steps declare zod schemas of input and output;
// Mastra checks the inputs.
import fs from 'node:fs';
import path from 'node:path';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import { z } from 'zod';
import { Document } from './by_zod.mjs';
import { parts, sleep, work } from './work.mjs';

const step = (id, execute, inputSchema = Document, outputSchema = Document) =>
    createStep({ id, inputSchema, outputSchema, execute: ({ inputData }) => execute(inputData) });

function line(id, length) {
    let flow = createWorkflow({ id, inputSchema: Document, outputSchema: Document });
    for (let i = 0; i < length; i++)
        flow = flow.then(step(`s${i}`, async (document) => work(document)));
    return flow.commit();
}

const FLOWS = {
    chain: () => line('chain', 10),
    cold: () => line('cold', 3),
    fan: () => createWorkflow({ id: 'fan', inputSchema: Document, outputSchema: Document })
        .then(step('split', async (document) => parts(work(document)), Document, z.array(Document)))
        .foreach(step('each', async (document) => work(document)), { concurrency: 100 })
        .then(step('join', async ([first]) => work(first), z.array(Document)))
        .commit(),
    wait: (given) => createWorkflow({ id: 'wait', inputSchema: Document, outputSchema: Document })
        .then(step('nap', async (document) => {
            await sleep(given.nap_ms);
            return work(document);
        })).commit(),
};

export async function open(given) {
    let flow = FLOWS[given.work](given);
    if (given.setting === 'libsql') {
        const { Mastra } = await import('@mastra/core');
        const { LibSQLStore } = await import('@mastra/libsql');
        fs.mkdirSync(given.folder, { recursive: true });
        const storage = new LibSQLStore({ id: 'store', url: `file:${path.join(given.folder, 'mastra.db')}` });
        await storage.init?.();
        const mastra = new Mastra({ workflows: { [given.work]: flow }, storage, logger: false });
        flow = mastra.getWorkflow(given.work);
    }
    const run = async (inputData) => {
        const result = await (await flow.createRun()).start({ inputData });
        if (result.status !== 'success')
            throw new Error(JSON.stringify(result).slice(0, 600));
        return result.result;
    };
    return { chain: run, cold: run, fan: run, wait: run, close: async () => {} };
}
