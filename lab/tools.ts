import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { provide } from './cache.ts';
import { cacheFolder } from './paths.ts';
import { onPath } from './requirements.ts';
import { check } from './shell.ts';

/** Programs of the control side that Debian lacks, from the Go proxy: the newest versions that `go install` takes and verifies. */
const TOOLS = [
  // Of 3.13.0 a module does not verify.
  { name: 'sops', module: 'github.com/getsops/sops/v3/cmd/sops', version: 'v3.12.2' },
  // Later ones replace modules of their own, which `go install` refuses.
  { name: 'terraform', module: 'github.com/hashicorp/terraform', version: 'v1.5.7' },
];

type Name = 'sops' | 'terraform';

/** Puts `sops` and `terraform`, or one of them, into a folder of programs; the first time they are built (minutes). Idempotent. */
export async function installTools(bin: string, progress: (line: string) => void, only?: Name): Promise<void> {
  for (const { name, path } of await provideTools(progress, only)) {
    await rm(join(bin, name), { force: true });
    await symlink(path, join(bin, name));
  }
}

/** Where they are; built where they are missing. */
export async function provideTools(
  progress: (line: string) => void,
  only?: Name,
): Promise<{ name: string; path: string }[]> {
  const provided: { name: string; path: string }[] = [];
  for (const { name, module, version } of TOOLS.filter((tool) => only === undefined || tool.name === only)) {
    const build = async (folder: string): Promise<void> => {
      if (!onPath('go')) throw new Error(`${name} is built with Go 1.24 or newer, and there is no \`go\` in PATH`);
      progress(`${name}: go install ${module}@${version} (minutes)`);
      const env = { GOBIN: join(folder, 'bin'), CGO_ENABLED: '0' };
      await check(['go', 'install', '-trimpath', `${module}@${version}`], { env });
    };
    const part = { name, inputs: { keys: [module, version], files: [] }, proof: [join('bin', name)], build };
    provided.push({ name, path: join(await provide(cacheFolder(), part, progress), 'bin', name) });
  }
  return provided;
}
