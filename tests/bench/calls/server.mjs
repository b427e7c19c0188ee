// SPDX-License-Identifier: Apache-2.0
//
// The scripted server behind TLS, which offers HTTP/2: server.mjs KEY CERTIFICATE DELAY-MS. It says
// its port, answers every POST as a model does, after so long, and GET /_seen at once with what it
// has seen since the last one, of requests those that came by HTTP/2.
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';

const [key, cert] = process.argv.slice(2, 4).map((file) => readFileSync(file));
const delay = Number(process.argv[4]);
const answer = JSON.stringify({
    id: 'c-1', object: 'chat.completion', model: 'scripted',
    choices: [{ index: 0, message: { role: 'assistant', content: '{"label": "bug"}' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 60, completion_tokens: 7, total_tokens: 67 },
});
let connections = 0, requests = 0, atOnce = 0, waiting = 0;

const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
    if (request.url === '/_seen') {
        response.end(`${connections} ${requests} ${atOnce}`);
        connections = requests = atOnce = 0;
        return;
    }
    requests += request.httpVersion === '2.0' ? 1 : 0;
    atOnce = Math.max(atOnce, ++waiting);
    request.resume();
    setTimeout(() => {
        waiting--;
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(answer);
    }, delay);
});
server.on('secureConnection', () => connections++);
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', 65535, () => console.log(server.address().port));
