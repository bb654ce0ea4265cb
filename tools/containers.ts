import { dirname } from 'node:path';
import type { Host } from '../hosts/host.ts';
import {
  containersSchema,
  digestOf,
  imageNameOf,
  imagesSchema,
  saysMissing,
  type ContainerImage,
  type InspectedContainer,
} from './container-images.ts';
import { readJson, tail, unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

export type Engine = 'podman' | 'docker';

/** The engine's own records, on a slow disk. */
const READ_TIMEOUT_MS = 60_000;

/** Gigabytes over a slow line; layers that came whole are kept. */
const PULL_TIMEOUT_MS = 60 * 60_000;

/** Stopping takes 10 s for each container that does not listen, then health checks are waited for. */
const UP_TIMEOUT_MS = 15 * 60_000;

interface ComposeService extends ContainerImage {
  service: string;
  container: string;
}

type PullFailed = { type: 'pull failed'; message: string };

export interface Containers {
  imageOf(container: string): Promise<({ type: 'image' } & ContainerImage) | NotFound | Unexpected>;
  /** Fetches what the reference means now and says which image that is. Running containers stay as they are. */
  pull(reference: string): Promise<{ type: 'image'; imageId: string; digest?: string } | PullFailed | Unexpected>;
  /** Makes `reference` mean that image. Idempotent. */
  tag(imageId: string, reference: string): Promise<{ type: 'tagged' } | NotFound | Unexpected>;
  /** Takes a name away, and the image with it if that was its last and nothing uses it. Idempotent. */
  untag(reference: string): Promise<{ type: 'removed' } | { type: 'already gone' } | Unexpected>;
  /** The containers of the compose project whose file that is. */
  composeImages(file: string): Promise<{ type: 'services'; services: ComposeService[] } | Unexpected>;
  composePull(file: string): Promise<{ type: 'pulled' } | PullFailed>;
  /** Brings the project up with the images that are there. `failed`: some container did not come up. */
  composeUp(
    file: string,
    options: { pull: 'never'; forceRecreate: boolean },
  ): Promise<{ type: 'up' } | { type: 'failed'; message: string }>;
}

/** A name under which a run keeps an image that it replaces, so that nothing prunes it before the rollback. */
export function keepTag(run: string, container: string): string {
  return `localhost/runbook/${run}:${container}`;
}

/** `host`: the guest. */
export function createContainers(host: Host, engine: Engine, options: ToolOptions = {}): Containers {
  const run = async (args: string[], timeoutMs = READ_TIMEOUT_MS): Promise<Ran> => {
    const argv = [engine, ...args];
    return { argv, result: await host.run(argv, { timeoutMs, ...withSignal(options) }) };
  };

  const inspectImage = async (reference: string) => {
    const ran = await run(['image', 'inspect', operand(reference)]);
    if (ran.result.exitCode !== 0)
      return saysMissing(ran.result.stderr)
        ? ({ type: 'not found', what: `Image ${reference} on ${host.name}` } as const)
        : unexpected(engine, ran);
    const answer = readJson(engine, ran, imagesSchema);
    if (answer.type !== 'json') return answer;
    const image = answer.value[0];
    if (image === undefined) return unexpected(engine, ran, 'Expected one image.');
    return { type: 'image' as const, imageId: image.Id, ...digestOf(image) };
  };

  const withDigest = async (container: InspectedContainer) => {
    const image = await inspectImage(container.Image);
    if (image.type === 'unexpected') return image;
    // The image of a running container can have been removed by force; its id is still the answer.
    const digest = image.type === 'image' && image.digest !== undefined ? { digest: image.digest } : {};
    const named: ContainerImage = { imageName: imageNameOf(container), imageId: container.Image, ...digest };
    return { type: 'named' as const, image: named };
  };

  return {
    imageOf: async (container) => {
      const ran = await run(['container', 'inspect', operand(container)]);
      if (ran.result.exitCode !== 0)
        return saysMissing(ran.result.stderr)
          ? { type: 'not found', what: `Container ${container} on ${host.name}` }
          : unexpected(engine, ran);
      const answer = readJson(engine, ran, containersSchema);
      if (answer.type !== 'json') return answer;
      const inspected = answer.value[0];
      if (inspected === undefined) return unexpected(engine, ran, 'Expected one container.');
      const named = await withDigest(inspected);
      return named.type === 'named' ? { type: 'image', ...named.image } : named;
    },
    pull: async (reference) => {
      const ran = await run(['pull', '--quiet', operand(reference)], PULL_TIMEOUT_MS);
      if (ran.result.exitCode !== 0) return { type: 'pull failed', message: tail(ran.result.stderr) };
      const image = await inspectImage(reference);
      return image.type === 'not found' ? unexpected(engine, ran, `Expected ${reference} to be there.`) : image;
    },
    tag: async (imageId, reference) => {
      const ran = await run(['tag', operand(imageId), operand(reference)]);
      if (ran.result.exitCode === 0) return { type: 'tagged' };
      if (saysMissing(ran.result.stderr)) return { type: 'not found', what: `Image ${imageId} on ${host.name}` };
      return unexpected(engine, ran);
    },
    untag: async (reference) => {
      const ran = await run(['rmi', operand(reference)]);
      if (ran.result.exitCode === 0) return { type: 'removed' };
      return saysMissing(ran.result.stderr) ? { type: 'already gone' } : unexpected(engine, ran);
    },
    composeImages: async (file) => {
      const label = `label=com.docker.compose.project.working_dir=${dirname(file)}`;
      const listed = await run(['ps', '--all', '--quiet', '--no-trunc', '--filter', label]);
      if (listed.result.exitCode !== 0) return unexpected(engine, listed);
      const ids = listed.result.stdout.split('\n').filter((id) => id !== '');
      if (ids.length === 0) return { type: 'services', services: [] };
      const ran = await run(['container', 'inspect', ...ids]);
      if (ran.result.exitCode !== 0) return unexpected(engine, ran);
      const answer = readJson(engine, ran, containersSchema);
      if (answer.type !== 'json') return answer;
      const services: ComposeService[] = [];
      for (const container of answer.value) {
        const service = container.Config.Labels?.['com.docker.compose.service'];
        if (service === undefined) return unexpected(engine, ran, `Expected ${container.Name} to name its service.`);
        const image = await withDigest(container);
        if (image.type === 'unexpected') return image;
        services.push({ ...image.image, service, container: container.Name.replace(/^\//, '') });
      }
      return { type: 'services', services };
    },
    composePull: async (file) => {
      const ran = await run(['compose', '--file', file, 'pull', '--quiet'], PULL_TIMEOUT_MS);
      return ran.result.exitCode === 0 ? { type: 'pulled' } : { type: 'pull failed', message: tail(ran.result.stderr) };
    },
    composeUp: async (file, { pull, forceRecreate }) => {
      const recreate = forceRecreate ? ['--force-recreate'] : [];
      const ran = await run(['compose', '--file', file, 'up', '--detach', '--pull', pull, ...recreate], UP_TIMEOUT_MS);
      return ran.result.exitCode === 0 ? { type: 'up' } : { type: 'failed', message: tail(ran.result.stderr) };
    },
  };
}

/** What both engines would take for an option is none of theirs: names and references begin with a letter or digit. */
function operand(text: string): string {
  if (/^[A-Za-z0-9][^\s]*$/.test(text)) return text;
  throw new TypeError(`Expected the name of a container or image, got ${JSON.stringify(text)}.`);
}
