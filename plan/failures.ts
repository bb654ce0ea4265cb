/** The one table of what can go wrong: whether trying again can help, and what a person should do. */

export interface FailureKind {
  retryable: boolean;
  whatToDo: string;
}

export const FAILURES = {
  Unreachable: {
    retryable: true,
    whatToDo: 'The run goes on by itself when the host answers again. See whether it is powered on and on the network.',
  },
  TimedOut: { retryable: true, whatToDo: 'Look at the host: the command did not end in its time. It is tried again.' },
  Interrupted: { retryable: true, whatToDo: 'Something ended the command from outside. It is tried again.' },
  Busy: { retryable: true, whatToDo: 'Something else works on it. The run goes on by itself when that has ended.' },
  NoQuorum: {
    retryable: true,
    whatToDo:
      'More than half of the cluster members have to be reachable. Bring members back; the run goes on by itself.',
  },
  Refused: {
    retryable: false,
    whatToDo: 'Correct the ssh key or the host key (runbook doctor says which), then runbook retry.',
  },
  NotRun: {
    retryable: false,
    whatToDo: 'Mend what the message names there (a program that is missing, a full disk), then runbook retry.',
  },
  BadConfig: { retryable: false, whatToDo: 'Correct runbook.yaml or the flake, commit, and start again.' },
  BuildFailed: { retryable: false, whatToDo: 'Build the system by hand with nix build to see the whole log.' },
  NotFound: { retryable: false, whatToDo: 'Compare runbook.yaml with what is there: incus list.' },
  CopyFailed: {
    retryable: false,
    whatToDo:
      'The new system could not be copied; nothing was activated. Free space there, or mend what the message names.',
  },
  ActivationFailed: {
    retryable: false,
    whatToDo: 'The new system could not be activated. journalctl on the host says why; correct the configuration.',
  },
  InstallFailed: {
    retryable: false,
    whatToDo: 'See what the command said. Mend that, boot the host from the installer, and start it again.',
  },
  MagicRollback: {
    retryable: false,
    whatToDo: 'The new system cut the connection, so the host went back by itself. Look at its network and firewall.',
  },
  PullFailed: {
    retryable: false,
    whatToDo: 'See whether the registry answers and has the image; pull it by hand in the guest to see its words.',
  },
  RestartFailed: { retryable: false, whatToDo: 'journalctl -u of that unit, on the machine, says why.' },
  WrongKey: {
    retryable: false,
    whatToDo:
      'Let identity.identityFile name the private key of one of the recipients at the time of the copy, or decrypt it by hand.',
  },
  Damaged: { retryable: false, whatToDo: 'Take another copy: the same of another place, or an older one.' },
  BranchMoved: {
    retryable: false,
    whatToDo:
      'Somebody has pushed meanwhile. Pull, see that the rules of SOPS are as they should be, and start it again.',
  },
  PushRefused: {
    retryable: false,
    whatToDo:
      'A hook or a protected branch of the remote refuses it. Let the worker’s key push there, or name another branch in secrets.push, and start it again.',
  },
  NotReencrypted: {
    retryable: false,
    whatToDo: 'runbook secrets status shows recipients and rules of each file. Mend what differs, and start it again.',
  },
  Unhealthy: {
    retryable: false,
    whatToDo: 'Look at the failing probe on the machine, correct the release, start again.',
  },
  Unexpected: {
    retryable: false,
    whatToDo: 'The tool answered something that runbook does not know. Do what it says by hand, then runbook retry.',
  },
  Diverged: {
    retryable: false,
    whatToDo:
      'Nothing is sent or destroyed. runbook backups resolve --volume VOLUME --target HOST shows what only the replica has, and keeps it aside or rolls it back.',
  },
  NoBase: {
    retryable: false,
    whatToDo:
      'Until a person decides it stays as it is: runbook backups resolve --volume VOLUME --target HOST keeps it aside, and the next run begins a new one.',
  },
  ReplicaModified: {
    retryable: false,
    whatToDo:
      'See what was written there. runbook backups resolve --volume VOLUME --target HOST keeps it aside, or with --roll-back loses what was written; then copies go on.',
  },
  SendModeChanged: {
    retryable: false,
    whatToDo:
      'A replica goes on as it was begun. runbook backups resolve --volume VOLUME --target HOST keeps it aside, and the next run begins a new one.',
  },
  KeyNotLoaded: {
    retryable: false,
    whatToDo: 'Load it on that host (zfs load-key), then runbook retry. A raw copy of an encrypted dataset needs none.',
  },
  NoSpace: {
    retryable: false,
    whatToDo:
      'Free space on that pool or raise the quota; what has arrived is kept, and the next run goes on from there.',
  },
  HookFailed: {
    retryable: false,
    whatToDo: 'Run the command in the guest by hand, correct it there or in runbook.yaml, and start again.',
  },
  NotProvable: {
    retryable: false,
    whatToDo: 'The message says what a drill lacks here. Restore it by hand now and then, or mend that.',
  },
  CheckFailed: {
    retryable: false,
    whatToDo:
      'The copy is as its source was, and the check of the fleet file (drill.check) is not content with it: see what it says, and whether the source passes it.',
  },
  NothingToSend: {
    retryable: false,
    whatToDo: 'See why this run made no snapshot of it: incus storage volume snapshot list.',
  },
  ParentMissing: {
    retryable: false,
    whatToDo: 'Mend what is in the way of its parent first; this one follows by itself.',
  },
  NothingSelected: {
    retryable: false,
    whatToDo:
      'Correct the entry of backups in runbook.yaml, or the name or the label of the volume, and start again. A backup of nothing is none.',
  },
  TerraformFailed: {
    retryable: false,
    whatToDo: 'Correct what it names, commit, and start again: it plans what is missing and asks again.',
  },
  StateLocked: {
    retryable: false,
    whatToDo:
      'Ask who holds it. Where nobody works on it any more, take the lock away by its id (terraform force-unlock, in that folder), then start again.',
  },
  StateNotSaved: {
    retryable: false,
    whatToDo:
      'Before anything else is applied there: push the file by hand (terraform state push, in that folder). Without it Terraform does not know what it made.',
  },
  Drifted: {
    retryable: false,
    whatToDo: 'Each row says what to do: either what is there is made as declared, or what is right is declared.',
  },
  NotSeen: {
    retryable: false,
    whatToDo: 'Each row says why. Mend that, and look again: nothing is known of it until then.',
  },
  NotApproved: { retryable: false, whatToDo: 'Start it again when it may go on.' },
  Cancelled: { retryable: false, whatToDo: 'Start it again when it may go on.' },
  GateRefused: { retryable: false, whatToDo: 'Mend what the gates name, then start again.' },
} as const satisfies Record<string, FailureKind>;

export type FailureType = keyof typeof FAILURES;

export function isFailureType(type: string | null | undefined): type is FailureType {
  return type !== null && type !== undefined && Object.hasOwn(FAILURES, type);
}

/** Types of ApplicationFailure after which Temporal must not try again. */
export const NON_RETRYABLE: FailureType[] = (Object.keys(FAILURES) as FailureType[]).filter(
  (type) => !FAILURES[type].retryable,
);
