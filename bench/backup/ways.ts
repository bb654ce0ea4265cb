/** One way to bring `tank/to/NAME/*` on another host up to the newest snapshots of `tank/from/*`. */
export interface Way {
  name: string;
  /** What a person would run on the sender; a shell script. Absent: runbook itself. */
  script?: (at: { receiver: string; datasets: readonly string[]; base?: string; to: string }) => string;
}

export const FROM = 'tank/from';
export const placeOf = (way: Way): string => `tank/to-${way.name.replaceAll(/[^a-z]/g, '')}`;

/** Each sends what it is to send without asking more of its user, uncompressed on the wire: what is sent is random. */
export const WAYS: readonly Way[] = [
  {
    name: 'bare pipe',
    script: ({ receiver, datasets, base, to }) =>
      datasets
        .map((name) => {
          const from = base === undefined ? '' : `-i @${base} `;
          return `zfs send -Lc ${from}${FROM}/${name}@${to} | ssh ${receiver} zfs receive -u tank/to-barepipe/${name}`;
        })
        .join('\n'),
  },
  { name: 'runbook' },
  {
    name: 'syncoid',
    script: ({ receiver }) =>
      `syncoid --quiet --recursive --skip-parent --no-sync-snap --compress=none --sendoptions=Lc --recvoptions=u ${FROM} ${receiver}:tank/to-syncoid`,
  },
  {
    name: 'zfs-autobackup',
    script: ({ receiver }) =>
      `zfs set autobackup:bench=child ${FROM}
      /opt/peers/bin/zfs-autobackup --ssh-target ${receiver} --no-snapshot --other-snapshots --strip-path 2 bench tank/to-zfsautobackup`,
  },
  {
    name: 'bzfs',
    script: ({ receiver }) => `/opt/peers/bin/bzfs ${FROM} ${receiver}:tank/to-bzfs --recursive --skip-parent --quiet`,
  },
];
