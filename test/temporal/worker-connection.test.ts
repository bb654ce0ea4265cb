import { describe, expect, it } from '@jest/globals';
import { connectWorker } from '../../workers/connection.ts';

describe('a worker without a server', () => {
  it('says why in plain words', async () => {
    await expect(
      connectWorker({ TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_CONFIG_FILE: '/nowhere' }),
    ).rejects.toMatchObject({
      type: 'unreachable',
      message: 'Temporal does not answer at 127.0.0.1:1.',
      cause: { message: 'Connection refused' },
    });
  });
});
