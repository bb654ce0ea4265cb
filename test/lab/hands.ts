import { readFileSync } from 'node:fs';
import type { Lab } from '../../lab/api.ts';
import { run, until } from '../../lab/shell.ts';
import type { NodeSpec } from '../../lab/spec.ts';
import { sshArgv } from '../../lab/ssh.ts';
import type { RunView } from '../../plan/run.ts';
import { RUNNING_SYSTEM, SYSTEM_PROFILE } from '../../tools/nix-profile.ts';
import { processesWith } from '../hosts/eventually.ts';

/** What a node runs, and what it would run after a restart: store paths. */
export interface NodeSystem {
  profile: string;
  running: string;
  bootsNext: string;
}

/** What a test does on the nodes of its lab and sees there, past the network. */
export interface Hands {
  /** Commits a release of a node: a version of its own, and well unless `change` says otherwise. */
  release: (node: string, change?: Partial<NodeSpec>) => Promise<{ revision: string; version: string }>;
  /** Deploys by hand, as the lab's operator would. Resolves with deploy-rs's exit code. */
  deploy: (node: string, revision: string, ...flags: string[]) => Promise<number>;
  /** The output of a command that has to succeed. */
  text: (node: string, ...argv: string[]) => Promise<string>;
  systemOf: (node: string) => Promise<NodeSystem>;
  generationsOf: (node: string) => Promise<string>;
  versionOf: (node: string) => Promise<string>;
  /** The page of a node's own application (8080) or its container (8081). */
  page: (node: string, port: number) => Promise<{ status: number; body: unknown }>;
  bootOf: (node: string) => Promise<string>;
  canariesOn: (node: string) => Promise<string[]>;
  /** Resolves in the middle of the activation of a new system. */
  activating: (node: string) => Promise<void>;
  /** Process ids, on this machine, of the deploy-rs clients that work on a node. */
  clientsOf: (node: string) => number[];
}

export const outcomeOf = ({ result }: RunView): string =>
  `${result?.outcome ?? ''} ${result?.failure?.type ?? ''}`.trim();

let released = 1;

export function handsOn(lab: () => Lab): Hands {
  const text: Hands['text'] = async (node, ...argv) => {
    const { exitCode, stdout, stderr } = await lab().run(node, argv);
    if (exitCode !== 0) throw new Error(`${node}: ${argv.join(' ')}: exit code ${exitCode}: ${stderr}`);
    return stdout.trim();
  };
  // Tests that run at the same time commit to one repository.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
  return {
    text,
    release: (node, change = {}) =>
      inTurn(async () => {
        released += 1;
        const version = `26.05.${released}`;
        const spec = { version, hook: '', firewall: '', healthy: true, ...change };
        return { version, revision: await lab().setSpec(node, spec) };
      }),
    deploy: async (node, revision, ...flags) => {
      const options = sshArgv(lab().record, node, []).slice(1, -1).join(' ');
      const timeouts = ['--confirm-timeout', '8', '--activation-timeout', '25'];
      const flake = `git+file://${lab().repo}?rev=${revision}#${node}`;
      const argv = ['deploy', '--skip-checks', '--ssh-opts', options, ...timeouts, ...flags, flake];
      return (await run(argv, { cwd: lab().repo, env: lab().env })).exitCode;
    },
    systemOf: async (node) => {
      // Busy machines lose what `incus exec` prints.
      const [profile = '', running = '', bootsNext = ''] = await until(`the system of ${node}`, async () => {
        const links = await text(node, 'readlink', '-f', SYSTEM_PROFILE, RUNNING_SYSTEM, '/var/lib/lab/boot-system');
        return links === '' ? { not: 'no answer' } : { value: links.split('\n') };
      });
      return { profile, running, bootsNext };
    },
    generationsOf: (node) => text(node, 'nix-env', '-p', SYSTEM_PROFILE, '--list-generations'),
    versionOf: (node) => text(node, 'cat', '/run/current-system/nixos-version'),
    page: async (node, port) => {
      const url = `http://${lab().address(node)}:${port}/cgi-bin/health`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
      return { status: answer.status, body: await answer.json() };
    },
    bootOf: (node) => text(node, 'cat', '/proc/sys/kernel/random/boot_id'),
    canariesOn: async (node) => {
      const found = await text(node, 'find', '/tmp', '-maxdepth', '1', '-name', 'deploy-rs-c*');
      return found === '' ? [] : found.split('\n');
    },
    // The brackets keep whoever looks for activations from taking this for one.
    activating: (node) =>
      until(
        `${node} activates its new system`,
        async () => {
          const { exitCode } = await lab().run(node, ['pgrep', '-f', 'switch-to-configuration [s]witch']);
          return exitCode === 0 ? { value: undefined } : { not: 'no activation' };
        },
        { timeoutMs: 180_000 },
      ),
    clientsOf: (node) =>
      processesWith(lab().address(node)).filter((pid) =>
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('deploy\0'),
      ),
  };
}
