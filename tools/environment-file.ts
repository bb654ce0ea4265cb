/**
 * Gives a program the variables of a file, which no argument and no variable of ours ever holds. The file is read, not run:
 * what it says can only be a value. No line of it is ever printed. Ends with 78 where it is not as it has to be.
 * `$1` the file; then the command.
 */
const WITH_ENVIRONMENT = `file=$1; shift
fail() { printf 'runbook: %s %s\\n' "$file" "$1" >&2; exit 78; }
[ -r "$file" ] || fail 'cannot be read'
case $(stat -L -c %a -- "$file") in *00) ;; *) fail 'can be read by others than its owner: chmod 600' ;; esac
while IFS= read -r line || [ -n "$line" ]; do
case $line in ''|'#'*) continue ;; esac
name=\${line%%=*} value=\${line#*=}
case $name in ''|"$line"|[0-9]*|*[!A-Za-z0-9_]*) fail 'has a line that is no NAME=value' ;; esac
case $value in \\"*\\") value=\${value#?}; value=\${value%?} ;; \\'*\\') value=\${value#?}; value=\${value%?} ;; esac
export "$name=$value"
done <"$file"
exec "$@"`;

/** The command, with the variables of a file that only its owner can read: lines `NAME=value`. */
export const withEnvironment = (file: string, argv: readonly string[]): string[] => [
  'sh',
  '-c',
  WITH_ENVIRONMENT,
  'sh',
  file,
  ...argv,
];
