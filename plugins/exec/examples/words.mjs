#!/usr/bin/node
// SPDX-License-Identifier: Apache-2.0
// An agent that reads: counts words. JSON in on stdin, JSON out on stdout, exit code by sysexits.h.
import { readFileSync } from "node:fs";

const question = JSON.parse(readFileSync(0, "utf8"));
const words = question.text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
if (words.length === 0) {
  console.error("there is no word in the text");
  process.exit(65); // EX_DATAERR
}
const counts = new Map();
for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
const common = [...counts].sort((a, b) => b[1] - a[1]).slice(0, question.top ?? 3);
console.log(JSON.stringify({ words: words.length, common: common.map(([word, count]) => ({ word, count })) }));
