// SPDX-License-Identifier: Apache-2.0
//
// ajv's side: a process that stays, with the words of seam_side.c. The schema is compiled once; both
// loops are warm before they are measured; formats annotate, as everywhere here.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import readline from 'node:readline';

const require = createRequire(process.argv[2]);
const WARM_NS = 300e6;
let accepts, lines, values, sink = 0;

function load(schemaFile, documentsFile) {
    const schema = JSON.parse(fs.readFileSync(schemaFile, 'utf8'));
    const dialect = schema.$schema ?? '';
    const Ajv = require(/2020-12/.test(dialect) ? 'ajv/dist/2020' : /2019-09/.test(dialect) ? 'ajv/dist/2019' : 'ajv');
    const compile = (unicodeRegExp) => new Ajv.default({
        strict: false, validateSchema: false, validateFormats: false, logger: false, unicodeRegExp,
    }).compile(schema);
    try {
        accepts = compile(true);
    } catch (error) {
        if (!/regular expression/i.test(error.message))
            throw error;
        accepts = compile(false);
    }
    lines = fs.readFileSync(documentsFile, 'utf8').split('\n').filter(Boolean);
    values = lines.map((line) => JSON.parse(line));
    warm(validate);
    warm(parse);
    return `loaded ${values.length}`;
}

function validate(i, loops) {
    const value = values[i], start = process.hrtime.bigint();
    for (let n = 0; n < loops; n++)
        sink += accepts(value) ? 1 : 0;
    return Number(process.hrtime.bigint() - start) / loops;
}

function parse(i, loops) {
    const line = lines[i], start = process.hrtime.bigint();
    for (let n = 0; n < loops; n++)
        sink += accepts(JSON.parse(line)) ? 1 : 0;
    return Number(process.hrtime.bigint() - start) / loops;
}

/* All documents by turns, for the machine code to be that of all of them. */
function warm(measure) {
    for (let spent = 0, loops = 1; spent < WARM_NS; loops *= 2)
        for (let i = 0; i < values.length; i++)
            spent += measure(i, loops) * loops;
}

const times = (measure, loops) => values.map((_, i) => measure(i, Number(loops)).toFixed(1)).join(' ');

function answer([verb, first, second]) {
    switch (verb) {
        case 'load':
            try {
                return load(first, second);
            } catch (error) {
                return `refused ${error.message.split('\n')[0]}`;
            }
        case 'verdicts': return values.map((value) => (accepts(value) ? 'V' : 'I')).join('');
        case 'validate': return times(validate, first);
        case 'parse': return times(parse, first);
        default: throw new Error(`no such word: ${verb}`);
    }
}

for await (const line of readline.createInterface({ input: process.stdin }))
    process.stdout.write(answer(line.split('\t')) + '\n');
