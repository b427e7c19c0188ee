// SPDX-License-Identifier: Apache-2.0
//
// A service of many manners: it echoes what came, gives lists in pages, and under /sin what a hostile
// one would give. GET /_log is all that arrived. Prints its port.
import http from "node:http";

const log = [];
const made = new Map(); // Idempotency-Key → what was made
const json = (res, status, body, headers = {}) => {
    res.writeHead(status, {"Content-Type": "application/json", ...headers});
    res.end(JSON.stringify(body));
};
const sins = {
    redirect: (req, res) => { res.writeHead(302, {Location: `http://127.0.0.2:${port}/v1/pets`}); res.end(); },
    huge: (req, res) => {
        res.writeHead(200, {"Content-Type": "application/json"});
        const chunk = Buffer.alloc(1 << 20, "[");
        let left = 100;
        const more = () => { while (left-- > 0 && !res.destroyed) if (!res.write(chunk)) return res.once("drain", more); res.end(); };
        more();
    },
    loris: (req, res) => {
        res.writeHead(200, {"Content-Type": "application/json"});
        const drip = setInterval(() => res.write(" "), 50);
        res.on("close", () => clearInterval(drip));
    },
    garbage: (req, res) => { res.writeHead(200, {"Content-Type": "application/json"}); res.end('{"half":'); },
    bytes: (req, res) => { res.writeHead(200, {"Content-Type": "application/octet-stream"}); res.end(Buffer.from([0, 255, 1])); },
    text: (req, res) => { res.writeHead(200, {"Content-Type": "text/plain"}); res.end("plain"); },
    elsewhere: (req, res) => json(res, 200, [1], {Link: '<http://127.0.0.2:1/x>; rel="next"'}),
    ring: (req, res) => json(res, 200, {items: [1], next: "same"}),
    spent: (req, res) => json(res, 403, {message: "too often"}, {"X-RateLimit-Remaining": "0"}),
    refuse: (req, res) => json(res, 400, {error: {message: "no\u0007 such thing"}}),
};
const server = http.createServer((req, res) => {
    let body = "";
    req.on("data", (piece) => { body += piece; });
    req.on("end", () => {
        const url = new URL(req.url, "http://x"), path = url.pathname;
        if (path === "/_log") return json(res, 200, log);
        log.push({method: req.method, url: req.url, headers: req.headers, body});
        const sin = sins[path.split("/").pop()];
        if (path.includes("/sin/")) return sin(req, res);
        if (path.endsWith("/issues") && req.method === "GET") {
            const page = Number(url.searchParams.get("page") ?? 1);
            const link = page < 3 ? {Link: `<http://${req.headers.host}${path}?page=${page + 1}>; rel="next", <x>; rel="last"`} : {};
            if (url.searchParams.has("key")) return json(res, 200, made.has(url.searchParams.get("key")) ? [made.get(url.searchParams.get("key"))] : []);
            return json(res, 200, [{number: page, title: `issue ${page}`, user: {login: "ann"}}], link);
        }
        if (path.endsWith("/issues")) {
            const issue = {number: made.size + 1, title: String(JSON.parse(body).title), marker: req.headers["idempotency-key"]};
            made.set(issue.marker, issue);
            return issue.title === "drop" ? req.socket.destroy() : json(res, 201, issue);
        }
        if (path.endsWith("/pets") && req.method === "GET") return json(res, 200, [{id: 1, name: url.search || "none", owner: null}]);
        if (path.endsWith("/pets")) return json(res, 201, {id: 7, ...JSON.parse(body)});
        if (req.method === "PUT" || req.method === "DELETE") { res.writeHead(204); return res.end(); }
        if (path.endsWith("/charges")) return json(res, 200, {id: "ch_1", got: body, customer: null});
        if (path.includes("/charges/")) return json(res, 200, {id: path.split("/").pop(), got: req.url});
        if (path.includes("/pets/")) return json(res, 200, {id: 2, name: decodeURIComponent(path.split("/").pop())});
        return json(res, 200, {url: req.url, headers: req.headers, body});
    });
});
let port;
server.listen(0, "127.0.0.1", () => { port = server.address().port; console.log(port); });
