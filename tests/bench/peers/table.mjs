// SPDX-License-Identifier: Apache-2.0
//
// What is printed: of each row Seam, each peer, the ratio, the goal, and whether it was met.

const COLUMNS = [['', -35], ['Seam', 9], ['LangGraph', 10], ['Mastra', 9], ['DBOS', 8], ['Restate', 8],
    ['SQLite', 8], ['ratio', 21], ['goal', 17], ['met', 4]];
export const PEERS = { langgraph: 'LangGraph', mastra: 'Mastra', dbos: 'DBOS', restate: 'Restate' };

const pad = (text, width) => (width < 0 ? String(text).padEnd(-width) : String(text).padStart(width));
const line = (cells) =>
    console.log(COLUMNS.map(([, width], i) => pad(cells[i] ?? '', width)).join(' ').trimEnd());

export function figure(value) {
    if (value === undefined || value === null || Number.isNaN(value))
        return '-';
    if (value >= 100)
        return Math.round(value).toLocaleString('en-US');
    return value.toFixed(value >= 10 ? 1 : 2);
}

function ratioText(goal) {
    if (goal.of === null)
        return goal.unit === 'MB' ? `${figure(goal.value)} MB` : '';
    if (goal.ratio === undefined)
        return '-';
    return `${figure(goal.ratio)} x ${PEERS[goal.beside] ?? 'SQLite loop'}`;
}

function goalText(goal, unit) {
    if (goal.told)
        return 'none';
    const [sign, bound] = goal.least === undefined ? ['<=', goal.most] : ['>=', goal.least];
    if (goal.of === null)
        return `${sign} ${figure(bound)} ${goal.unit ?? unit ?? 'steps/s'}`;
    return `${sign} ${+bound.toFixed(3)}${goal.aim ? `, aim ${goal.aim}` : ''}`;
}

const metText = (goal) =>
    (goal.told ? '' : goal.met === undefined ? '?' : goal.met ? (goal.aimed ? 'aim' : 'yes') : 'NO');

export function printRows(rows) {
    console.log('Steps a second, but where ms stand: medians; of a peer that was measured at 16 and at 64 at once,\n' +
        'the better figure.\n');
    line(COLUMNS.map(([name]) => name));
    for (const row of rows) {
        const [first, ...others] = row.goals;
        line([`${row.name}${row.unit ? `, ${row.unit}` : ''}`, figure(row.seam),
            ...Object.keys(PEERS).map((peer) => (row.failed?.[peer] ? 'failed' : figure(row.peers[peer]))),
            figure(row.floor), ratioText(first), goalText(first, row.unit), metText(first)]);
        for (const goal of others)
            line([...Array(7).fill(''), ratioText(goal), goalText(goal, row.unit), metText(goal)]);
    }
}

export function printFlat(rows, most) {
    console.log(`\nMicroseconds a step, by the number of steps; flat: nowhere more than ${most} x what it was at a smaller\n` +
        'number. MB: peak memory at the largest.');
    for (const row of rows)
        console.log(`${pad(`${row.label}, ${row.keep}`, -42)} ${Object.entries(row.us)
            .map(([size, us]) => `${Number(size).toLocaleString('en-US')}: ${figure(us)}`).join('  ')}` +
            `  ${figure(row.mb)} MB  rise ${figure(row.rise)}  ${row.met === undefined ? '?' : row.met ? 'flat' : 'NOT FLAT'}`);
}

export function printSyncs(rows) {
    console.log('\nSyncs to the disk for each step, counted by strace; Seam\'s and the loop\'s with their start and end:');
    for (const { name, syncs, error } of rows)
        console.log(`${pad(name, -42)} ${error ?? syncs.toFixed(3)}`);
}
