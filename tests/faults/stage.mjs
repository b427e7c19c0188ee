// SPDX-License-Identifier: Apache-2.0
//
// What the files of a case have in common: the manifest, and a flow of one step.

// flow(agent, {budget, …of the step}): hands its input to that agent.
export const flow = (agent, { budget, ...step } = {}) => ({
    flow: 'one',
    version: '1.0.0',
    budget: { attempts: 5, calls: 20, time: '1m', recovery: { calls: 3 }, ...budget },
    steps: {
        act: {
            agent, input: '${ .input }',
            timeout: { start_to_close: '10s', schedule_to_close: '20s' },
            retry: { max_attempts: 2, initial_interval: '10ms', jitter: 'none' },
            ...step,
        },
    },
    output: { as: '${ .steps.act.output }' },
    escalation: { to: 'ops', deadline: '1h' },
});

export const manifest = (plugins) => ({
    manifest: 1,
    store: { url: 'sqlite:journal.db' },
    escalation: { ops: {} },
    plugins,
});
