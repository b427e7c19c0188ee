// SPDX-License-Identifier: Apache-2.0
//
// ajv's side: a process that stays, with the words of seam_side.c. The schema is compiled once; both
// loops are warm before they are measured; formats annotate, as everywhere here.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import readline from 'node:readline';

const require = createRequire(process.argv[2]);
const WARM_NS = 300e6;
let compiledFrom, accepts, lines, values, cold, sink = 0;

function compile(schema) {
    const dialect = schema.$schema ?? '';
    const Ajv = require(/2020-12/.test(dialect) ? 'ajv/dist/2020' : /2019-09/.test(dialect) ? 'ajv/dist/2019' : 'ajv');
    const options = { strict: false, validateSchema: false, validateFormats: false, logger: false };
    // A meta-schema is known to ajv already, and an expression may not be one of Unicode mode. The id of
    // old drafts is a word that nobody knows, here as beside.
    const attempts = [{}, { meta: false }, { unicodeRegExp: false }];
    for (const [i, more] of attempts.entries())
        try {
            return new Ajv.default({ ...options, ...more }).removeKeyword('id').compile(schema);
        } catch (error) {
            if (i === attempts.length - 1)
                throw error;
        }
}

function load(schemaFile, documentsFile) {
    if (compiledFrom !== schemaFile)
        accepts = compile(JSON.parse(fs.readFileSync(schemaFile, 'utf8')));
    compiledFrom = schemaFile;
    lines = fs.readFileSync(documentsFile, 'utf8').split('\n').filter(Boolean);
    values = lines.map((line) => JSON.parse(line));
    cold = true;
    return `loaded ${values.length}`;
}

const askValue = (i) => (accepts(values[i]) ? 1 : 0);
const askText = (i) => (accepts(JSON.parse(lines[i])) ? 1 : 0);

/* Two loops, for each to be compiled for what it asks. */
function turnsOfValues(loops) {
    const start = process.hrtime.bigint();
    for (let n = 0; n < loops; n++)
        for (let i = 0; i < values.length; i++)
            sink += askValue(i);
    return Number(process.hrtime.bigint() - start) / loops;
}

function turnsOfTexts(loops) {
    const start = process.hrtime.bigint();
    for (let n = 0; n < loops; n++)
        for (let i = 0; i < values.length; i++)
            sink += askText(i);
    return Number(process.hrtime.bigint() - start) / loops;
}

function alone(i, loops) {
    const start = process.hrtime.bigint();
    for (let n = 0; n < loops; n++)
        sink += askValue(i);
    return Number(process.hrtime.bigint() - start) / loops;
}

function warm() {
    for (const turns of cold ? [turnsOfValues, turnsOfTexts] : [])
        for (let spent = 0, loops = 1; spent < WARM_NS; loops *= 2)
            spent += turns(loops) * loops;
    cold = false;
}

function answer([verb, first, second]) {
    if (verb !== 'load' && verb !== 'verdicts')
        warm();
    switch (verb) {
        case 'load':
            try {
                return load(first, second);
            } catch (error) {
                return `refused ${error.message.split('\n')[0]}`;
            }
        case 'verdicts': return values.map((value) => (accepts(value) ? 'V' : 'I')).join('');
        case 'alone': return values.map((_, i) => alone(i, Number(first)).toFixed(1)).join(' ');
        case 'turns': return turnsOfValues(Number(first)).toFixed(1);
        case 'parse': return turnsOfTexts(Number(first)).toFixed(1);
        default: throw new Error(`no such word: ${verb}`);
    }
}

for await (const line of readline.createInterface({ input: process.stdin }))
    process.stdout.write(answer(line.split('\t')) + '\n');
