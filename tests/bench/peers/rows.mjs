// SPDX-License-Identifier: Apache-2.0
//
// What is measured, beside whom, and what it is to come to. A row has the name of Seam's own row in
// bench.c and the trials of its peers; each trial is measured once a round, however many rows use it.
// A goal of `least` is a ratio of Seam's figure to one contestant's (`of`), or to the best peer's; or,
// with `of: null`, a figure by itself. Of what is better when it is less, `most` says the same.

const trial = (work, peer, setting, ...widths) => widths.map((width) => ({ peer, setting, work, width }));

/* Every step's result survives the loss of power before the next one begins. */
const durable = (work, ...widths) => [
    ...trial(work, 'langgraph', 'sqlite-full', ...widths),
    ...trial(work, 'dbos', 'postgres', ...widths),
    ...trial(work, 'restate', 'server', ...widths),
];
const memory = (work, width) =>
    [...trial(work, 'mastra', 'memory', width), ...trial(work, 'langgraph', 'memory', width)];
/* What syncs as seldom as `durability: effects`, or less: a lost machine may lose finished steps. */
const seldom = [
    ...trial('chain', 'langgraph', 'sqlite', 64), ...trial('chain', 'langgraph', 'sqlite-exit', 64),
    ...trial('chain', 'mastra', 'libsql', 64),
];
const FLOOR = 'SQLite loop x1 in-process steps';
const isolations = ['in-process', 'worker'];
const both = (make) => isolations.map(make);

const IN_MEMORY = [{ of: 'mastra', least: 3, aim: 5 }, { of: 'langgraph', least: 30, aim: 50 }];

export const ROWS = [
    { seam: 'chain x1 in-process memory', peers: memory('chain', 1), goals: IN_MEMORY },
    { seam: 'chain x64 in-process memory', peers: memory('chain', 64), goals: IN_MEMORY },
    { seam: 'chain x64 worker memory', peers: [], goals: [{ of: null, least: 50000 }] },
    ...both((isolation) => ({
        seam: `chain x1 ${isolation} steps`, peers: durable('chain', 1), floor: FLOOR,
        goals: [{ of: 'floor', least: 0.8 }],
    })),
    ...both((isolation) => ({
        seam: `chain x64 ${isolation} steps`, peers: durable('chain', 16, 64), goals: [{ least: 10 }],
    })),
    ...both((isolation) => ({
        seam: `chain x1 ${isolation} effects`, peers: durable('chain', 1), goals: [{ least: 20 }],
    })),
    ...both((isolation) => ({
        seam: `chain x64 ${isolation} effects`, peers: durable('chain', 16, 64), goals: [{ least: 20 }],
    })),
    {
        seam: 'chain x64 worker effects', label: '… beside peers that sync seldom', peers: seldom,
        goals: [{ told: true }],
    },
    ...both((isolation) => ({
        seam: `fan-out x1 ${isolation} memory`, peers: memory('fan', 1), goals: [{ of: 'mastra', least: 2 }],
    })),
    ...['effects', 'steps'].flatMap((keep) => both((isolation) => ({
        seam: `fan-out x1 ${isolation} ${keep}`, peers: durable('fan', 1), goals: [{ least: 20 }],
    }))),
    ...both((isolation) => ({
        seam: `cold start ${isolation} effects`, unit: 'ms', goals: [{ most: 1 / 8 }],
        peers: [...durable('cold', 1), ...trial('cold', 'mastra', 'libsql', 1)],
    })),
    ...both((isolation) => ({
        seam: `waiting x10000 ${isolation} memory`, unit: 'ms', once: true,
        peers: [...memory('wait', 1), ...durable('wait', 1).filter(({ peer }) => peer !== 'langgraph')],
        goals: [{ of: null, most: 1300 }, { of: null, most: 64, unit: 'MB' }],
    })),
    {
        seam: 'waiting x10000 in-process effects', unit: 'ms', peers: [],
        goals: [{ of: null, most: 1300 }, { of: null, most: 64, unit: 'MB' }],
    },
];

/* Cost per step by the number of steps. FLAT_RISE: how much more a step may cost than at any smaller
 * number, and still be called flat: what two rounds of one row differ by on a quiet machine. */
export const FLAT_RISE = 1.25;
export const FLAT = [
    { label: 'one run, for_each over', work: 'items', sizes: [10, 100, 1000, 10000, 100000] },
    { label: 'one run, a chain of', work: 'long', sizes: [10, 100, 1000, 2000] },
    { label: 'chains of ten, steps behind them', work: 'after', sizes: [10, 1000, 10000, 100000] },
].flatMap((row) => ['memory', 'effects'].map((keep) => ({ ...row, keep })));
export const flatName = ({ work, keep }, size) => `${work} ${size} in-process ${keep}`;

/* Whose syncs are counted. */
export const SYNCS = [
    { seam: FLOOR },
    ...['x1', 'x64'].flatMap((width) =>
        ['steps', 'effects'].map((keep) => ({ seam: `chain ${width} in-process ${keep}` }))),
    ...['steps', 'effects'].map((keep) => ({ seam: `fan-out x1 in-process ${keep}` })),
    ...durable('chain', 1, 64), ...seldom, ...durable('fan', 1),
];
