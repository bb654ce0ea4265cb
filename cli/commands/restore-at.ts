/** What `--at` takes, as both commands say it. */
export const RESTORE_AT =
  'the newest copy that is not younger: latest, 2026-11-20 or 2026-11-20T02:30, in UTC (default: latest)';
/** What `--in-place` does, as both commands say it. */
export const RESTORE_IN_PLACE =
  'in the place of the volume, whose guests are stopped meanwhile; what is there now is kept (asks first)';
