// SPDX-License-Identifier: Apache-2.0
//
// The three sides under one face: load, verdicts, validate, parse. Seam and ajv are processes that
// stay; Blaze is a program that is started for each measurement and prints what each document took,
// its parsing and its clock's own time left out.
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

export class Side {
    constructor(name, program, args) {
        this.name = name;
        this.can = ['alone', 'turns', 'parse'];
        this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
        this.answers = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    }

    async ask(...words) {
        this.child.stdin.write(words.join('\t') + '\n');
        const { value, done } = await this.answers.next();
        if (done)
            throw new Error(`${this.name} ended on "${words.join(' ')}"`);
        return value;
    }

    /* null, or why not */
    async load(schema, documents) {
        const answer = await this.ask('load', schema, documents);
        return answer.startsWith('loaded ') ? null : answer.replace(/^refused /, '');
    }

    verdicts() {
        return this.ask('verdicts');
    }

    /* What one document takes, a list; or all of them, a list of one. */
    async measure(kind, loops) {
        return (await this.ask(kind, loops)).split(' ').map(Number);
    }

    close() {
        this.child.stdin.end();
    }
}

export class Blaze {
    constructor(folder) {
        this.name = 'Blaze';
        this.can = ['alone'];
        this.work = path.join(folder, 'work');
        fs.mkdirSync(this.work, { recursive: true });
        this.template = path.join(this.work, 'blaze.json');
        const architecture = { x64: 'x86_64', arm64: 'arm64' }[process.arch];
        this.program = path.join(folder, 'tools/node_modules/@sourcemeta/jsonschema/build/github-releases',
            `jsonschema-linux-${architecture}`);
    }

    run(args) {
        return new Promise((resolve) => {
            execFile(this.program, args, { maxBuffer: 1 << 30 },
                (error, out, err) => resolve({ failed: error !== null, out, err }));
        });
    }

    /* Compiled once; what it takes for that is no part of any measurement. */
    async compile(schema) {
        const { failed, out, err } = await this.run(['compile', '--fast', '--minify', schema]);
        this.compiledFrom = failed ? null : schema;
        fs.writeFileSync(this.template, out);
        return failed ? err : null;
    }

    async benchmark(loops) {
        const { out, err } = await this.run(['validate', '--fast', '--benchmark', '--continue', '--loop',
            loops, '--template', this.template, this.compiledFrom, this.documents]);
        const rows = [...out.matchAll(/\[(\d+)\]: (PASS|FAIL) ([0-9.]+) \+- /g)]
            .sort((a, b) => a[1] - b[1]); // it has an order of its own
        if (rows.length !== this.count)
            throw new Error(`Blaze gave ${rows.length} answers for ${this.count} documents: ${err || out}`);
        return rows;
    }

    async load(schema, documents) {
        this.documents = documents;
        this.count = fs.readFileSync(documents, 'utf8').split('\n').filter(Boolean).length;
        const why = this.compiledFrom === schema ? null : await this.compile(schema);
        return why && why.trim().split('\n').slice(0, 3).join(' ');
    }

    async verdicts() {
        return (await this.benchmark(1)).map((row) => (row[2] === 'PASS' ? 'V' : 'I')).join('');
    }

    /* Only alone: it can do no other. */
    async measure(_kind, loops) {
        return (await this.benchmark(loops)).map((row) => Number(row[3]) * 1000);
    }

    close() {}
}
