import { setTimeout as delay } from 'node:timers/promises';
import type { ContainersOf } from '../fleet/schema.ts';
import { findNode } from '../fleet/names.ts';
import type { Host } from '../hosts/host.ts';
import { createContainers, keepTag, type Containers } from '../tools/containers.ts';
import { createSystemd } from '../tools/systemd.ts';
import { untilBooted } from './booted.ts';
import type { ContainerActivities, NodeRef } from './contract.ts';
import type { ContainerImage } from '../plan/run.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';

/** A container that was just restarted is missing for a moment. */
const APPEARS_WITHIN_MS = 60_000;

/** A guest with its declared containers, and how to reach them. */
interface Guest {
  name: string;
  host: Host;
  declared: ContainersOf;
  containers: Containers;
}

export function createContainerActivities({ fleetAt, machines }: Deps): ContainerActivities {
  const guestOf = async ({ fleet: ref, node }: NodeRef, { signal }: ActivityContext): Promise<Guest> => {
    const fleet = await fleetAt(ref);
    const found = findNode(fleet, node);
    if (found.type !== 'guest' || !found.guest.containers)
      throw failure('BadConfig', `No containers are declared for ${node} (guests.${node}.containers in runbook.yaml).`);
    const declared = found.guest.containers;
    const host = machines.node(fleet, node);
    return { name: node, host, declared, containers: createContainers(host, declared.engine, { signal }) };
  };

  const bootedGuestOf = async (ref: NodeRef, context: ActivityContext): Promise<Guest> => {
    const guest = await guestOf(ref, context);
    // Podman's own folder for pulls is emptied while the guest boots (tmpfiles.d/podman.conf): a pull then fails half-way.
    await untilBooted(guest.host, context);
    return guest;
  };

  return {
    recordImages: guarded(async (input, context) => {
      const guest = await bootedGuestOf(input, context);
      const images = await runningImages(guest, context);
      // Without a name of its own a replaced image could be pruned before it is needed again.
      for (const { imageId, container } of images) await tag(guest, imageId, keepTag(input.name, container));
      return images;
    }),
    updateContainers: guarded(async ({ before, ...input }, context) => {
      const guest = await bootedGuestOf(input, context);
      const changed = await pullAll(guest, before, context);
      await restart(guest, changed, context);
      return runningImages(guest, context);
    }),
    rollBackContainers: guarded(async ({ before, ...input }, context) => {
      const guest = await bootedGuestOf(input, context);
      for (const { imageId, ref } of before) await tag(guest, imageId, ref);
      const now = await presentImages(guest, context);
      const different = before.filter(
        ({ container, imageId }) => now.find((image) => image.container === container)?.imageId !== imageId,
      );
      await restart(guest, different, context);
      return different.length === 0 ? 'already' : 'rolled back';
    }),
    releaseImages: guarded(async ({ before, ...input }, context) => {
      const { containers, name } = await guestOf(input, context);
      for (const { container } of before) {
        const gone = await containers.untag(keepTag(input.name, container));
        if (gone.type === 'unexpected')
          throw toolFailure(`Releasing the former image of ${container} in ${name}`, gone);
      }
    }),
  };
}

/** Every declared container with its image. One that is being replaced at this moment is waited for. */
async function runningImages(guest: Guest, { signal }: ActivityContext): Promise<ContainerImage[]> {
  const { name, declared, containers } = guest;
  if (declared.type === 'compose') {
    const listed = await containers.composeImages(declared.file);
    if (listed.type !== 'services') throw toolFailure(`Containers of ${declared.file} in ${name}`, listed);
    return listed.services.map(({ service, imageName, imageId, digest }) => ({
      container: service,
      ref: imageName,
      imageId,
      digest: digest ?? '',
    }));
  }
  const until = Date.now() + APPEARS_WITHIN_MS;
  const images: ContainerImage[] = [];
  for (const { container } of declared.units) {
    let image = await containers.imageOf(container);
    while (image.type !== 'image' && Date.now() < until) {
      await delay(500, undefined, { signal });
      image = await containers.imageOf(container);
    }
    if (image.type !== 'image') throw toolFailure(`Container ${container} in ${name}`, image);
    images.push({ container, ref: image.imageName, imageId: image.imageId, digest: image.digest ?? '' });
  }
  return images;
}

