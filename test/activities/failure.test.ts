import { describe, expect, it } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { guarded } from '../../activities/guard.ts';
import { HostError } from '../../hosts/host.ts';

/** What Temporal is told where an activity meets this. */
async function toldOf(error: HostError): Promise<string> {
  const failed: unknown = await new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
    .run(
      guarded(() => Promise.reject(error)),
      undefined,
    )
    .catch((thrown: unknown) => thrown);
  if (!(failed instanceof ApplicationFailure)) throw new Error(`Expected a failure, got ${String(failed)}`);
  return failed.message;
}

describe('the failure of a host', () => {
  it('says what ssh said only once', async () => {
    const said = 'ada@n1: Permission denied (publickey).';
    const message = `Could not use n1: it refused the login. ssh said: ${said}`;
    expect(await toldOf(new HostError('Refused', 'n1', message, { output: said }))).toBe(message);
  });

  it('tells the lines that its message left out', async () => {
    const message = 'The connection to n1 broke while zfs was running. Connection reset';
    const output = 'tank/a destroyed\r\n\nConnection reset\r\n';
    expect(await toldOf(new HostError('Unreachable', 'n1', message, { output }))).toBe(
      `${message} It said: tank/a destroyed`,
    );
  });

  it('tells the end of what a command printed that did not end', async () => {
    const output = `${'x'.repeat(600)}\nstill copying`;
    const told = await toldOf(new HostError('TimedOut', 'n1', 'cp on n1 did not end within 5 ms.', { output }));
    expect(told).toMatch(/^cp on n1 did not end within 5 ms[.] It said: x+\nstill copying$/);
    expect(told.length).toBeLessThan(560);
  });
});
