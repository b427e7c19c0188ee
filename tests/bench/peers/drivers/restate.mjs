// SPDX-License-Identifier: Apache-2.0
//
// Restate, as its client sees it: through the ingress of its server, which calls restate_service.mjs.
// Those that wait are sent one-way, 64 requests under way, and counted where they end: 10,000 sockets
// of a client are not what is measured.
import * as clients from '@restatedev/restate-sdk-clients';
import { sleep } from './work.mjs';

export async function open(given) {
    const ingress = clients.connect({ url: given.url });
    const service = ingress.serviceClient({ name: 'bench' });
    const sender = ingress.serviceSendClient({ name: 'bench' });
    const ended = async () => Number(await (await fetch(given.side)).text());
    const waitAll = async (documents) => {
        const wanted = (await ended()) + documents.length, left = documents.slice();
        await Promise.all(Array.from({ length: 64 }, async () => {
            while (left.length)
                await sender.wait(left.pop());
        }));
        while (await ended() < wanted)
            await sleep(5);
    };
    return {
        chain: (document) => service.chain(document), cold: (document) => service.cold(document),
        fan: (document) => service.fan(document), wait: (document) => service.wait(document),
        waitAll, close: async () => {},
    };
}
