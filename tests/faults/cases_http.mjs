// SPDX-License-Identifier: Apache-2.0
//
// What an HTTP service can do to the plugin http, above all to what it writes. A service keeps what it
// made by its key; `made` of a line is how many there are in the end.
import { begins, breaks, drips, gives, head, listen, pours, says, serve } from './server.mjs';
import { flow, manifest } from './stage.mjs';

const port = await listen();

// A service of one case: it does `behave` with each request that writes, after it was made or not.
function service(behaviours, looks) {
    const made = new Map();
    let writes = 0;
    const shop = serve((socket, request) => {
        const key = request.headers['idempotency-key'];
        if (request.method === 'GET') {
            if (looks) return looks(socket, request);
            const asked = new URL(request.path, 'http://x').searchParams.get('key');
            return gives({ json: { bookings: made.has(asked) ? [made.get(asked)] : [] } })(socket);
        }
        const make = () => {
            if (!made.has(key)) made.set(key, { booking: `b${made.size}` });
            return made.get(key);
        };
        behaviours[Math.min(writes++, behaviours.length - 1)](socket, request, make);
    });
    return { shop, made };
}
// makes(then): the effect, and then that. books: in order.
const makes = (then) => (socket, request, make) => { make(); then(socket, request); };
const books = (socket, request, make) => gives({ status: 201, json: make() })(socket);

function web(name, behaviours, expect, { method = 'POST', reconcile = true, looks, agent = {}, step = {}, grant = {}, slow } = {}) {
    return {
        name: `${method}: ${name}`, expect, slow,
        stage: ({ build }) => {
            const { shop, made } = service([behaviours].flat(), looks);
            const asks = { path: '/bookings', query: { key: '{key}' }, found: '/bookings', settle: '50ms', ref: '/booking' };
            return {
                files: {
                    'seam.yaml': manifest({
                        p: {
                            path: `${build}/plugins/http.so`,
                            config: {
                                url: `http://127.0.0.1:${port}${shop.path}`,
                                agents: [{
                                    name: 'act', method, path: '/bookings', input: { type: 'object', properties: { offer: { type: 'string' } } },
                                    output: { type: 'object', properties: { booking: { type: 'string' } }, required: ['booking'] },
                                    ...(method === 'POST' && reconcile ? { reconcile: asks } : {}), ...agent,
                                }],
                            },
                            grants: { http: [{ scheme: 'http', host: '127.0.0.1', port, methods: ['GET', 'POST', 'PUT'], refusals: [400, 404, 422], private: true, ...grant }] },
                        },
                    }),
                    'flow.yaml': flow('p/act', step),
                    'input.json': { offer: 'LH1' },
                },
                asked: () => shop.requests.filter((r) => r.method === method).length,
                effects: () => made.size,
            };
        },
    };
}

const happened = { rules: /in-doubt-reconcile, .*reconcile-happened.*in-doubt-happened/, end: 'done', asked: 1, effects: 1 };
const person = { rules: 'in-doubt-person', end: 'waiting', asked: 1 };
const once = { end: 'done', asked: 1, effects: 1 };
const sameKey = { rules: 'in-doubt-same-key, effect-same-key', end: 'done', asked: 2, effects: 1 };
const none = { reconcile: false };
const put = { method: 'PUT' };
const get = { method: 'GET' };
const refusal = (status) => gives({ status, json: { message: 'no' } });

