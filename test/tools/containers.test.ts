import { describe, expect, it } from '@jest/globals';
import { createContainers, keepTag } from '../../tools/containers.ts';
import { fakeHost, json, refusal, scripted, type Answer } from './fake-host.ts';

const ID = 'f'.repeat(64);
const DIGEST = `sha256:${'d'.repeat(64)}`;
const podman = {
  container: { Id: '1', Name: 'web', Image: ID, ImageName: 'reg.example/web:1', Config: { Image: 'web' } },
  image: { Id: ID, Digest: DIGEST, RepoTags: ['reg.example/web:1'], RepoDigests: [`reg.example/web@${DIGEST}`] },
};
const docker = {
  container: { Id: '1', Name: '/web', Image: `sha256:${ID}`, Config: { Image: 'reg.example/web:1', Labels: null } },
  image: { Id: `sha256:${ID}`, RepoTags: ['reg.example/web:1'], RepoDigests: [`reg.example/web@${DIGEST}`] },
};

describe('the image of a container', () => {
  it('is read from podman', async () => {
    const host = scripted(
      [['podman', 'container', 'inspect', 'web'], json([podman.container])],
      [['podman', 'image', 'inspect', ID], json([podman.image])],
    );
    expect(await createContainers(host, 'podman').imageOf('web')).toEqual({
      type: 'image',
      imageName: 'reg.example/web:1',
      imageId: ID,
      digest: DIGEST,
    });
  });

  it('is read from docker, which knows the digest only of what was pulled', async () => {
    const host = scripted(
      [['docker', 'container', 'inspect', 'web'], json([docker.container])],
      [['docker', 'image', 'inspect', `sha256:${ID}`], json([{ ...docker.image, RepoDigests: [] }])],
    );
    expect(await createContainers(host, 'docker').imageOf('web')).toEqual({
      type: 'image',
      imageName: 'reg.example/web:1',
      imageId: `sha256:${ID}`,
    });
  });

  it.each([
    ['podman', 'Error: no such container web', 125],
    ['podman', 'Error: no such object: "web"', 125],
    ['docker', 'Error response from daemon: No such container: web', 1],
  ] as const)('of none is not found (%s: %s)', async (engine, text, exitCode) => {
    const host = scripted([[engine, 'container', 'inspect', 'web'], refusal(text, exitCode)]);
    expect(await createContainers(host, engine).imageOf('web')).toMatchObject({ type: 'not found' });
  });

  it.each([
    ['another shape', json([{ Name: 'web' }])],
    ['nothing', json([])],
    ['another text', refusal('Cannot connect to the Docker daemon')],
  ])('is unexpected with %s', async (_, answer: Answer) => {
    const host = scripted([['docker', 'container', 'inspect', 'web'], answer]);
    expect(await createContainers(host, 'docker').imageOf('web')).toMatchObject({ type: 'unexpected' });
  });

  it.each(['--all', '', 'a b'])('named %j is refused', async (name) => {
    await expect(createContainers(scripted(), 'podman').imageOf(name)).rejects.toThrow(TypeError);
  });
});

describe('pulling and tagging', () => {
  it('says which image a reference means now', async () => {
    const host = scripted(
      [['podman', 'pull', '--quiet', 'reg.example/web:1'], { stdout: ID }],
      [['podman', 'image', 'inspect', 'reg.example/web:1'], json([podman.image])],
    );
    expect(await createContainers(host, 'podman').pull('reg.example/web:1')).toEqual({
      type: 'image',
      imageId: ID,
      digest: DIGEST,
    });
  });

  it('that fails says why', async () => {
    const host = scripted([['podman', 'pull', '--quiet', 'reg.example/web:1'], refusal('Error: no route', 125)]);
    expect(await createContainers(host, 'podman').pull('reg.example/web:1')).toEqual({
      type: 'pull failed',
      message: 'Error: no route',
    });
  });

  it('keeps an old image under the name of the run, until that is taken away', async () => {
    const name = keepTag('runbook-20261123-0214-3f9c', 'web');
    expect(name).toBe('localhost/runbook/runbook-20261123-0214-3f9c:web');
    const tags = new Set<string>();
    const host = fakeHost((argv) => {
      if (argv[1] === 'tag' && argv[2] === ID && argv[3] !== undefined) return (tags.add(argv[3]), {});
      if (argv[1] !== 'rmi' || argv[2] === undefined) return undefined;
      return tags.delete(argv[2]) ? {} : refusal(`Error: ${argv[2]}: image not known`, 1);
    });
    const containers = createContainers(host, 'podman');
    expect(await containers.tag(ID, name)).toEqual({ type: 'tagged' });
    expect(await containers.tag(ID, name)).toEqual({ type: 'tagged' });
    expect(await containers.untag(name)).toEqual({ type: 'removed' });
    expect(await containers.untag(name)).toEqual({ type: 'already gone' });
  });

  it.each([
    ['podman', `Error: ${ID}: image not known`],
    ['docker', `Error response from daemon: No such image: ${ID}`],
  ] as const)('of an image that is gone is not found (%s)', async (engine, text) => {
    const host = scripted([[engine, 'tag', ID, 'x:y'], refusal(text)]);
    expect(await createContainers(host, engine).tag(ID, 'x:y')).toMatchObject({ type: 'not found' });
  });
});

describe('a compose project', () => {
  const file = '/srv/app/compose.yaml';
  const list = [
    ...['docker', 'ps', '--all', '--quiet', '--no-trunc'],
    ...['--filter', 'label=com.docker.compose.project.working_dir=/srv/app'],
  ];

  it('has the images of its services', async () => {
    const labelled = { ...docker.container, Config: { Image: 'w:1', Labels: { 'com.docker.compose.service': 'web' } } };
    const host = scripted(
      [list, { stdout: 'c1\n' }],
      [['docker', 'container', 'inspect', 'c1'], json([labelled])],
      [['docker', 'image', 'inspect', `sha256:${ID}`], json([docker.image])],
    );
    expect(await createContainers(host, 'docker').composeImages(file)).toEqual({
      type: 'services',
      services: [{ service: 'web', container: 'web', imageName: 'w:1', imageId: `sha256:${ID}`, digest: DIGEST }],
    });
  });

  it('that never ran has none', async () => {
    expect(await createContainers(scripted([list, {}]), 'docker').composeImages(file)).toEqual({
      type: 'services',
      services: [],
    });
  });

  it('is brought up without pulling', async () => {
    const argv = ['docker', 'compose', '--file', file, 'up', '--detach', '--pull', 'never', '--force-recreate'];
    const containers = createContainers(scripted([argv, {}]), 'docker');
    expect(await containers.composeUp(file, { pull: 'never', forceRecreate: true })).toEqual({ type: 'up' });
  });

  it('that is not pulled says why', async () => {
    const host = scripted([['docker', 'compose', '--file', file, 'pull', '--quiet'], refusal('denied')]);
    expect(await createContainers(host, 'docker').composePull(file)).toEqual({
      type: 'pull failed',
      message: 'denied',
    });
  });
});
