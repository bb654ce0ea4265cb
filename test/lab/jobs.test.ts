import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from '@jest/globals';
import { createSshHost } from '../../hosts/ssh.ts';
import type { Host } from '../../hosts/host.ts';
import { describeJobs } from '../hosts/jobs-contract.ts';
import { aLab } from './a-lab.ts';

const lab = aLab();

describe('on a host with systemd', () => {
  const folders: string[] = [];
  const newFolder = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'rb-'));
    folders.push(folder);
    return folder;
  };
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  const connect = (name: string): Host =>
    createSshHost({
      name,
      address: lab().address('n1'),
      user: 'root',
      port: 22,
      identityFile: lab().identityFile,
      hostKey: lab().facts.hostKeys['n1'] ?? '',
      controlDir: newFolder(),
    });

  describeJobs(() => Promise.resolve({ host: connect('n1'), another: connect('n1-again'), folder: '/root' }));
});
