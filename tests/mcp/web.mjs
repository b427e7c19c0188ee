// SPDX-License-Identifier: Apache-2.0
//
// A server over HTTP that does as its first argument says; it prints its port.
import { createServer } from 'node:http';

const sin = process.argv[2];
let events = 0, sessions = 0;
const stream = (response, text) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`id: event-${++events}\nretry: 1\ndata: ${text}\n\n`);
};
const result = (id, text) => JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } });
let called;

// Writes `piece` again and again, as fast as it is taken.
const pour = (response, piece) => {
    const more = () => {
        while (response.write(piece));
        response.once('drain', more);
    };
    more();
};
const events_begin = (response) => response.writeHead(200, { 'content-type': 'text/event-stream' });
const json_begins = (response) => response.writeHead(200, { 'content-type': 'application/json' });
const floods = {
    huge: (response, id) => json_begins(response).end(result(id, 'x'.repeat(9 << 20))),
    endless: (response) => pour(json_begins(response), 'x'.repeat(1 << 20)),
    'endless event': (response) => pour(events_begin(response), 'data: ' + 'x'.repeat(1 << 16) + '\n'),
    'endless events': (response) => {
        const event = 'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n';
        pour(events_begin(response), event.repeat(1000));
    },
    drips: (response) => {
        json_begins(response);
        setInterval(() => response.write(' '), 20);
    },
    'huge headers': (response, id) => {
        response.writeHead(200, { 'content-type': 'application/json', 'x-much': 'x'.repeat(4 << 20) });
        response.end(result(id, 'beside much'));
    },
};

function answer(request, response, message) {
    const { id, method, params } = message;
    const say = (body, headers) => {
        response.writeHead(200, { 'content-type': 'application/json', ...headers });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, ...body }));
    };
    const session = request.headers['mcp-session-id'];
    if (sin === `dies at ${method}`)
        process.exit(1);
    else if (sin === `breaks off at ${method}`)
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).write('{', () => response.destroy());
    else if (sin === 'guarded' && request.headers.authorization !== 'Bearer sesame')
        response.writeHead(401).end('{"error": "invalid_token"}');
    else if (method === 'initialize' && sin.startsWith('forgets'))
        say({ result: { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: {} } },
            { 'mcp-session-id': `session-${++sessions}` });
    else if (session && method === 'tools/call' && (sin === 'forgets always' || session === 'session-2'))
        response.writeHead(404).end();
    else if (sin === 'forgets once' && method === 'tools/call')
        say({ error: null, result: { content: [{ type: 'text', text: session }] } });
    else if (sin === 'page' && method === 'tools/call')
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Who are you?</html>');
    else if (method === 'initialize')
        say({ result: { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: {} } });
    else if (method === 'tools/list')
        say({ result: { tools: [{ name: 'act', inputSchema: { type: 'object' } }] } });
    else if (method !== 'tools/call')
        response.writeHead(202).end();
    else if (sin === 'guarded')
        say({ result: { content: [{ type: 'text', text: 'known' }] } });
    else if (floods[sin])
        floods[sin](response, id);
    else if (sin === 'redirects')
        response.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
    else if (sin === 'other id')
        stream(response, result(id + 1, 'not yours'));
    else {
        called = id;
        stream(response, '');
    }
}

const server = createServer((request, response) => {
    const last = request.headers['last-event-id'];
    let body = '';
    if (request.method === 'GET' && last && sin !== 'other id') {
        stream(response, sin === 'closes once' ? result(called, `after ${last}`) : '');
        return;
    }
    if (request.method === 'GET') {
        response.writeHead(405).end();
        return;
    }
    request.on('data', (piece) => (body += piece));
    request.on('end', () => answer(request, response, JSON.parse(body)));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
