// SPDX-License-Identifier: Apache-2.0
//
// A model that says what it is told to: POST /_script sets the answers, in order, the last of them
// for ever; GET /_seen gives the requests that came, and forgets them. An answer is
// {status, headers, json | text | base64 | events, cut, stall, repeat}: `events` are sent as server-sent events,
// `cut` ends the connection without an end, `stall` never answers, `base64` is a text of any bytes, and
// with `repeat` the events before the last come that often.
import { createServer } from 'node:http';

let script = [], seen = [];

const body = async (request) => {
    let all = '';
    for await (const piece of request) all += piece;
    return all;
};

const spell = (answer) => {
    if (answer.base64) return Buffer.from(answer.base64, 'base64');
    if (!answer.events) return answer.text ?? JSON.stringify(answer.json);
    const events = answer.events.map((e) => `data: ${typeof e === 'string' ? e : JSON.stringify(e)}\n\n`);
    const last = events.pop();
    return events.join('').repeat(answer.repeat ?? 1) + last;
};

const send = (response, answer) => {
    if (answer.stall) return;
    const text = spell(answer);
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
