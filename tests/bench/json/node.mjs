// SPDX-License-Identifier: Apache-2.0
//
// node.mjs FILE…: V8's JSON.parse over the documents that bench-json measures, in the same classes
// of size and rounds; one line a row. What it frees, its collector frees within the rounds.
import { readFileSync } from 'node:fs';

const below = [256, 1024, 4096, 16384, 65536, Infinity];
const classes = below.map(() => ({ documents: [], bytes: 0 }));

function add(text) {
  const bytes = Buffer.byteLength(text);
  try {
    JSON.parse(text);
  } catch {
    return;
  }
  const found = classes[below.findIndex((most) => bytes < most)];
  found.documents.push(Buffer.from(text).toString());
  found.bytes += bytes;
}

// Of processor time, in microseconds; the collector's threads count.
function now() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function measure({ documents, bytes }) {
  const passes = Math.floor(4e6 / bytes) + 1;
  const start = now();
  for (let pass = 0; pass < passes; pass++) for (const text of documents) JSON.parse(text);
  return (passes * bytes) / (now() - start);
}

for (const name of process.argv.slice(2)) {
  const text = readFileSync(name, 'utf8');
  for (const document of name.endsWith('.jsonl') ? text.split('\n') : [text]) add(document);
}
console.log('V8'.padStart(10));
for (const one of classes) {
  const end = now() + (one.bytes ? 2e6 : 0);
  let best = 0;
  while (now() < end) best = Math.max(best, measure(one));
  console.log((one.bytes ? best.toFixed(1) : '-').padStart(10));
}
