/**
 * Command lines of the product whose scenario is written and was not recorded yet, by their shape: which scenario that is. It
 * fails where one has been recorded since.
 */
export const NOT_RECORDED: Readonly<Record<string, string>> = {
  'zfs rollback …': 'lab/record/replication.ts, “a rollback”: it needs virtual hosts',
  'zfs inherit …': 'lab/record/rejoin.ts, “a property is cleared”: it needs virtual hosts',
  'zfs list -H -p -r -t snapshot -o name,referenced …':
    'lab/record/replication.ts, “their sizes”: it needs virtual hosts',
};
