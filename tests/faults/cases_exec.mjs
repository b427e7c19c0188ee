// SPDX-License-Identifier: Apache-2.0
//
// What a program can do to the plugin exec. Most are lines of the shell.
import { flow, manifest } from './stage.mjs';

// program(name, script, expect, options): one case; `agent` is added to the declaration, `step` to the step.
function program(name, script, expect, { effect = 'read', agent = {}, says, step = {}, command, slow, after } = {}) {
    return {
        name, expect, slow,
        stage: ({ build }) => ({
            files: {
                'seam.yaml': manifest({
                    p: {
                        path: `${build}/plugins/exec.so`,
                        quarantine: { faults: 0 },
                        config: {
                            agents: [{
                                name: 'act', summary: 'Acts', effect, input: true, output: { type: 'object' }, memory: '200mb',
                                command: command ?? ['/bin/sh', '-c', script], ...agent,
                            }],
                        },
                        grants: { exec: ['/bin/sh', '/bin/sleep', '/usr/bin/setsid', '/usr/bin/head', '/bin/cat'] },
                        limits: { memory: '256mb' },
                        ...(says && { agents: { act: says } }),
                    },
                }),
                'flow.yaml': flow('p/act', step),
                'input.json': { a: 1 },
            },
            after,
        }),
    };
}

const fails = (status, code) => ({ status, code, rules: 'retry-safe-class, attempts-spent', end: 'failed' });
const forGood = (code) => ({ status: 'permanent', code, rules: 'permanent', end: 'failed' });
const refused = { status: 'refused', code: 'bad-json', rules: 'refused-retry-feedback, attempts-spent', end: 'failed' };
const doubt = { rules: 'in-doubt-person', end: 'waiting' };
const good = "echo '{}'";
const done = { rules: '', end: 'done' };
const lines = { agent: { protocol: 'lines' } };
const short = { agent: { timeout: '300ms', grace: '50ms' } };
const write = { effect: 'write' };
const nothingDone = { exit: { 3: { status: 'denied', nothing_done: true } } };
const flood = 'a=xxxxxxxxxxxxxxxx; a=$a$a$a$a$a$a$a$a; a=$a$a$a$a$a$a$a$a; while :; do echo $a; done';

