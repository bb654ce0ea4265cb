import { createHash } from 'node:crypto';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { startDaemon } from './daemon.ts';
import { switchOf } from './network.ts';
import { REGISTRY, registryAddress } from './nodes.ts';
import { shipped } from './paths.ts';
import type { RunRecord } from './run-record.ts';
import { check, until } from './shell.ts';

const stateOf = (record: RunRecord): string => join(record.folder, 'registry');
const urlOf = (record: RunRecord): string => `http://${registryAddress(record.number)}`;

/** Starts Debian's docker-registry in the lab's network, as `10.89.0.2:5000`, and waits until it answers. */
export async function startRegistry(record: RunRecord): Promise<void> {
  const state = stateOf(record);
  await mkdir(join(state, 'data'), { recursive: true });
  const config = {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: join(state, 'data') } },
    http: { addr: ':5000' },
  };
  await writeFile(join(state, 'config.yml'), JSON.stringify(config));
  const enter = [shipped('control', 'enter.sh'), record.rootfs, state, '/usr/bin'];
  const serve = ['docker-registry', 'serve', join(state, 'config.yml')];
  await startDaemon(record, ['ip', 'netns', 'exec', switchOf(record), ...enter, ...serve], { log: join(state, 'log') });
  await until(
    'the registry',
    async () => {
      const answer = await fetch(`${urlOf(record)}/v2/`, { signal: AbortSignal.timeout(2000) }).catch(
        (error: unknown) => String(error),
      );
      return typeof answer !== 'string' && answer.ok ? { value: undefined } : { not: `see ${join(state, 'log')}` };
    },
    { timeoutMs: 20_000 },
  );
}

interface Blob {
  mediaType: string;
  digest: string;
  size: number;
}
const digestOf = (content: Uint8Array): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

async function expectOk(answer: Response): Promise<Response> {
  if (!answer.ok) throw new Error(`registry: ${answer.url}: status ${answer.status}: ${await answer.text()}`);
  return answer;
}

/** Uploads a blob in one piece (OCI distribution specification 1.1, "Pushing blobs"). */
async function upload(base: string, mediaType: string, content: Uint8Array): Promise<Blob> {
  const digest = digestOf(content);
  const begun = await expectOk(await fetch(`${base}/blobs/uploads/`, { method: 'POST' }));
  const location = new URL(begun.headers.get('location') ?? '', base);
  location.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  await expectOk(await fetch(location, { method: 'PUT', body: content, headers }));
  return { mediaType, digest, size: content.length };
}

async function releaseLayer(release: string): Promise<Buffer> {
  const work = await mkdtemp(join(tmpdir(), 'lab-web-'));
  try {
    await mkdir(join(work, 'srv'));
    await writeFile(join(work, 'srv', 'release'), release);
    const tar = join(work, 'layer.tar');
    const owner = ['--numeric-owner', '--owner=0', '--group=0', '--mtime=@0'];
    await check(['tar', '-C', work, ...owner, '-cf', tar, 'srv']);
    return await readFile(tar);
  } finally {
    await rm(work, { recursive: true });
  }
}

export interface WebRelease {
  version: string;
  healthy: boolean;
}

/**
 * Pushes `web:latest` anew: its page says this version, with status 200 or 500.
 * The same release is the same digest. Returns the digest of the manifest.
 */
export async function publishWeb(record: RunRecord, baseLayer: string, release: WebRelease): Promise<string> {
  if (!/^[\w.-]+$/.test(release.version))
    throw new Error(`Expected a version to match [\\w.-]+, got ${release.version}`);
  const base = `${urlOf(record)}/v2/web`;
  const image = `${REGISTRY}/web:latest`;
  const tars = [
    await readFile(baseLayer),
    await releaseLayer(`VERSION=${release.version}\nHEALTHY=${release.healthy}\nIMAGE=${image}\n`),
  ];
  const layers: Blob[] = [];
  for (const tar of tars)
    layers.push(await upload(base, 'application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(tar, { level: 1 })));
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      Cmd: ['/bin/busybox', 'httpd', '-f', '-p', '8081', '-h', '/srv/www'],
      // The first process of a container ignores a TERM that it does not handle.
      StopSignal: 'SIGKILL',
      Labels: { 'org.opencontainers.image.version': release.version },
    },
    rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
  };
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: await upload(base, 'application/vnd.oci.image.config.v1+json', Buffer.from(JSON.stringify(config))),
    layers,
  });
  const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
  await expectOk(await fetch(`${base}/manifests/latest`, { method: 'PUT', headers, body: manifest }));
  return digestOf(Buffer.from(manifest));
}
