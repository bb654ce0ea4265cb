import { createLocalHost } from '../hosts/local.ts';
import { createGit } from '../tools/git.ts';

export type CommittedFile = { type: 'file'; content: string } | { type: 'unreadable'; why: string };

/** A file as it is in a commit, whatever the work tree holds. `path`: from the repository's root. Changes nothing. */
export async function readCommittedFile(root: string, revision: string, path: string): Promise<CommittedFile> {
  const host = createLocalHost({ stateDir: root });
  try {
    const file = await createGit(host).readFileAt(root, revision, path);
    if (file.type === 'file') return file;
    return { type: 'unreadable', why: file.type === 'not found' ? file.what : file.output };
  } catch (error) {
    return { type: 'unreadable', why: error instanceof Error ? error.message : String(error) };
  }
}
