// SPDX-License-Identifier: Apache-2.0
//
// A model that says what it is told to: POST /_script sets the answers, in order, the last of them
// for ever; GET /_seen gives the requests that came, and forgets them. An answer is
// {status, headers, json | text | events, cut, after}: `events` are sent as server-sent events,
// `cut` ends the connection without an end, and `stall` never answers.
import { createServer } from 'node:http';

let script = [], seen = [];

const body = async (request) => {
    let all = '';
    for await (const piece of request) all += piece;
    return all;
};

const send = (response, answer) => {
    if (answer.stall) return;
    const text = answer.events
        ? answer.events.map((e) => `data: ${typeof e === 'string' ? e : JSON.stringify(e)}\n\n`).join('')
        : (answer.text ?? JSON.stringify(answer.json));
    const type = answer.events ? 'text/event-stream' : 'application/json';
    const length = answer.cut ? { 'content-length': Buffer.byteLength(text) + 100 } : {};
    response.writeHead(answer.status ?? 200, { 'content-type': type, ...length, ...answer.headers });
    if (answer.cut) response.write(text, () => response.socket.destroy());
    else response.end(text);
};

const server = createServer(async (request, response) => {
    const text = await body(request);
    if (request.url === '/_script') {
        script = JSON.parse(text);
        seen = [];
        response.end();
    } else if (request.url === '/_seen') {
        response.end(JSON.stringify(seen));
    } else {
        seen.push({ path: request.url, headers: request.headers, body: JSON.parse(text) });
        send(response, script.length > 1 ? script.shift() : script[0]);
    }
});
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
