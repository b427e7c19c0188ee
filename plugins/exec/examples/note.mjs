#!/usr/bin/node
// SPDX-License-Identifier: Apache-2.0
// An agent that writes: adds a line to a file, once. It speaks with its host in lines.
import { appendFileSync, statSync } from "node:fs";
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (line) => console.log(JSON.stringify(line));
const hear = async () => JSON.parse((await lines.next()).value);
const ask = (request, body) => (say({ request, body }), hear());

const { input } = await hear();
const begun = await ask("effect.begin/1", { name: "note", request: input });
if (begun.status !== "ok") {
  say({ error: { status: begun.status, message: begun.body?.message ?? "no" } });
} else if (begun.body.state === "done") {
  say({ output: begun.body.result });
} else if (begun.body.state === "fresh") {
  appendFileSync(input.file, input.text + "\n");
  const result = { file: input.file, at: statSync(input.file).size };
  await ask("effect.commit/1", { name: "note", result });
  say({ output: result });
} else {
  const message = "an earlier attempt began and nobody knows how it ended";
  say({ error: { status: "failed", code: "note.in-doubt", effect: "unknown", message } });
}
process.exit(0);
