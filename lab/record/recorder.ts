import type { Lab } from '../api.ts';
import { address, HOSTS, nodeNamed } from '../nodes.ts';
import { run, until, type RunOptions } from '../shell.ts';
import type { NodeSpec } from '../spec.ts';
import type { Command, Entry } from './entry.ts';

type Answer = Pick<Command, 'exitCode' | 'stdout' | 'stderr'>;

interface Options extends RunOptions {
  varies?: string;
  settles?: true;
}

/** Scenarios go on at the same time, and a repository takes one commit at a time. */
let commits: Promise<string> = Promise.resolve('');

/** Runs commands in a lab and on the worker's machine, and keeps what they answered and what was done in between. */
export class Recorder {
  readonly lab: Lab;
  readonly entries: Entry[] = [];

  constructor(lab: Lab) {
    this.lab = lab;
  }

  async on(host: string, note: string, argv: readonly string[], options: Options = {}): Promise<Answer> {
    return this.keep(host, note, argv, options, () => this.run(host, argv, options));
  }

  /**
   * Not recorded. In a guest past Incus, whose `exec` loses what a short command printed: on a busy machine one time in
   * thirty, with the exit code right (6.0.4).
   */
  async run(name: string, argv: readonly string[], options: RunOptions = {}): Promise<Answer> {
    const { type, host } = nodeNamed(name);
    if (type === 'host') return this.lab.run(name, argv, options);
    const { stdout } = await this.lab.run(host, ['incus', 'query', `/1.0/instances/${name}/state`]);
    const { pid } = JSON.parse(stdout) as { pid: number };
    return this.lab.run(host, ['nsenter', '-t', String(pid), '-a', 'env', '-C', '/root', ...argv], options);
  }

  /** Asks again until it answers so. Throws after 30 s. */
  async settled(
    host: string,
    note: string,
    argv: readonly string[],
    isThere: (answer: Answer) => boolean,
  ): Promise<void> {
    await until(note, async () => {
      const answer = await this.run(host, argv);
      return isThere(answer) ? { value: answer } : { not: answer.stdout };
    });
    await this.on(host, note, argv, { settles: true });
  }

  /** On the worker's machine, in the monorepo, with the lab's `nix` and `deploy` in front. */
  async here(note: string, argv: readonly string[], options: Options = {}): Promise<Answer> {
    const env = { ...this.lab.env, LC_ALL: 'C', ...options.env };
    const all = { timeoutMs: 120_000, cwd: this.lab.repo, ...options, env };
    return this.keep('worker', note, argv, options, () => run(argv, all));
  }

  /** Where a file of this lab is on the worker's machine. */
  file(name: string): string {
    return `${this.lab.record.folder}/${name}`;
  }

  /** Returns the revision. */
  async setSpec(node: string, change: Partial<NodeSpec>): Promise<string> {
    this.entries.push({ act: 'spec', node, change });
    const set = commits.then(() => this.lab.setSpec(node, change));
    commits = set.catch(() => '');
    return set;
  }

  async publish(version: string, healthy: boolean): Promise<void> {
    this.entries.push({ act: 'publish', version, healthy });
    await this.lab.publishWeb({ version, healthy });
  }

  async powerOff(...hosts: string[]): Promise<void> {
    this.entries.push({ act: 'power off', hosts });
    await Promise.all(hosts.map((host) => this.lab.power.off(host)));
  }

  async powerOn(...hosts: string[]): Promise<void> {
    this.entries.push({ act: 'power on', hosts });
    await Promise.all(hosts.map((host) => this.lab.power.on(host)));
    await this.lab.online();
  }

  async makeBare(): Promise<void> {
    this.entries.push({ act: 'bare' });
    await this.lab.makeBare();
  }

  /** What was kept, the same for every lab: its folder is `/lab` and its addresses are those of run 1. */
  neutral(): Entry[] {
    const { folder, number } = this.lab.record;
    const network = (run: number): string => address(run, nodeNamed(HOSTS[0]?.name ?? '')).replace(/\d+$/, '');
    const text = JSON.stringify(this.entries).replaceAll(folder, '/lab').replaceAll(network(number), network(1));
    return JSON.parse(text) as Entry[];
  }

  private async keep(
    host: string,
    note: string,
    argv: readonly string[],
    { input, timeoutMs, varies, settles }: Options,
    act: () => Promise<Answer>,
  ): Promise<Answer> {
    const start = Date.now();
    const { exitCode, stdout, stderr } = await act();
    const durationMs = Date.now() - start;
    this.entries.push({
      ...{ note, host, argv },
      ...(input === undefined ? {} : { input }),
      ...(timeoutMs === undefined ? {} : { killedAfterMs: timeoutMs }),
      ...{ exitCode, stdout, stderr, durationMs },
      ...(settles === undefined ? {} : { settles }),
      ...(varies === undefined ? {} : { varies }),
    });
    return { exitCode, stdout, stderr };
  }
}
