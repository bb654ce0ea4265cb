import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { outOfRoot } from '../core/paths.ts';
import { machineOf } from '../core/store.ts';
import type { Container, Machine, State } from '../core/state.ts';
import { createContainer } from '../systemd/units.ts';

/** `podman` and `docker`, as far as an update of containers goes. Each has its own containers; images are shared. */
export function engine(call: Call): Promise<number> | number {
  const [verb = '', ...rest] = call.args;
  const inner = { ...call, args: rest };
  switch (verb) {
    case '--version':
      call.out(call.tool === 'podman' ? 'podman version 5.4.2\n' : 'Docker version 26.1.5, build a72d7cd\n');
      return 0;
    case 'container':
      return inspect(inner, (name) => containerView(call, name));
    case 'image':
      return inspect(inner, (name) => imageView(call, name));
    case 'ps':
      return ps(inner);
    case 'pull':
      return pull(inner);
    case 'tag':
      return tag(inner);
    case 'rmi':
      return removeImage(inner);
    case 'compose':
      return compose(inner);
    default:
      throw new Unknown(`unknown command ${call.tool} ${verb}`);
  }
}

function machine(call: Call): Machine {
  return machineOf(call.store.read(), call.machine);
}

function inspect(call: Call, view: (name: string) => object): number {
  const [verb, ...names] = call.args;
  if (verb !== 'inspect' || names.some((name) => name.startsWith('-'))) throw new Unknown('expected inspect NAME…');
  try {
    call.out(`${JSON.stringify(names.map(view), null, 1)}\n`);
    return 0;
  } catch (error) {
    if (error instanceof ToolError) call.out('[]\n');
    throw error;
  }
}

/** An image's local id is not its digest in the registry. */
function imageId(call: Call, digest: string): string {
  const hex = createHash('sha256').update(`image ${digest}`).digest('hex');
  return call.tool === 'docker' ? `sha256:${hex}` : hex;
}

function ownContainers(call: Call): [string, Container][] {
  return Object.entries(machine(call).containers).filter(([, { engine: own }]) => own === call.tool);
}

function containerView(call: Call, name: string): object {
  const found = ownContainers(call).find(([own, { id }]) => own === name || id === name);
  if (!found)
    throw new ToolError(
      call.tool === 'podman'
        ? `Error: no such container ${name}`
        : `Error response from daemon: No such container: ${name}`,
      call.tool === 'podman' ? 125 : 1,
    );
  const [own, { image, digest, id, running, startedAt, project }] = found;
  const labels: Record<string, string> = project
    ? {
        'com.docker.compose.project': project.name,
        'com.docker.compose.project.working_dir': dirname(project.file),
        'com.docker.compose.service': project.service,
      }
    : {};
  const common = {
    Id: id,
    Image: imageId(call, digest),
    State: { Running: running, Status: running ? 'running' : 'exited', StartedAt: startedAt },
  };
  return call.tool === 'podman'
    ? { ...common, Name: own, ImageName: image, Config: { Image: image, Labels: labels } }
    : { ...common, Name: `/${own}`, Config: { Image: image, Labels: labels } };
}

/** By reference, id or a name that was given to it. */
function digestOf(call: Call, name: string): string | undefined {
  const own = machine(call);
  const digests = new Set([...Object.values(own.images), ...Object.values(own.containers).map(({ digest }) => digest)]);
  return (
    own.images[name] ??
    [...digests].find((digest) =>
      [digest, imageId(call, digest), imageId(call, digest).replace('sha256:', '')].includes(name),
    )
  );
}

function missingImage(call: Call, name: string): ToolError {
  return call.tool === 'podman'
    ? new ToolError(`Error: ${name}: image not known`, 125)
    : new ToolError(`Error response from daemon: No such image: ${name}`);
}

function imageView(call: Call, name: string): object {
  const digest = digestOf(call, name);
  if (digest === undefined) throw missingImage(call, name);
  const references = Object.entries(machine(call).images)
    .filter(([, own]) => own === digest)
    .map(([reference]) => reference);
  const repositories = references.map((reference) => `${reference.replace(/:[^:/]+$/, '')}@${digest}`);
  const common = { Id: imageId(call, digest), RepoTags: references, RepoDigests: repositories };
  return call.tool === 'podman' ? { ...common, Digest: digest } : common;
}