export const programs = () => [
    program('exit 0, nothing printed', ':', refused),
    program('exit 0, no JSON', 'echo junk', refused),
    program('exit 0, two values', "echo '{} {}'", refused),
    program('exit 0, a key twice', `echo '{"a": 1, "a": 2}'`, refused),
    program('exit 0, no UTF-8', "printf '{\"a\": \"\\377\"}'", forGood('exec.not-utf8')),
    program('exit 0, another shape', 'echo 1', { ...refused, code: 'contract' }),
    program('exit 0, 100,000 levels', 'head -c 100000 /dev/zero | while read -r x; do :; done; a="[[[[[[[[[["; a=$a$a$a$a$a$a$a$a$a$a; a=$a$a$a$a$a$a$a$a$a$a; a=$a$a$a$a$a$a$a$a$a$a; a=$a$a$a$a$a$a$a$a$a$a; printf %s "$a"', refused),
    program('100 MB', 'head -c 100000000 /dev/zero', forGood('exec.too-large')),
    program('3 MB of empty objects', "a='{},'; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do a=$a$a; done; printf '[%s{}]' \"$a\"", refused, { agent: { output: true, output_limit: '8mb' } }),
    program('output without end', flood, forGood('exec.too-large')),
    program('stderr without end, then an answer', `(${flood}) >&2 & sleep 0.2; kill $!; ${good}`, done, { slow: true }),
    program('it reads nothing', good, done),
    program('it closes stdin', `exec <&-; ${good}`, done),
    program('it closes all and stays', 'exec <&- >&- 2>&-; sleep 1000', fails('timeout', 'exec.timeout'), short),
    program('it hangs', 'sleep 1000', fails('timeout', 'exec.timeout'), short),
    program('it ignores SIGTERM', "trap '' TERM; sleep 1000; sleep 1000", fails('timeout', 'exec.timeout'), short),
    program('it hangs past the step', 'sleep 1000', fails('timeout', 'timeout'), { step: { timeout: { start_to_close: '400ms', schedule_to_close: '20s' } }, slow: true }),
    program('it leaves a daemon (setsid)', `setsid sh -c 'sleep 1000' >/dev/null 2>&1 </dev/null & ${good}`, done),
    program('a grandchild writes after its end', `(sleep 0.3; echo junk) & ${good}`, done),
    program('exit 1', 'echo no >&2; exit 1', { ...forGood('exec.exit-1'), message: /no$/ }),
    program('exit 65, bad input', 'exit 65', forGood('exec.exit-65')),
    program('exit 1, stderr is no UTF-8', "printf '\\377\\n' >&2; exit 1", forGood('exec.exit-1')),
    program('exit 75, may pass', 'exit 75', fails('unavailable', 'exec.exit-75')),
    program('exit 127', 'exit 127', forGood('exec.exit-127')),
    program('it is not there', '', { ...forGood('exec.not-started'), message: /grants/ }, { command: ['/usr/bin/nowhere'] }),
    program('it is not executable', '', { ...forGood('exec.not-started'), message: /could not be started/ }, { command: ['/etc/hostname'] }),
    program('SIGKILL, as of want of memory', 'kill -KILL $$', fails('unavailable', 'exec.killed')),
    program('SIGSEGV', 'kill -SEGV $$', fails('unavailable', 'exec.killed')),
    program('a memory bomb', 'a=xxxxxxxxxxxxxxxx; while :; do a=$a$a; done', { end: 'failed' }),
    program('lines: no JSON', 'echo hello', forGood('exec.protocol'), lines),
    program('lines: none', ':', forGood('exec.no-output'), lines),
    program('lines: one without end', 'head -c 100000000 /dev/zero', forGood('exec.too-large'), lines),
    program('lines: a last word, and it stays', `echo '{"output": {}}'; sleep 1000`, done, { ...lines, slow: true }),
    program('lines: a service that is not granted', `echo '{"request": "secret.use/1", "body": {"name": "x"}}'; read a; read b; echo '{"output": {}}'`, done, lines),
    program('a write: exit 1', 'exit 1', doubt, write),
    program('a write: SIGKILL', 'kill -KILL $$', doubt, write),
    program('a write: it hangs', 'sleep 1000', doubt, { ...write, ...short }),
    program('a write: exit 0, no JSON', 'echo junk', doubt, write),
    program('a write: 100 MB', 'head -c 100000000 /dev/zero', doubt, write),
    program('a write: it is not there', '', doubt, { ...write, command: ['/usr/bin/nowhere'] }),
    program('a write: an exit declared `nothing_done`', 'exit 3', doubt, { ...write, agent: nothingDone }),
    program('a write: one that the manifest calls a refusal too', 'exit 3', forGood('exec.exit-3'), { ...write, agent: nothingDone, says: { refusals: ['exec.exit-3'] } }),
    program('a write: one that the manifest alone calls so', 'exit 3', doubt, { ...write, says: { refusals: ['exec.exit-3'] } }),
    program('a write: another than the manifest calls so', 'exit 3', doubt, { ...write, agent: nothingDone, says: { refusals: ['exec.exit-4'] } }),
    program('a write: a refusal that may pass', 'exit 75', { status: 'unavailable', rules: 'retry-nothing-done, attempts-spent', end: 'failed' }, { ...write, agent: { exit: { 75: { status: 'unavailable', code: 'shop.closed', nothing_done: true } } }, says: { refusals: ['shop.closed'] } }),
    program('a write: killed, whatever is a refusal', 'kill -KILL $$', doubt, { ...write, says: { refusals: ['exec.killed'] } }),
    program('an idempotent write: exit 75', 'exit 75', { rules: 'in-doubt-same-key, in-doubt-person', end: 'waiting' }, { effect: 'write_idempotent' }),
];