/** As above, but those that are missing are left out: after a failed release they may be. */
async function presentImages(guest: Guest, context: ActivityContext): Promise<ContainerImage[]> {
  const { declared, containers } = guest;
  if (declared.type === 'compose') return runningImages(guest, context);
  const images: ContainerImage[] = [];
  for (const { container } of declared.units) {
    const image = await containers.imageOf(container);
    // One that cannot be read is taken for missing: its unit is restarted then, and it is looked at again.
    if (image.type !== 'image') continue;
    images.push({ container, ref: image.imageName, imageId: image.imageId, digest: image.digest ?? '' });
  }
  return images;
}

/** Pulls each reference; those whose running container has another image than is now meant come back. */
async function pullAll(
  guest: Guest,
  before: readonly ContainerImage[],
  context: ActivityContext,
): Promise<ContainerImage[]> {
  const { name, declared, containers } = guest;
  const now = await presentImages(guest, context);
  if (declared.type === 'compose') {
    const pulled = await containers.composePull(declared.file);
    if (pulled.type === 'pull failed') throw failure('PullFailed', `${name}: ${pulled.message}`);
    return [...before];
  }
  const wanted: ContainerImage[] = [];
  for (const image of before) {
    context.report({ progress: `pulls ${image.ref}` });
    const pulled = await containers.pull(image.ref);
    if (pulled.type === 'pull failed') throw failure('PullFailed', `${name}: ${image.ref}: ${pulled.message}`);
    if (pulled.type !== 'image') throw toolFailure(`Pulling ${image.ref} in ${name}`, pulled);
    const running = now.find(({ container }) => container === image.container)?.imageId;
    if (running !== pulled.imageId) wanted.push({ ...image, imageId: pulled.imageId, digest: pulled.digest ?? '' });
  }
  return wanted;
}

/** Restarts what is listed and waits until each runs the listed image. */
async function restart(guest: Guest, images: readonly ContainerImage[], context: ActivityContext): Promise<void> {
  const { name, host, declared, containers } = guest;
  if (images.length === 0) return;
  if (declared.type === 'compose') {
    const up = await containers.composeUp(declared.file, { pull: 'never', forceRecreate: false });
    if (up.type === 'failed') throw failure('RestartFailed', `${name}: ${up.message}`);
    return;
  }
  const systemd = createSystemd(host, context);
  for (const image of images) {
    const unit = declared.units.find(({ container }) => container === image.container)?.unit;
    if (unit === undefined) continue;
    context.report({ progress: `restarts ${unit}` });
    const restarted = await systemd.restartUnit(unit);
    if (restarted.type === 'failed') throw failure('RestartFailed', `${name}: ${unit}: ${restarted.message}`);
    if (restarted.type !== 'restarted') throw toolFailure(`Restarting ${unit} in ${name}`, restarted);
    await appears(guest, image, context);
  }
}

async function appears(
  { name, containers }: Guest,
  { container, imageId, ref }: ContainerImage,
  { signal }: ActivityContext,
): Promise<void> {
  const until = Date.now() + APPEARS_WITHIN_MS;
  for (;;) {
    const image = await containers.imageOf(container);
    if (image.type === 'image' && image.imageId === imageId) return;
    if (Date.now() > until)
      throw failure(
        'RestartFailed',
        `${name}: ${container} does not run ${ref} a minute after its unit was restarted.`,
      );
    await delay(500, undefined, { signal });
  }
}

async function tag({ name, containers }: Guest, imageId: string, reference: string): Promise<void> {
  const tagged = await containers.tag(imageId, reference);
  if (tagged.type !== 'tagged') throw toolFailure(`Naming image ${reference} in ${name}`, tagged);
}
