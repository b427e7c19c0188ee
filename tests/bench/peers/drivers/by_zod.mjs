// SPDX-License-Identifier: Apache-2.0
//
// plugin/document.json in the words of zod, which the peers that check by themselves want.
import { z } from 'zod';

export const Document = z.strictObject({
    wf: z.string().regex(/^w-[0-9]{10}$/), seq: z.int().min(0), kind: z.enum(['task', 'note']),
    title: z.string().min(1).max(80), body: z.string().min(1).max(400),
    tags: z.array(z.string()).length(3), score: z.number().min(0).max(1),
    meta: z.strictObject({
        model: z.string(), tokens: z.int().min(0), cost: z.number().min(0), ok: z.boolean(),
    }),
});
