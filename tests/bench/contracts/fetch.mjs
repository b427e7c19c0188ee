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
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = path.dirname(fileURLToPath(import.meta.url));
const DOCUMENTS_MAX = 200, DOCUMENT_BYTES_MAX = 4 << 20;

/* Where there is no network, that is said within seconds. */
const npm = (words, cwd) => run('npm', [...words, '--ignore-scripts', '--loglevel=error',
    '--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=2000'], { cwd });

function offline(what, error) {
    const lines = String(error.stderr || error.message).split('\n').map((line) => line.trim());
    const why = lines.find((line) => /request to|reason|40[34]|No matching/.test(line)) ?? lines[0];
    throw new Error(`cannot fetch ${what} from the npm registry: ${why}\nSchemas, documents and peers ` +
        'come from there at the first run; run it again with a network.');
}

/* npm install into a folder of its own; whether it had to be done. */
async function install(home, dependencies) {
    const stamp = path.join(home, 'fetched.json'), wanted = JSON.stringify(dependencies);
    if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted)
        return;
    fs.rmSync(home, { recursive: true, force: true });
    fs.mkdirSync(home, { recursive: true });
    fs.writeFileSync(path.join(home, 'package.json'), JSON.stringify({ private: true, dependencies }));
    await npm(['install', '--no-audit', '--no-fund'], home)
        .catch((error) => offline(`the ${path.basename(home)}`, error));
    fs.writeFileSync(stamp, wanted);
}

/* The tool lists stand beside the packages, as one more. */
async function fetchToolLists(folder, servers) {
    const home = path.join(folder, 'servers'), out = path.resolve(folder, 'packages', 'tool-lists@made');
    await install(home, servers);
    if (fs.existsSync(out))
        return;
    const names = Object.keys(servers).filter((name) => /\/server-/.test(name));
    await run(process.execPath, [path.join(here, 'servers.mjs'), `${out}.part`, ...names],
        { cwd: home, timeout: 120000 });
    fs.renameSync(`${out}.part`, out);
}

async function fetchPackage(folder, name, version) {
    const home = path.join(folder, 'packages', `${name.replace('/', '+')}@${version}`);
    if (fs.existsSync(home))
        return;
    const part = `${home}.part`;
    fs.rmSync(part, { recursive: true, force: true });
    fs.mkdirSync(part, { recursive: true });
    const { stdout } = await npm(['pack', `${name}@${version}`], part)
        .catch((error) => offline(`${name}@${version}`, error));
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
    const version = name === 'tool-lists' ? 'made' : table.packages[name];
    if (!version)
        throw new Error(`${file}: the package is not in the table of packages`);
    return {
        home: path.join(folder, 'packages', `${name.replace('/', '+')}@${version}`),
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

/* The schema of that $id that stands, as text, in a larger file. */
function inside(file, id) {
    const bytes = fs.readFileSync(file), at = bytes.indexOf(`"$id": "${id}"`);
    let start = bytes.lastIndexOf('{', at), depth = 0, quoted = false;
    for (let i = start; at >= 0 && i < bytes.length; i++) {
        const c = String.fromCharCode(bytes[i]);
        if (quoted)
            i += c === '\\' ? 1 : 0;
        if (c === '"')
            quoted = !quoted;
        else if (!quoted && (c === '{' || c === '}') && (depth += c === '{' ? 1 : -1) === 0)
            return JSON.parse(bytes.subarray(start, i + 1).toString('utf8'));
    }
    throw new Error(`${file}: no schema ${id} inside`);
}

async function makeSchema(table, folder, set, read) {
    const [file] = glob(table, folder, set.schema);
    let schema = set.inside ? inside(file, set.inside) : await read(file);
    if (set.dialect)
        schema = { ...schema, $schema: set.dialect };
    // In draft-07 a $ref stands for all that is beside it, and Blaze refuses such a root: one step down.
    if (schema.$ref && /draft-0/.test(schema.$schema ?? '')) {
        const { $ref, ...rest } = schema;
        schema = { ...rest, allOf: [{ $ref }] };
    }
    const word = /20(19|20)-/.test(schema.$schema ?? '') ? '$defs' : 'definitions';
    for (const more of (set.embed ?? []).flatMap((pattern) => glob(table, folder, pattern)))
        schema[word] = { ...schema[word], [`file ${path.basename(more)}`]: await read(more) };
    return schema;
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
    await install(path.join(folder, 'tools'), table.tools);
    await fetchPackages(folder, table.packages);
    await fetchToolLists(folder, table.servers);
    const read = reader(folder);
    for (const set of sets)
        await makeSet(table, folder, set, read);
}
