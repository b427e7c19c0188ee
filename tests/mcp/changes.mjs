// SPDX-License-Identifier: Apache-2.0
//
// A server whose tools are others when it is told so: `program FOLDER` on its standard input, `web
// FOLDER` over HTTP, whose port it prints. It has the tool `stays`, and those
// that the file `tools` of the folder names, one a line: `NAME WORDS`; `hold` answers when there is a
// file `go`. When `tools` is written it says that its list has changed; `flood` in it makes that a
// thousand times a second. /classic speaks 2025-11-25, /modern 2026-07-28.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

const [kind, folder] = process.argv.slice(2);
const saw = (what) => appendFileSync(`${folder}/seen-${what}`, 'x');
const read = () => readFileSync(`${folder}/tools`, 'utf8');
const tools = () =>
    ['stays Stays', ...read().trim().split('\n')]
        .filter((line) => line && line !== 'flood')
        .map((line) => line.split(' '))
        .map(([name, ...words]) => ({
            name,
            description: words.join(' '),
            inputSchema: words[0] === 'wants'
                ? { type: 'object', properties: { more: { type: 'string' } }, required: ['more'] }
                : { type: 'object' },
        }));
const held = [];
const listeners = new Set();
const tell = () => listeners.forEach((say) => say({ method: 'notifications/tools/list_changed', params: {} }));
let last = read();
const looking = setInterval(() => {
    if (!existsSync(`${folder}/tools`)) return clearInterval(looking); // the test is over
    const now = read();
    if (existsSync(`${folder}/go`)) held.splice(0).forEach((then) => then());
    if (now === last || !now.endsWith('\n')) return;
    last = now;
    tell();
    if (now.includes('flood')) setInterval(tell, 1);
}, 20); // a sandbox has no inotify
looking.unref();

function hear({ id, method, params }, say, name) {
    const done = (result) => say({ id, result: { resultType: 'complete', ...result } });
    const text = (words) => done({ content: [{ type: 'text', text: words }] });
    if (method === 'initialize')
        done({ protocolVersion: '2025-11-25', capabilities: { tools: { listChanged: true } }, serverInfo: {} });
    else if (method === 'tools/list') {
        saw(`list-${name}`);
        done({ tools: tools() });
    } else if (method === 'tools/call' && params.name === 'hold') {
        saw(`hold-${name}`);
        held.push(() => text('held'));
    } else if (method === 'tools/call') {
        const tool = tools().find(({ name }) => name === params.name);
        text(`${params.name}: ${tool?.description}`);
    } else if (method === 'subscriptions/listen') {
        const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
        say({ method: 'notifications/subscriptions/acknowledged', params: { _meta, notifications: params.notifications } });
        listeners.add((message) => say({ ...message, params: { _meta } }));
        saw(`listen-${name}`);
    } else if (id !== undefined) say({ id, error: { code: -32601, message: 'no' } });
}

if (kind !== 'web') {
    const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n');
    if (kind === 'program') listeners.add(say);
    createInterface({ input: process.stdin }).on('line', (line) => hear(JSON.parse(line), say, kind));
} else {
    const events = { 'content-type': 'text/event-stream' };
    const send = (response) => (message) =>
        response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
    const server = createServer((request, response) => {
        let body = '';
        if (request.method === 'GET') {
            if (request.url !== '/classic') return response.writeHead(405).end();
            response.writeHead(200, events).flushHeaders();
            const say = send(response);
            listeners.add(say);
            response.on('close', () => listeners.delete(say));
            saw('listen-classic');
            return;
        }
        request.on('data', (piece) => (body += piece));
        request.on('end', () => {
            const message = JSON.parse(body);
            if (message.id === undefined) return response.writeHead(202).end();
            response.writeHead(200, events);
            hear(message, (out) => {
                send(response)(out);
                if (out.result || out.error) response.end();
            }, request.url.slice(1));
        });
    });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}
