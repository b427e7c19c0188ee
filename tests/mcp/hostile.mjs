// SPDX-License-Identifier: Apache-2.0
//
// A server that does not mean well: what it does, its first argument says.
import { createInterface } from 'node:readline';

const sin = process.argv[2];
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n');
const tool = (name, inputSchema = { type: 'object' }, outputSchema = undefined) =>
    ({ name, description: 'd', inputSchema, outputSchema });
const lists = {
    'control characters': [tool('read\u001b[2Jfile')],
    'a space': [tool('read file')],
    shadows: [tool('read_file'), tool('Read_File')],
    twice: [tool('read_file'), tool('read_file')],
    elsewhere: [tool('a', { type: 'object', properties: { x: { $ref: 'http://127.0.0.1:9/x.json' } } })],
    'no schema': [{ name: 'a' }],
    thousands: Array.from({ length: 1001 }, (_, i) => tool(`t${i}`)),
    'turned round': [tool('read\u202efile')],
    wide: [tool('act', { type: 'object', properties: Object.fromEntries(words(100001).map((w) => [w, {}])) })],
    circle: [tool('act', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } })],
    bombs: [
        tool('double', doubling(40), doubling(40)),
        tool('act', { type: 'object' }, { properties: { text: { type: 'string', pattern: '^(a+)+$' } } }),
    ],
};

// Formats beyond JSON Schema's, as servers in Rust and Go have them.
const any = { type: 'object', properties: { n: { type: 'integer', format: 'int64' } } };

function words(count) {
    return Array.from({ length: count }, (_, i) => `p${i}`);
}

// Each definition holds twice to the next: 2^depth ways through it.
function doubling(depth) {
    const $defs = { d0: { type: 'object' } };
    for (let i = 1; i <= depth; i++)
        $defs[`d${i}`] = { allOf: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: `#/$defs/d${i - 1}` }] };
    return { type: 'object', $ref: `#/$defs/d${depth}`, $defs };
}
let calls = 0;

createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    if (sin === `dies at ${method}`)
        process.exit(1);
    else if (method === 'initialize')
        say({ id, result: { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: {} } });
    else if (method === 'tools/list' && sin === 'pages')
        say({ id, result: { tools: [], nextCursor: `${calls++}` } });
    else if (method === 'tools/list')
        say({ id, result: { tools: lists[sin] ?? [tool('act', any)] } });
    else if (method === 'tools/call')
        call(id);
    else if (id !== undefined)
        say({ id, error: { code: -32601, message: 'no' } });
});

function call(id) {
    const pad = 'x'.repeat(1 << 20);
    if (sin === 'huge') {
        process.stdout.write(`{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`);
        for (let i = 0; i < 100; i++) process.stdout.write(pad);
        process.stdout.write('"}]}}\n');
    } else if (sin === 'endless') {
        const more = () => {
            while (process.stdout.write(pad));
            process.stdout.once('drain', more);
        };
        more();
    } else if (sin === 'not UTF-8') {
        process.stdout.write(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d, 0x0a]));
    } else if (sin === 'floods') {
        for (let i = 0; i < 20; i++) process.stderr.write(pad);
        for (const other of [id + 1, 'x', null]) say({ id: other, result: { content: [] } });
        for (const text of ['first', 'second']) say({ id, result: { content: [{ type: 'text', text }] } });
    } else if (sin === 'no content') {
        say({ id, result: {} });
    } else if (sin === 'bombs') {
        say({ id, result: { content: [], structuredContent: { text: 'a'.repeat(60) + '!' } } });
    } else if (sin === 'dies') {
        process.stderr.write('x'.repeat(9000) + '\nthe database is gone\n', () => process.exit(1));
    } else if (sin === 'deep') {
        process.stdout.write(`{"jsonrpc":"2.0","id":${id},"result":{"content":${'['.repeat(100000)}\n`);
    }
}
