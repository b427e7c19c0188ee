// SPDX-License-Identifier: Apache-2.0
//
// The cases, by kind of agent.
import { programs } from './cases_exec.mjs';
import { services } from './cases_http.mjs';
import { people } from './cases_human.mjs';
import { models } from './cases_llm.mjs';

export const groups = [
    { name: 'llm', cases: await models() },
    { name: 'http', cases: services() },
    { name: 'exec', cases: programs() },
    { name: 'human', cases: people() },
];