export const services = () => [
    web('in order', books, { ...once, rules: '' }),
    web('made, and the answer is lost', makes(breaks()), happened),
    web('made, and the answer is cut off', makes(breaks(head(201, { 'Content-Length': 100 }), '{"boo')), happened),
    web('made, and 500', makes(refusal(500)), happened),
    web('made, and 503 with Retry-After', makes(gives({ status: 503, headers: { 'Retry-After': '1' } })), happened),
    web('made, and 100 MB', makes(pours(head(201, { 'Content-Length': 100 << 20 }), 'x'.repeat(1 << 16), 1600)), happened),
    web('made, and two lengths', makes(says(head(201, { 'Content-Length': [20, 5] }), '{"booking": "b0"}   ')), happened),
    web('made, and no answer', makes(begins()), happened, { step: { timeout: { start_to_close: '400ms', schedule_to_close: '20s' } }, slow: true }),
    web('not made, and the connection breaks', [breaks(), books], { rules: /in-doubt-reconcile/, end: 'done', asked: 2, effects: 1 }, { slow: true }),
    web('made, the answer lost, nobody to ask', makes(breaks()), { ...person, effects: 1 }, none),
    web('409', refusal(409), { ...person, effects: 0 }, none),
    web('412', refusal(412), { ...person, effects: 0 }, none),
    web('425', refusal(425), { ...person, effects: 0 }, none),
    web('429 with Retry-After', gives({ status: 429, headers: { 'Retry-After': '1' } }), { ...person, effects: 0 }, none),
    web('429, which the grant calls a refusal, then made', [gives({ status: 429 }), books], { rules: 'retry-nothing-done', end: 'done', asked: 2, effects: 1 }, { ...none, grant: { refusals: [429] } }),
    web('409, which the grant calls a refusal', refusal(409), { rules: 'permanent', end: 'failed', asked: 1, effects: 0 }, { ...none, grant: { refusals: [409] } }),
    web('422, a refusal', refusal(422), { code: 'http.422', rules: 'permanent', end: 'failed', asked: 1, effects: 0 }, none),
    web('made, and 302', makes(gives({ status: 302, headers: { Location: 'http://127.0.0.2/' } })), { ...person, effects: 1 }, none),
    web('made, and truncated JSON', makes(gives({ status: 201, text: '{"boo' })), { end: 'waiting', asked: 1, effects: 1 }, none),
    web('made, and another shape', makes(gives({ status: 201, json: { x: 1 } })), { rules: 'refused-after-effect', end: 'waiting', asked: 1, effects: 1 }, none),
    web('made, lost, and who is asked says garbage', makes(breaks()), { end: 'waiting', asked: 1, effects: 1 }, { looks: gives({ text: '<html>' }) }),
    web('made, lost, and who is asked finds two', makes(breaks()), { end: 'waiting', asked: 1, effects: 1 }, { looks: gives({ json: { bookings: [{ booking: 'a' }, { booking: 'b' }] } }) }),
    web('made, and the answer is lost', [makes(breaks()), books], sameKey, put),
    web('made, and 500', [makes(refusal(500)), books], sameKey, put),
    web('409, then made', [refusal(409), books], sameKey, put),
    web('412, then made', [refusal(412), books], sameKey, put),
    web('425, then made', [refusal(425), books], sameKey, put),
    web('503', books, { status: 'unavailable', code: 'http.503', rules: 'retry-safe-class, attempts-spent', end: 'failed' }, { ...get, looks: refusal(503) }),
    web('truncated JSON', books, { status: 'unavailable', code: 'http.garbage', rules: 'retry-safe-class, attempts-spent', end: 'failed' }, { ...get, looks: gives({ text: '{"boo' }) }),
    web('another shape', books, { status: 'refused', end: 'failed' }, { ...get, looks: gives({ json: [] }) }),
    web('100 MB', books, { code: 'too-large', rules: 'permanent', end: 'failed' }, { ...get, looks: pours(head(200, { 'Content-Length': 100 << 20 }), 'x'.repeat(1 << 16), 1600) }),
    web('302 to 169.254.169.254', books, { code: 'http.302', rules: 'permanent', end: 'failed' }, { ...get, looks: gives({ status: 302, headers: { Location: 'http://169.254.169.254/' } }) }),
    web('a byte now and then', books, { status: 'timeout', end: 'failed' }, { ...get, looks: drips(`${head(200)}{`, 100), step: { timeout: { start_to_close: '400ms', schedule_to_close: '20s' } }, slow: true }),
];
