import { machineEnvironment } from './core/program.ts';

/** A real program that is to go on where the simulation's part of a command ends. */
export interface HandOver {
  path: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  root: string;
  cwd: string;
  remote: boolean;
}

/**
 * For the asker's shell: runs the program with the asker's own streams, takes the root folder out of what it prints, and
 * ends with its exit code. The shell's own remark on a killed program goes nowhere; what a signal ended remotely ends with ssh's 255.
 */
export function handOverScript({ path, argv, env, root, cwd, remote }: HandOver): string {
  const variables = Object.entries({ ...machineEnvironment(root), ...env }).map(([key, value]) =>
    quote(`${key}=${value}`),
  );
  const words = [path, ...argv.slice(1)].map(quote).join(' ');
  const run = `env -i ${variables.join(' ')} ${remote ? 'setsid --wait ' : ''}${words}`;
  const pattern = root.replace(/[\\.[\]*^$+?(){}|#&]/g, '\\$&');
  return `cd ${quote(cwd)} || exit 255
exec 7>&2 2>/dev/null
exec 6> >(exec sed -u 's#${pattern}/#/#g;s#${pattern}##g' 7>&-)
(exec 2>&7 7>&- >&6 6>&-; exec ${run})
code=$?
exec 6>&-
wait "$!"
${remote ? '[ "$code" -le 128 ] || code=255\n' : ''}exit "$code"
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
