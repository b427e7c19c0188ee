// SPDX-License-Identifier: Apache-2.0
//
// A server of which something is heard before a tool answers, or instead: `program FOLDER` on its
// standard input, `web FOLDER` over HTTP, whose port it prints. /modern speaks 2026-07-28, all else
// 2025-11-25. What it has seen becomes a file of the folder.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { writeFileSync } from 'node:fs';

const [kind, folder] = process.argv.slice(2);
const saw = (what) => writeFileSync(`${folder}/${what}`, '');
const requestedSchema = {
    type: 'object',
    properties: { name: { type: 'string' }, title: { type: 'string', default: 'Countess' } },
    required: ['name', 'title'],
};
const asked = new Map(); // question → what to do with its answer
let questions = 0;
let whenClosed; // what is asked when nobody listens any more

// Each way has `say`, to who called, and `beside`, to whoever listens.
function hear({ id, method, params, result, error }, way) {
    const done = (body) => way.say({ id, result: { resultType: 'complete', ...body } });
    const text = (words) => done({ content: [{ type: 'text', text: words }] });
    const ask = (say) => {
        asked.set(++questions, ({ action, content }) => text(`${action} ${content?.title} ${content?.name}`));
        say({ id: questions, method: 'elicitation/create', params: { message: 'Who is it?', requestedSchema } });
    };
    const tools = {
        report() {
            const { progressToken } = params._meta;
            way.say({ method: 'notifications/progress', params: { progressToken, progress: 1, total: 2, message: 'half-way' } });
            text('reported');
        },
        wait: () => saw(`${way.name}-called`),
        ask: () => ask(way.say),
        ask_beside: () => ask(way.beside),
        ask_later: () => ((whenClosed = () => ask(way.beside)), saw('later')),
    };
    if (method === 'initialize')
        done({ protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: {} });
    else if (method === 'tools/list')
        done({ tools: Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' } })) });
    else if (method === 'tools/call')
        tools[params.name]();
    else if (method === 'notifications/cancelled')
        saw(`${way.name}-cancelled`);
    else if (result || error)
        asked.get(id)?.(result ?? { action: 'refused' });
}

if (kind === 'program') {
    const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n');
    createInterface({ input: process.stdin }).on('line', (line) => hear(JSON.parse(line), { name: kind, say }));
} else {
    let listener; // the stream of questions: closed at once, and whole when it is taken up again
    const held = [];
    const events = { 'content-type': 'text/event-stream' };
    const send = (response, message) =>
        response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
    const take = (name, response, message) => {
        if (message.id === undefined || !message.method) {
            response.writeHead(202).end();
            return hear(message, { name });
        }
        response.on('close', () => response.writableFinished || saw(`${name}-closed`));
        const say = (out) => {
            if (!response.headersSent) response.writeHead(200, events);
            send(response, out);
            if (out.result) response.end();
        };
        if (message.params?.name === 'wait') response.writeHead(200, events).flushHeaders();
        hear(message, { name, say, beside: (out) => (listener ? send(listener, out) : held.push(out)) });
    };
    const server = createServer((request, response) => {
        let body = '';
        if (request.method === 'GET') {
            response.writeHead(200, events);
            if (request.headers['last-event-id'] !== '7') return response.end('id: 7\nretry: 1\ndata:\n\n');
            response.flushHeaders();
            response.on('close', () => {
                listener = undefined;
                whenClosed?.();
                whenClosed = undefined;
            });
            listener = response;
            held.splice(0).forEach((out) => send(listener, out));
            return;
        }
        request.on('data', (piece) => (body += piece));
        request.on('end', () => take(request.url.slice(1), response, JSON.parse(body)));
    });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}
