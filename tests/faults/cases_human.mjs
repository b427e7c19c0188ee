// SPDX-License-Identifier: Apache-2.0
//
// What a person can do to the plugin human. What they did is a list of exit codes of `seam`, in their
// order; a run that waits is resumed until it does not, as its deadline is over when a host says so.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { flow, manifest } from './stage.mjs';

const ANSWER = { type: 'object', properties: { yes: { type: 'boolean' } }, required: ['yes'], additionalProperties: false };

// person(name, acts, expect, deadline): one case. An act is what is answered, or a word: `resume`, `past`.
function person(name, acts, expect, deadline = '1h') {
    return {
        name, expect,
        stage: ({ build }) => ({
            files: {
                'seam.yaml': manifest({
                    p: {
                        path: `${build}/plugins/human.so`,
                        config: { agents: [{ name: 'act', summary: 'Approves', question: 'Shall it?', input: true, output: ANSWER }] },
                    },
                }),
                'flow.yaml': { ...flow('p/act', { on_failure: 'skip' }), escalation: { to: 'ops', deadline } },
                'input.json': {},
            },
            after: async ({ folder, seam, command }) => {
                const codes = [];
                for (const act of acts) {
                    if (act !== 'resume' && act !== 'past') writeFileSync(join(folder, 'answer.json'), act);
                    const words = act === 'resume' || act === 'past' ? ['resume', 'r'] : ['answer', 'r', 'act', '--json', 'answer.json'];
                    let { code } = await command(seam, ...words);
                    for (let i = 0; act === 'past' && code === 3 && i < 500; i++) ({ code } = await command(seam, ...words));
                    codes.push(code);
                }
                return { said: codes.join(' ') };
            },
        }),
    };
}

const good = '{"yes": true}';
const asked = 'input-required';
const done = { rules: `${asked}, person-input`, end: 'done' };

export const people = () => [
    person('no answer yet', ['resume'], { rules: asked, end: 'waiting', said: '3' }),
    person('an answer', [good, 'resume'], { ...done, said: '0 0' }),
    person('a late answer', ['resume', 'resume', good, 'resume'], { ...done, said: '3 3 0 0' }),
    person('an answer of another shape, then a good one', ['{"yes": 1}', '[]', good, 'resume'], { ...done, said: '2 2 0 0' }),
    person('an answer that is no JSON', ['{"yes": '], { rules: asked, end: 'waiting', said: '2' }),
    person('two answers: the first counts', [good, '{"yes": false}', 'resume'], { ...done, said: '0 2 0' }),
    person('an answer after the end', [good, 'resume', good], { ...done, said: '0 0 2' }),
    person('one after it that no host has seen pass', [good, 'past'], { rules: `${asked}, question-expired`, end: 'failed', said: '2 1' }, '1ms'),
    person('an answer after the deadline: the default counts', ['past', good, 'resume'], { rules: `${asked}, question-expired`, end: 'failed', said: '1 2 1' }, '1ms'),
];
