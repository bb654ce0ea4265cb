import { BLOCK_DEVICES } from './host-programs.ts';
import type { Recorder } from './recorder.ts';

/** What is looked at before a host is installed anew, on one with a disk of a pool beside its own. Leaves it as it was. */
export async function recordDisks(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n3', note, argv);
  await on('disks, one of them of a pool', BLOCK_DEVICES);
  await on('labels of a disk of a pool', ['zdb', '-l', '/dev/vdb1']);
  await on('labels of a disk without', ['zdb', '-l', '/dev/vda']);
  await recordOldLabels(recorder);
}

/** Those of a pool that is no more, and of a spare, which names no pool. */
async function recordOldLabels(recorder: Recorder): Promise<void> {
  const files = ['/root/old.img', '/root/spare.img'];
  await recorder.run('n3', ['truncate', '-s', '80M', ...files]);
  await recorder.run('n3', ['zpool', 'create', '-m', 'none', 'old', files[0] ?? '', 'spare', files[1] ?? '']);
  await recorder.on('n3', 'labels of a spare', ['zdb', '-l', '/root/spare.img']);
  await recorder.run('n3', ['zpool', 'destroy', 'old']);
  await recorder.on('n3', 'labels of a pool that was destroyed', ['zdb', '-l', '/root/old.img']);
  await recorder.run('n3', ['rm', ...files]);
}
