// SPDX-License-Identifier: Apache-2.0
//
// A server of the modern revision, by its reference implementation: a tool that adds, one that asks
// a person first, one that reports its progress, one that fails.
import { McpServer, fromJsonSchema, inputRequired, acceptedContent } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

const object = (properties) =>
    fromJsonSchema({ type: 'object', properties, required: Object.keys(properties) });
const text = (words) => ({ content: [{ type: 'text', text: words }] });

serveStdio(() => {
    const server = new McpServer({ name: 'modern', version: '1.0.0' });
    server.registerTool(
        'add',
        {
            description: 'Adds two numbers',
            inputSchema: object({ a: { type: 'number' }, b: { type: 'number' } }),
            outputSchema: object({ sum: { type: 'number' } }),
            annotations: { readOnlyHint: true, openWorldHint: false },
        },
        ({ a, b }) => ({ ...text(`${a + b}`), structuredContent: { sum: a + b } }),
    );
    server.registerTool(
        'greet',
        { description: 'Asks for a name, and greets it', inputSchema: object({ greeting: { type: 'string' } }) },
        ({ greeting }, ctx) => {
            const named = acceptedContent(ctx.mcpReq.inputResponses, 'name', object({ name: { type: 'string' } }));
            if (named) return text(`${greeting}, ${named.name}`);
            const requestedSchema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
            return inputRequired({
                inputRequests: { name: inputRequired.elicit({ message: 'Who is it?', requestedSchema }) },
                requestState: 'asked',
            });
        },
    );
    server.registerTool('trace', { description: 'Tells what a call is a part of', inputSchema: object({}) },
        (_, ctx) => text(JSON.stringify(ctx.mcpReq._meta ?? {})));
    server.registerTool('fail', { description: 'Fails', inputSchema: object({}) }, () => {
        throw new Error('there is no such thing');
    });
    return server;
});
