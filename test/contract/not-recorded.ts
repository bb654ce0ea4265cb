/**
 * Command lines of the product whose scenario is written and was not recorded yet, by their shape: which scenario that is. It
 * fails where one has been recorded since.
 */
export const NOT_RECORDED: Readonly<Record<string, string>> = {
  'incus init --quiet --project --target … --vm --profile …': 'lab/record/incus-recreate.ts',
  'incus config edit --project …': 'lab/record/incus-recreate.ts',
  'incus query -X POST --wait -d {name} /1.0/instances/…?project=…': 'lab/record/incus-recreate.ts',
  'incus query -X DELETE --wait /1.0/instances/…?project=…': 'lab/record/incus-recreate.ts',
  'incus query /1.0/instances/…?project=…': 'lab/record/incus-recreate.ts',
  'zfs rollback …': 'lab/record/replication.ts, “a rollback”: it needs virtual hosts',
};
