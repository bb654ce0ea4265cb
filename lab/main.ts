import { Argument, Command } from '@commander-js/extra-typings';
import { labOf, startLab } from './api.ts';
import { removeAbandoned } from './cache.ts';
import { waitForGuests, waitOnline } from './cluster.ts';
import { collectGarbage, endRun } from './gc.ts';
import { isOn, runOn } from './hosts.ts';
import { deployByHand } from './deploy.ts';
import { makeGuests } from './new-guests.ts';
import { recordAll } from './record/record.ts';
import { withLock } from './lock.ts';
import { KINDS, kindOf, machinesOf } from './machines.ts';
import { address, HOSTS, NODES } from './nodes.ts';
import { cacheFolder, RUNS } from './paths.ts';
import { provideParts } from './parts.ts';
import { installMissing, whyNot } from './requirements.ts';
import { isOwnedBy, isWanted, listRuns, ownerFrom, saveRun, type RunRecord } from './run-record.ts';
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { specChange } from './spec.ts';
import { sshArgv } from './ssh.ts';
import { testLab, WITHOUT_VMS } from './test.ts';
import { provideTools } from './tools.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
// `status | head` closes the pipe before everything is said.
process.stdout.on('error', () => process.exit());
const program = new Command('lab')
  .enablePositionalOptions()
  .description('Real hosts n1 n2 n3 with guests g1 g2 g3: in Linux namespaces, or virtual machines with ZFS.');

const owner = ownerFrom(process.env);
const kept = async (): Promise<RunRecord[]> =>
  (await listRuns()).filter((record) => isOwnedBy(record, owner) && isWanted(record));

/** The lab that `up` started. */
async function current(): Promise<RunRecord> {
  const [run] = await kept();
  if (run === undefined) throw new Error('no lab is up: `npm run lab -- up`');
  return run;
}

program
  .command('up')
  .description('start a lab and leave it running (the first time builds it: minutes)')
  .addArgument(new Argument('[kind]', 'of hosts').choices(KINDS).default('namespaces' as const))
  .action(async (kind) => {
    const [running] = await kept();
    if (running !== undefined && kindOf(running) !== kind)
      throw new Error(`the lab of ${kindOf(running)} is up: \`npm run lab -- down\` first`);
    if (running !== undefined) {
      say(`already up as run ${running.number}`);
      return status(running);
    }
    const start = Date.now();
    const lab = await startLab({ kind, progress: say });
    await saveRun({ ...lab.record, owner });
    say(`up in ${((Date.now() - start) / 1000).toFixed(1)} s`);
    return status(lab.record);
  });

program
  .command('build')
  .description('build what is missing of what labs in namespaces start from, and `tools`; starts no host')
  .action(async () => {
    const reason = await whyNot();
    if (reason !== null) {
      say(`lab: skipped: ${reason}`);
      return;
    }
    await installMissing(say);
    await provideParts('namespaces', say);
    await provideTools(say);
  });

program
  .command('down')
  .description('end the lab and remove all that is its')
  .action(async () => {
    for (const record of await kept()) await endRun(record);
  });

async function status(record: RunRecord): Promise<void> {
  for (const node of NODES) {
    const on = await isOn(record, node.host);
    const timeoutMs = 5000 * machinesOf(record).patience;
    const system = on ? await runOn(record, node.name, ['systemctl', 'is-system-running'], { timeoutMs }) : null;
    say(`${node.name}  ${address(record.number, node).padEnd(13)}  ${system?.stdout.trim() ?? 'off'}`);
  }
  say(`hosts: ${kindOf(record)}`);
  say(`repository: ${join(record.folder, 'repository')}`);
  say(`nix, deploy …: ${join(record.folder, 'bin')}`);
}
program
  .command('status')
  .description('hosts, guests, and where things are')
  .action(async () => status(await current()));

program
  .command('ssh')
  .description('log in to a host or guest, or run a command there')
  .argument('<node>')
  .argument('[command...]')
  .passThroughOptions()
  .action(async (node, command) => {
    const [file = '', ...args] = sshArgv(await current(), node, command);
    const child = spawn(file, args, { stdio: 'inherit' });
    process.exitCode = await new Promise<number>((resolve) =>
      child.on('close', (code) => {
        resolve(code ?? 255);
      }),
    );
  });

program
  .command('power')
  .description('pull or push a host’s plug')
  .argument('<state>', 'on or off')
  .argument('<host>')
  .action(async (state, host) => {
    const { power } = await labOf(await current());
    if (state !== 'on' && state !== 'off') throw new Error(`Expected the power to be on or off, got ${state}`);
    await power[state](host);
  });

