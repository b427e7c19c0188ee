// SPDX-License-Identifier: Apache-2.0
//
// The cases, by kind of agent.
import { models } from './cases_llm.mjs';

export const groups = [{ name: 'llm', cases: await models() }];
