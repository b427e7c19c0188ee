// SPDX-License-Identifier: Apache-2.0
//
// LangGraph. Settings: memory (no checkpointer, its fastest); sqlite (its SQLite saver as shipped: WAL
// with synchronous=NORMAL, so no sync at a commit); sqlite-full (the same, synchronous=FULL: a step's
// result survives the loss of power); sqlite-exit (FULL, but kept at the end of a run alone). Savers
// wait for the disk (durability "sync"); the default, "async", does not. zod checks each update.
import fs from 'node:fs';
import path from 'node:path';
import { END, ReducedValue, Send, START, StateGraph, StateSchema } from '@langchain/langgraph';
import { z } from 'zod';
import { Document } from './by_zod.mjs';
import { parts, sleep, work } from './work.mjs';

const State = new StateSchema({ doc: Document });
const Gathered = new StateSchema({
    doc: Document,
    parts: new ReducedValue(z.array(Document).default(() => []), {
        inputSchema: z.array(Document), reducer: (all, more) => all.concat(more),
    }),
});

function line(length, options) {
    let graph = new StateGraph(State);
    for (let i = 0; i < length; i++)
        graph = graph.addNode(`s${i}`, (state) => ({ doc: work(state.doc) }));
    graph = graph.addEdge(START, 's0');
    for (let i = 1; i < length; i++)
        graph = graph.addEdge(`s${i - 1}`, `s${i}`);
    return graph.addEdge(`s${length - 1}`, END).compile(options);
}

function fan(options) {
    return new StateGraph(Gathered)
        .addNode('split', (state) => ({ doc: work(state.doc) }))
        .addNode('each', (state) => ({ parts: [work(state.doc)] }))
        .addNode('join', (state) => ({ doc: work(state.parts[0]) }))
        .addEdge(START, 'split')
        .addConditionalEdges('split',
            (state) => parts(state.doc).map((doc) => new Send('each', { doc, parts: [] })), ['each'])
        .addEdge('each', 'join').addEdge('join', END).compile(options);
}

function nap(options, ms) {
    return new StateGraph(State).addNode('nap', async (state) => {
        await sleep(ms);
        return { doc: work(state.doc) };
    }).addEdge(START, 'nap').addEdge('nap', END).compile(options);
}

async function openSaver(given) {
    const { SqliteSaver } = await import('@langchain/langgraph-checkpoint-sqlite');
    fs.mkdirSync(given.folder, { recursive: true });
    const saver = SqliteSaver.fromConnString(path.join(given.folder, 'langgraph.db'));
    if (given.setting !== 'sqlite')
        saver.db.pragma('synchronous=FULL');
    return saver;
}

export async function open(given) {
    const saver = given.setting === 'memory' ? null : await openSaver(given);
    const durability = given.setting === 'sqlite-exit' ? 'exit' : 'sync';
    const compiled = saver ? { checkpointer: saver } : {};
    const graph = {
        chain: () => line(10, compiled), cold: () => line(3, compiled), fan: () => fan(compiled),
        wait: () => nap(compiled, given.nap_ms),
    }[given.work]();
    const run = async (doc) => (await graph.invoke({ doc }, {
        recursionLimit: 200, ...(saver && { configurable: { thread_id: doc.wf }, durability }),
    })).doc;
    return { chain: run, cold: run, fan: run, wait: run, close: async () => saver?.db.close() };
}
