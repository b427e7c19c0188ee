// SPDX-License-Identifier: Apache-2.0
//
// The work, and its output checked by ajv: for the peers that check nothing themselves.
import fs from 'node:fs';
import Ajv from 'ajv';
import { work } from './work.mjs';

const validate = new Ajv.default().compile(
    JSON.parse(fs.readFileSync(new URL('document.json', import.meta.url), 'utf8')));

export function checkedWork(document) {
    const output = work(document);
    if (!validate(output))
        throw new Error(`schema: ${JSON.stringify(validate.errors)}`);
    return output;
}
