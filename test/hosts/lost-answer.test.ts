import { describe, expect, it } from '@jest/globals';
import { createJobs } from '../../hosts/jobs.ts';
import { SILENT } from '../../hosts/logger.ts';

describe('a job whose answer was lost on its way', () => {
  const answer = { exitCode: 0, stdout: '', stderr: '', durationMs: 1, truncated: false };
  const host = { name: 'guest', run: () => Promise.resolve(answer) };
  const jobs = createJobs(host, { stateDir: '/var/lib/runbook', launcher: 'systemd', logger: SILENT });

  it('is neither absent nor broken: trying again helps', async () => {
    const lost = { type: 'Unreachable', message: expect.stringContaining('the answer was lost') };
    await expect(jobs.status('a-job')).rejects.toMatchObject(lost);
    await expect(jobs.start({ name: 'a-job', argv: ['true'], timeoutMs: 1000 })).rejects.toMatchObject(lost);
  });
});
