// SPDX-License-Identifier: Apache-2.0
//
// servers.mjs OUT NAME [NAME…]: the tool lists of MCP servers, as the servers themselves answer
// tools/list over standard input and output, one file each in OUT, and the schema of such an answer,
// from the types of the SDK. Runs in the folder in which the servers are installed. They are started
// without a network's use: none of them calls out before a tool is called. Their keys are no keys.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [out, ...servers] = process.argv.slice(2);
const require = createRequire(path.resolve('package.json'));
const open = (name) => import(pathToFileURL(require.resolve(name)));
const { Client } = await open('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = await open('@modelcontextprotocol/sdk/client/stdio.js');
const { ListToolsResultSchema } = await open('@modelcontextprotocol/sdk/types.js');
const { toJSONSchema } = await open('zod');

const KEYS = ['GITHUB_PERSONAL_ACCESS_TOKEN', 'GITLAB_PERSONAL_ACCESS_TOKEN', 'SLACK_BOT_TOKEN',
    'SLACK_TEAM_ID', 'GOOGLE_MAPS_API_KEY', 'BRAVE_API_KEY'];

async function listTools(name) {
    const home = path.join('node_modules', name);
    const { bin } = JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8'));
    const client = new Client({ name: 'bench', version: '1' });
    await client.connect(new StdioClientTransport({
        command: process.execPath,
        args: [path.join(home, Object.values(bin)[0]), ...(name.endsWith('filesystem') ? [out] : [])],
        env: { PATH: process.env.PATH, ...Object.fromEntries(KEYS.map((key) => [key, 'none'])) },
        stderr: 'ignore',
    }));
    const list = await client.listTools();
    await client.close();
    return list;
}

fs.mkdirSync(out, { recursive: true });
fs.writeFileSync(path.join(out, 'schema.json'),
    JSON.stringify(toJSONSchema(ListToolsResultSchema, { unrepresentable: 'any', io: 'input' })));
for (const name of servers)
    fs.writeFileSync(path.join(out, `${path.basename(name)}.tools.json`), JSON.stringify(await listTools(name)));
process.exit(0);
