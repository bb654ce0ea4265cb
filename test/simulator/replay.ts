import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Act, Command } from '../../lab/record/entry.ts';
import { hostKeyOf } from '../../simulator/core/host-key.ts';
import type { Simulation } from '../../simulator/create.ts';
import type { NodeSpec } from '../../simulator/nix/flake.ts';
import { runOn, runOnWorker, type Ran } from './client.ts';
import { NAMES, namesOf } from './names.ts';

/** What a hook of the lab's systems is in the simulation. */
const ACTIVATIONS: Readonly<Record<string, NodeSpec['activation']>> = {
  '': {},
  'echo no >&2; exit 1': { exitCode: 1 },
  'systemctl --no-block stop ssh': { network: 'stops sshd' },
};

const one = { one: { creation: 1_793_400_004 } };
/** What a run has set aside, as the lab's scenario makes it. */
const KEPT = {
  'zpool/kept': {
    snapshots: one,
    properties: {
      'runbook:kept': 'run',
      'runbook:kept-from': 'zpool/incus',
      'runbook:kept-at': '2026-11-27T00:00:00Z',
      'runbook:kept-why': 'a member came back',
    },
  },
  'zpool/kept/child': { snapshots: one },
  'zpool/kept/volume': { snapshots: one, type: 'volume' as const },
};

/** Plays what a lab's scenario did on a simulation, in the words of that. */
export class Replay {
  readonly #simulation: Simulation;
  /** What has a name of its own in each world: store paths, ids of images and containers. */
  readonly #learnt = new Map<string, string>();
  readonly #names: readonly (readonly [RegExp, string])[];

  constructor(simulation: Simulation, subject: string) {
    this.#simulation = simulation;
    this.#names = [...namesOf(subject), ...NAMES];
    this.#writeKnownHosts();
  }

  /** One container of a compose project is all that the lab has, and one pool, with datasets that nobody replicates. */
  async prepare(): Promise<void> {
    await this.#simulation.store.update((state) => {
      Reflect.deleteProperty(state.machines['home-vm']?.containers ?? {}, 'mosquitto');
      const { datasets = {} } = state.machines['nuc-1'] ?? {};
      for (const name of Object.keys(datasets)) if (name.startsWith('tank/')) Reflect.deleteProperty(datasets, name);
      const snapshots = { first: { creation: 1_793_400_000 }, second: { creation: 1_793_400_002 } };
      Object.assign(datasets, {
        'zpool/contract': { snapshots },
        'zpool/empty': { snapshots: {} },
        ...KEPT,
        'zpool/source': { snapshots: {}, mounted: true },
        'zpool/secret': { snapshots: {}, key: 'available', mounted: true },
      });
    });
  }

  translated(text: string): string {
    const { repoDir, dir } = this.#simulation;
    let now = text
      .replaceAll('/lab/repository', repoDir)
      .replaceAll(/(?<![\w.])\/lab(?=\/)/g, join(dir, 'lab'))
      .replaceAll(/rev=(?!0{40})[0-9a-f]{40}/g, () => `rev=${this.#simulation.revision()}`);
    for (const [real, simulated] of this.#learnt) now = now.replaceAll(real, simulated);
    return this.#names.reduce((before, [name, to]) => before.replace(name, to), now);
  }

  async run({ host, argv, exitCode, input }: Command): Promise<Ran> {
    const words = argv.map((word) => this.translated(word));
    // What hung until it was killed need not hang as long here.
    const timeoutMs = exitCode === 124 ? 500 : 60_000;
    const read = input === undefined ? '' : this.translated(input);
    if (host === 'worker') return runOnWorker(this.#simulation, words, timeoutMs, read);
    return runOn(this.#simulation, this.translated(host), words, timeoutMs, read);
  }

  async act(act: Act): Promise<void> {
    switch (act.act) {
      case 'spec': {
        this.#simulation.setSpec(this.translated(act.node), specOf(act.change));
        return;
      }
      case 'publish': {
        await this.#simulation.publishImage(this.translated('10.89.0.2:5000/web:latest'), { healthy: act.healthy });
        return;
      }
      case 'bare':
        this.#makeFolders();
        return;
      case 'power on':
      case 'power off':
        for (const host of act.hosts)
          await this.#simulation.power(this.translated(host), act.act === 'power on' ? 'on' : 'off');
    }
  }

  /** Remembers what the same thing is called here. */
  learn(real: Pick<Ran, 'stdout'>, simulated: Pick<Ran, 'stdout'>): void {
    const [theirs, ours] = [identities(real.stdout), identities(simulated.stdout)];
    for (const [key, value] of theirs) {
      const own = ours.get(key);
      if (own !== undefined && own !== value) this.#learnt.set(value, own);
    }
  }

  /** What is in the lab's data disks beside Incus's. */
  #makeFolders(): void {
    for (const machine of Object.keys(this.#simulation.readState().machines)) {
      const data = join(this.#simulation.store.root(machine), 'data');
      for (const folder of ['incus', 'full']) mkdirSync(join(data, folder), { recursive: true });
      writeFileSync(join(data, 'full', 'something'), '');
    }
  }

  #writeKnownHosts(): void {
    const addresses = Object.values(this.#simulation.readState().machines);
    const files = {
      known_hosts: addresses.map(({ name, address }) => `${address} ${hostKeyOf(name)}\n`).join(''),
      'ssh/known': `runbook-elitedesk-1 ${hostKeyOf('elitedesk-1')}\n`,
      'ssh/changed': `runbook-elitedesk-1 ${hostKeyOf('nuc-1')}\n`,
      'ssh/none': '',
      'no-known-hosts': '',
    };
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.#simulation.dir, 'lab', name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
}

/** Of the lab's fields those that the simulation knows; its application and its pages are none of a system's there. */
function specOf(change: { version?: string; kernel?: string; incus?: string; hook?: string }): Partial<NodeSpec> {
  const { version, kernel, incus, hook } = change;
  const activation = hook === undefined ? undefined : ACTIVATIONS[hook];
  return {
    ...(version === undefined ? {} : { version }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(incus === undefined ? {} : { incus }),
    ...(activation === undefined ? {} : { activation }),
  };
}

/** A lone path or id, and those of an inspected object. */
function identities(stdout: string): Map<string, string> {
  const text = stdout.trim();
  if (/^(\/nix\/store\/\S+|\/tmp\/deploy-rs-\S+|(sha256:)?[0-9a-f]{64})$/.test(text)) return new Map([['', text]]);
  const token = /\t(1-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+)$/.exec(text)?.[1];
  if (token !== undefined) return new Map([['token', token]]);
  if (/^[A-Za-z0-9+/=]{200,}$/.test(text)) return new Map([['', text]]);
  if (!text.startsWith('[')) return new Map();
  const [first] = JSON.parse(text) as Record<string, unknown>[];
  return new Map(
    ['Id', 'Image'].flatMap((key) => (typeof first?.[key] === 'string' ? [[key, first[key]] as const] : [])),
  );
}
