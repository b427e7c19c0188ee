// SPDX-License-Identifier: Apache-2.0
//
// The work that all sides do, as plugin/bench.c does it: a document of 313 bytes comes in, some of its
// values change, one of the same shape goes out. Nothing is imported here: a cold start would pay.

const BODY = 'Summarise the meeting notes and list the open actions with an owner and a date for ' +
    'each; keep it under 200 words, plain';

export function makeDocument(number) {
    return {
        wf: `w-${String(number).padStart(10, '0')}`, seq: 0, kind: 'task',
        title: 'quarterly report draft', body: BODY, tags: ['alpha', 'beta', 'gamma'], score: 0.5,
        meta: { model: 'small-1', tokens: 128, cost: 0.0012, ok: true },
    };
}

export function work(d) {
    return {
        wf: d.wf, seq: d.seq + 1, kind: d.kind, title: d.title, body: d.body.slice(1) + d.body[0],
        tags: [d.tags[1], d.tags[2], d.tags[0]], score: (d.score * 1.1 + 0.01) % 1,
        meta: { model: d.meta.model, tokens: d.meta.tokens + 1, cost: d.meta.cost, ok: d.meta.ok },
    };
}

export const PARTS = 100;
export const parts = (document) => Array.from({ length: PARTS }, () => document);
export const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
