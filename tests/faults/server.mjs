// SPDX-License-Identifier: Apache-2.0
//
// A server that does what it is told, byte by byte: no library stands between a case and the wire. A
// case is a behaviour, `(socket, request) => …`, or a list of them for the requests as they come, the
// last of them for ever; it is asked under a path of its own. The bricks below make behaviours.
import net from 'node:net';
import tls from 'node:tls';

const cases = []; // {behaviours, requests}

// serve(behaviour…): {path: below which it does that, requests: that came there, as they come}.
export function serve(...behaviours) {
    const requests = [];
    cases.push({ behaviours, requests });
    return { path: `/${cases.length - 1}`, requests };
}

// The whole of a request, or null while some of it is to come.
function parse(bytes) {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const [first, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
    const headers = Object.fromEntries(lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const length = Number(headers['content-length'] ?? 0);
    if (bytes.length < end + 4 + length) return null;
    const [method, path] = first.split(' ');
    return { method, path, headers, body: bytes.subarray(end + 4, end + 4 + length).toString() };
}

function attend(socket) {
    let all = Buffer.alloc(0);
    socket.on('error', () => {});
    const take = (bytes) => {
        all = Buffer.concat([all, bytes]);
        if (all[0] === 0x16) return socket.end(answer({ status: 400, text: 'no TLS here' })); // a greeting of TLS
        const request = parse(all);
        if (!request) return;
        socket.off('data', take);
        socket.resume();
        const found = cases[request.path.split('/')[1]];
        if (!found) return socket.end(answer({ status: 404, json: { error: 'no such case' } }));
        const behave = found.behaviours[Math.min(found.requests.length, found.behaviours.length - 1)];
        found.requests.push(request);
        behave(socket, request);
    };
    socket.on('data', take);
}

// listen([options of TLS]): its port; the process ends without waiting for it.
export function listen(secure) {
    const server = secure ? tls.createServer(secure, attend) : net.createServer(attend);
    server.on('tlsClientError', () => {});
    return new Promise((good) => server.listen(0, '127.0.0.1', () => {
        server.unref();
        good(server.address().port);
    }));
}

// A port where connections are taken, and nothing is ever said.
export function silent() {
    const server = net.createServer((socket) => socket.on('error', () => {}).resume());
    return new Promise((good) => server.listen(0, '127.0.0.1', () => {
        server.unref();
        good(server.address().port);
    }));
}

// ---- bricks ----

// head(status, headers): the first lines; a header may be a list of values, for one that stands twice.
export const head = (status, headers = {}) => `HTTP/1.1 ${status} Status\r\n`
    + Object.entries(headers).flatMap(([name, values]) => [values].flat().map((v) => `${name}: ${v}\r\n`)).join('') + '\r\n';

// answer({status, headers, json | text | bytes}): all the bytes of one that is in order.
export function answer({ status = 200, headers = {}, json, text, bytes }) {
    const body = bytes ?? Buffer.from(text ?? JSON.stringify(json ?? {}));
    const known = { 'Content-Type': 'application/json', 'Content-Length': body.length, Connection: 'close' };
    return Buffer.concat([Buffer.from(head(status, { ...known, ...headers })), body]);
}

export const gives = (what) => (socket) => socket.end(answer(what));
// says(bytes…): these, and the end of the connection. begins(bytes…): these, and nothing more, ever.
export const says = (...parts) => (socket) => { parts.forEach((p) => socket.write(p)); socket.end(); };
export const begins = (...parts) => (socket) => parts.forEach((p) => socket.write(p));
// breaks(bytes…): these, and the connection is reset.
export const breaks = (...parts) => (socket) => {
    socket.write(Buffer.concat(parts.map((p) => Buffer.from(p))), () => socket.resetAndDestroy());
};
// drips(start, ms): after the start a byte now and then, for ever.
export const drips = (start, ms = 1000, byte = ' ') => (socket) => {
    socket.write(start);
    const drip = setInterval(() => socket.write(byte), ms);
    socket.on('close', () => clearInterval(drip));
};
// after(ms, behaviour): that, so much later.
export const after = (ms, behave) => (socket, request) => setTimeout(() => behave(socket, request), ms);
// pours(start, piece, times): after the start so many pieces, as fast as they are taken.
export const pours = (start, piece, times = Infinity) => (socket) => {
    let left = times;
    const more = () => {
        while (left-- > 0 && !socket.destroyed)
            if (!socket.write(piece)) return socket.once('drain', more);
        if (!socket.destroyed) socket.end();
    };
    socket.write(start);
    more();
};
// events(piece…): server-sent events, each a text or a value.
export const events = (...list) => head(200, { 'Content-Type': 'text/event-stream', Connection: 'close' })
    + list.map((e) => `data: ${typeof e === 'string' ? e : JSON.stringify(e)}\n\n`).join('');