for (const [name, description, act] of [
  ['reboot', 'press a host’s reset button', async (record, host) => (await labOf(record)).power.reboot(host)],
  ['cut', 'pull a host’s network cable', async (record, host) => (await labOf(record)).cut(host)],
  ['heal', 'plug it in again', async (record, host) => (await labOf(record)).heal(host)],
] satisfies [string, string, (record: RunRecord, host: string) => Promise<void>][])
  program
    .command(name)
    .description(description)
    .argument('<host>', HOSTS.map((host) => host.name).join(', '))
    .action(async (host) => act(await current(), host));

program
  .command('disk')
  .description('put a newly installed root disk into a host; its data disk stays')
  .addArgument(new Argument('<what>').choices(['replace'] as const))
  .argument('<host>')
  .action(async (_what, host) => (await labOf(await current())).replaceRootDisk(host));

program
  .command('pool')
  .description('fill the pool of a host to the last byte, or take away what filled it')
  .addArgument(new Argument('<what>').choices(['fill', 'free'] as const))
  .argument('<host>')
  .action(async (what, host) => (await labOf(await current())).pool[what](host));

program
  .command('online')
  .description('wait until all members are Online and the guests answer')
  .action(async () => {
    const record = await current();
    await waitOnline(record);
    await waitForGuests(record);
  });

program
  .command('reset')
  .description('back to the state of the first `up`')
  .action(async () => (await labOf(await current())).reset());

program
  .command('bare')
  .description('the hosts as before there was a cluster: newly installed, the place of the pool empty')
  .action(async () => (await labOf(await current())).makeBare());

program
  .command('guests')
  .description('the guests g1 g2 g3, newly made, on bare hosts that have become a cluster')
  .action(async () => makeGuests(await current()));

program
  .command('deploy')
  .description('the first deployment of nodes, by hand: what `deploy .#NODE` is in a household')
  .argument('<node...>')
  .action(async (nodes) => {
    for (const node of nodes) {
      await deployByHand(await current(), node);
      say(`${node} is deployed`);
    }
  });

program
  .command('publish')
  .description('push the image web:latest of a version')
  .argument('<version>')
  .option('--unhealthy', 'its health page answers 500')
  .action(async (version, options) => {
    const lab = await labOf(await current());
    say(await lab.publishWeb({ version, healthy: options.unhealthy !== true }));
  });

program
  .command('spec')
  .description('change what a node is to be, commit it, print the revision')
  .argument('<node>')
  .argument('<field=value...>', 'as in spec.json: version=26.05.2 healthy=false')
  .action(async (node, fields) => {
    say(await (await labOf(await current())).setSpec(node, specChange(fields)));
  });

program
  .command('tools')
  .description('put sops and terraform beside nix and deploy (the first time builds them: minutes)')
  .action(async () => (await labOf(await current())).installTools(say));

program
  .command('gc')
  .description('remove what killed runs left behind')
  .action(async () => {
    const numbers = await withLock(
      join(RUNS, 'lock'),
      () => undefined,
      () => collectGarbage(say),
    );
    const removed = [...numbers, ...(await removeAbandoned(cacheFolder()))];
    say(removed.length === 0 ? 'nothing to remove' : `removed: ${removed.join(', ')}`);
  });

program
  .command('record')
  .description('write what the real tools answer, one JSON file per subject')
  .argument('<folder>')
  .argument('[subject...]')
  .action(async (folder, subjects) => recordAll(resolve(folder), subjects, say));

program
  .command('test')
  .description('run the suites of test/lab on labs of their own')
  .argument('[jest...]')
  .passThroughOptions()
  // Jest's own may come first.
  .allowUnknownOption()
  .action(async (jest) => {
    const [reason, noVms] = [await whyNot(), await whyNot('vms')];
    if (reason !== null) {
      say(`lab: skipped: ${reason}`);
      return;
    }
    if (noVms !== null) say(`lab: skipped: test/lab/vms: ${noVms}`);
    process.exitCode = await testLab([...(noVms === null ? [] : WITHOUT_VMS), ...jest]);
  });

try {
  const reason = await whyNot();
  const saysItself = process.argv.slice(2).some((word) => ['build', 'test', 'help', '--help', '-h'].includes(word));
  if (reason !== null && !saysItself) throw new Error(`cannot run here: ${reason}`);
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`lab: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