/** `ps --all --quiet --no-trunc --filter label=com.docker.compose.project.working_dir=FOLDER`. */
function ps(call: Call): number {
  const asked = readOptions(call.args, { flags: ['all', 'quiet', 'no-trunc'], values: ['filter'] });
  const folder = /^label=com\.docker\.compose\.project\.working_dir=(.*)$/.exec(asked.value('filter') ?? '')?.[1];
  if (folder === undefined || !asked.has('all') || !asked.has('quiet'))
    throw new Unknown('expected --all --quiet --filter of a compose project');
  const wanted = outOfRoot(folder, call.root);
  for (const [, { id, project }] of ownContainers(call))
    if (project && dirname(project.file) === wanted) call.out(`${id}\n`);
  return 0;
}

async function pull(call: Call): Promise<number> {
  const asked = readOptions(call.args, { flags: ['quiet'], short: { q: 'quiet' } });
  const [reference = ''] = asked.positionals;
  const digest = await call.update((state) => pullInto(state, call, reference));
  call.out(call.tool === 'podman' ? `${imageId(call, digest)}\n` : `${reference}\n`);
  return 0;
}

/** Throws where the registry has no such image. A reference may name a digest. */
function pullInto(state: State, call: Call, reference: string): string {
  const at = reference.indexOf('@');
  const digest = at === -1 ? state.registry[reference]?.digest : reference.slice(at + 1);
  const [, repository = reference, tagOf = 'latest'] = /^(.*):([^:/]+)$/.exec(reference) ?? [];
  if (digest === undefined || !state.images[digest])
    throw new ToolError(
      call.tool === 'podman'
        ? `Error: initializing source docker://${reference}: reading manifest ${tagOf} in ${repository}: manifest unknown`
        : `Error response from daemon: manifest for ${reference} not found: manifest unknown: manifest unknown`,
      call.tool === 'podman' ? 125 : 1,
    );
  machineOf(state, call.machine).images[reference] = digest;
  return digest;
}

async function tag(call: Call): Promise<number> {
  const [source = '', target = '', ...rest] = call.args;
  if (rest.length > 0 || target === '') throw new Unknown('expected tag SOURCE TARGET');
  const digest = digestOf(call, source);
  if (digest === undefined) throw missingImage(call, source);
  await call.update((state) => {
    machineOf(state, call.machine).images[target] = digest;
  });
  return 0;
}

async function removeImage(call: Call): Promise<number> {
  const [reference = '', ...rest] = call.args;
  if (rest.length > 0 || reference.startsWith('-')) throw new Unknown('expected rmi REFERENCE');
  // Of podman's failures this one alone has the exit code 1.
  if (machine(call).images[reference] === undefined) throw new ToolError(missingImage(call, reference).message);
  await call.update((state) => {
    Reflect.deleteProperty(machineOf(state, call.machine).images, reference);
  });
  call.out(`Untagged: ${reference}\n`);
  return 0;
}

/** `compose --file F pull --quiet`, `compose --file F up --detach --pull never [--force-recreate]`. */
async function compose(call: Call): Promise<number> {
  const asked = readOptions(call.args, {
    flags: ['quiet', 'detach', 'force-recreate'],
    values: ['file', 'pull'],
    short: { f: 'file', d: 'detach' },
  });
  const [verb = ''] = asked.positionals;
  const file = outOfRoot(asked.value('file') ?? '', call.root);
  const services = ownContainers(call).filter(([, { project }]) => project?.file === file);
  if (services.length === 0) throw new ToolError(`open ${file}: no such file or directory`, 14);
  if (verb === 'pull') {
    await call.update((state) => {
      for (const [, { image }] of services) pullInto(state, call, image);
    });
    return 0;
  }
  if (verb !== 'up' || asked.value('pull') !== 'never' || !asked.has('detach'))
    throw new Unknown('expected pull, or up --detach --pull never');
  const failed = await call.update((state) => {
    const own = machineOf(state, call.machine);
    return services.filter(([name, { image, digest, running }]) => {
      if (running && own.images[image] === digest && !asked.has('force-recreate')) return false;
      return !createContainer(own, name);
    });
  });
  for (const [name] of failed) call.err(`Error response from daemon: No such image: ${name}\n`);
  return failed.length === 0 ? 0 : 1;
}
