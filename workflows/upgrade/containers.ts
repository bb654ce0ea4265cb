import type { ContainerImage } from '../../plan/run.ts';
import { remember, type Upgrade } from './upgrade.ts';

/** Each guest's containers to the newest images of their tags; what ran before is noted first. */
export async function updateContainers(upgrade: Upgrade): Promise<void> {
  for (const guest of upgrade.plan.updates) {
    const before = upgrade.begun.images.get(guest) ?? (await noteImages(upgrade, guest));
    upgrade.begun.images.set(guest, before);
    remember(upgrade);
    const after = await update(upgrade, guest, before);
    if (sameImages(before, after)) upgrade.begun.unchangedContainers.add(guest);
  }
}

function noteImages({ run, ref }: Upgrade, node: string): Promise<ContainerImage[]> {
  return run.step(
    { id: `images-${node}`, phase: 'update', title: `${node}: note running images`, kind: 'act' },
    (act) => act.recordImages({ ...ref, node }),
    (images) => ({ state: 'done', detail: images.map(({ container }) => container).join(', ') }),
  );
}

function update({ run, ref }: Upgrade, node: string, before: ContainerImage[]): Promise<ContainerImage[]> {
  return run.step(
    { id: `update-${node}`, phase: 'update', title: `${node}: containers`, kind: 'act' },
    (act) => act.updateContainers({ ...ref, node, before }),
    (after) => {
      const changed = after.filter((image) => !before.some(({ imageId }) => imageId === image.imageId));
      if (changed.length === 0) return { state: 'already', detail: 'the images are the newest' };
      return { state: 'done', detail: changed.map(described).join(', ') };
    },
  );
}

/** `caddy@sha256:91c5d2e0a1b2`: which release it was, should it turn out to be a bad one. */
const described = ({ container, digest }: ContainerImage): string =>
  `${container}@${digest.slice(0, 'sha256:'.length + 12)}`;

function sameImages(before: readonly ContainerImage[], after: readonly ContainerImage[]): boolean {
  return before.every((image) =>
    after.some(({ container, imageId }) => container === image.container && imageId === image.imageId),
  );
}
