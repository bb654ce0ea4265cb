/** The fleet as one quick look finds it, as `runbook status --live` shows it. */
export interface FleetGlance {
  members: MemberGlance[];
  /** Those that the fleet file declares. */
  guests: GuestGlance[];
  /** Why the cluster told nothing of its members and guests; their states are not known then. */
  problem?: string;
}

export interface MemberGlance {
  name: string;
  /** As Incus says: `Online`, `Offline`, `Evacuated`, … Absent where it was not told, or the cluster has no such member. */
  status?: string;
  /** What its own daemon says. */
  incusVersion?: string;
  /** Why it told no version. */
  problem?: string;
}

export interface GuestGlance {
  name: string;
  /** `Running`, `Stopped`, `Error` where its member is offline, … Absent where it was not told, or there is no such instance. */
  status?: string;
}
