/** A fleet that the demonstration may upgrade and harm. */
export interface Stage {
  /** Its monorepo, with runbook.yaml. */
  repo: string;
  /** The member that is upgraded. */
  node: string;
  /** First in PATH of the worker. */
  binDir: string;
  /** One line about what it is. */
  introduction: string;
  /** Commits a release that is fine. */
  releaseGood: () => Promise<void>;
  /** Commits one that deploys and leaves a service unhealthy. */
  releaseBad: () => Promise<void>;
  /** Ends every process of it. Idempotent. */
  end: () => Promise<void>;
}
