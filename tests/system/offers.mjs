// SPDX-License-Identifier: Apache-2.0
//
// A model behind TLS that offers HTTP/2 and HTTP/1.1: offers.mjs KEY CERTIFICATE. Each POST gets the
// same answer; GET /_seen says how many connections and requests of which protocol came.
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';

const [key, cert] = process.argv.slice(2).map((file) => readFileSync(file));
const seen = { connections: 0, protocols: {} };
const answer = JSON.stringify({
    choices: [{ message: { role: 'assistant', content: '{"label": "bug"}' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 11, completion_tokens: 7 },
});

const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
    if (request.url === '/_seen') {
        response.end(JSON.stringify(seen));
        return;
    }
    seen.protocols[request.httpVersion] = (seen.protocols[request.httpVersion] ?? 0) + 1;
    request.resume();
    request.on('end', () => {
        response.setHeader('content-type', 'application/json');
        response.end(answer);
    });
});
server.on('secureConnection', () => seen.connections++);
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
