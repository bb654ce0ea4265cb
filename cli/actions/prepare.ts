import type {
  BackupsResolveInput,
  ClusterBootstrapInput,
  ClusterUpgradeInput,
  DriftInput,
  IdentityBackupInput,
  InfraApplyInput,
  MemberRemoveInput,
  NightlyBackupInput,
  NodeReinstallInput,
  NodeRejoinInput,
  QuorumRecoverInput,
  ReleaseKeptInput,
  RestoreInput,
  RestoreFilesInput,
  RotateKeysInput,
  SafeUpgradeAllInput,
  SafeUpgradeInput,
  VmRecreateInput,
} from '../../workflows/messages.ts';
import type { Fleet } from '../../fleet/schema.ts';
import { helpForName } from '../../fleet/suggest.ts';
import { quote } from '../../fleet/visible.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { loadRepository, requireGuest, requireMember, requireNode } from '../repository.ts';
import { actorOf } from '../temporal/identity.ts';

export interface SafeUpgradeOptions {
  node?: string;
  all?: true;
  allowOffline?: string[];
  allowOrchestrator?: true;
}

/** What is started: the workflow's type, what its id is made of, and its input. */
export interface Start {
  workflowType:
    | 'safeUpgrade'
    | 'safeUpgradeAll'
    | 'clusterUpgrade'
    | 'clusterBootstrap'
    | 'identityBackup'
    | 'nightlyBackup'
    | 'drift'
    | 'infraApply'
    | 'infraApplyAll'
    | 'memberRemove'
    | 'nodeReinstall'
    | 'nodeRejoin'
    | 'quorumRecover'
    | 'releaseKept'
    | 'backupsResolve'
    | 'restoreDrill'
    | 'restore'
    | 'restoreFiles'
    | 'rotateKeys'
    | 'vmRecreate';
  runbook: string;
  subject: string;
  input:
    | SafeUpgradeInput
    | SafeUpgradeAllInput
    | ClusterUpgradeInput
    | IdentityBackupInput
    | DriftInput
    | NightlyBackupInput
    | InfraApplyInput
    | MemberRemoveInput
    | NodeRejoinInput
    | QuorumRecoverInput
    | ReleaseKeptInput
    | BackupsResolveInput
    | RestoreInput
    | RestoreFilesInput
    | RotateKeysInput
    | VmRecreateInput;
  revision: string;
  branch: string | undefined;
}

/** Reads the monorepo's commit and turns what was typed into a workflow's input. Throws CliError for what is wrong with either. */
export async function prepareSafeUpgrade(
  context: CommandContext,
  options: SafeUpgradeOptions,
  planOnly: boolean,
): Promise<Start> {
  const { node, all } = options;
  if ((node === undefined) === (all === undefined))
    throw new CliError('wrong usage', 'Expected --node NAME or --all, got neither.', {
      suggestions: [{ command: 'runbook status', purpose: 'see the members and guests' }],
    });
  const { fleet, revision, branch } = await loadRepository(context);
  for (const name of options.allowOffline ?? []) requireNode(fleet, name);
  const common: SafeUpgradeAllInput = {
    fleet: { revision },
    actor: actorOf(context.io.env),
    allowOffline: options.allowOffline ?? [],
    allowOrchestrator: options.allowOrchestrator === true,
    planOnly,
  };
  if (node === undefined)
    return { workflowType: 'safeUpgradeAll', runbook: 'safe-upgrade', subject: 'all', input: common, revision, branch };
  requireNode(fleet, node);
  return {
    workflowType: 'safeUpgrade',
    runbook: 'safe-upgrade',
    subject: node,
    input: { ...common, node },
    revision,
    branch,
  };
}

/** The same for the phase of all members at once. */
export async function prepareClusterUpgrade(context: CommandContext, planOnly: boolean): Promise<Start> {
  const { revision, branch } = await loadRepository(context);
  const input: ClusterUpgradeInput = { fleet: { revision }, actor: actorOf(context.io.env), planOnly };
  return { workflowType: 'clusterUpgrade', runbook: 'cluster-upgrade', subject: 'all', input, revision, branch };
}

export async function prepareClusterBootstrap(context: CommandContext, planOnly: boolean): Promise<Start> {
  const { fleet, revision, branch } = await loadRepository(context);
  requireCluster(fleet, revision, 'which pools, networks, profiles and groups the cluster is formed with');
  const input: ClusterBootstrapInput = { fleet: { revision }, actor: actorOf(context.io.env), planOnly };
  return { workflowType: 'clusterBootstrap', runbook: 'cluster-bootstrap', subject: 'all', input, revision, branch };
}

export const prepareMemberRemove = (
  context: CommandContext,
  { node }: { node: string },
  planOnly: boolean,
): Promise<Start> =>
  prepareOfMember(context, node, planOnly, { workflowType: 'memberRemove', runbook: 'member-remove' });

export const prepareQuorumRecover = (
  context: CommandContext,
  { node }: { node: string },
  planOnly: boolean,
): Promise<Start> =>
  prepareOfMember(context, node, planOnly, { workflowType: 'quorumRecover', runbook: 'quorum-recover' });

async function prepareOfMember(
  context: CommandContext,
  member: string,
  planOnly: boolean,
  workflow: Pick<Start, 'workflowType' | 'runbook'>,
): Promise<Start> {
  const { fleet, revision, branch } = await loadRepository(context);
  requireMember(fleet, member);
  const input: MemberRemoveInput & QuorumRecoverInput = {
    ...{ fleet: { revision }, actor: actorOf(context.io.env), planOnly, member },
  };
  return { ...workflow, subject: member, input, revision, branch };
}

/** As ZFS and folders are named: nothing that a shell, or either of them, would take for something else. */
const KEPT_NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]*(?:\/[A-Za-z0-9._:-]+)*$/;

export async function prepareReleaseKept(
  context: CommandContext,
  name: string,
  { node }: { node: string },
): Promise<Start> {
  if (!KEPT_NAME.test(name))
    throw new CliError('wrong usage', `Expected what is kept, like tank/incus.old, got ${JSON.stringify(name)}.`, {
      suggestions: [{ command: 'runbook list-kept', purpose: 'see what is kept' }],
    });
  const { fleet, revision, branch } = await loadRepository(context);
  if (!Object.hasOwn(fleet.backupHosts, node)) requireMember(fleet, node);
  const input: ReleaseKeptInput = { fleet: { revision }, actor: actorOf(context.io.env), member: node, name };
  return { workflowType: 'releaseKept', runbook: 'release-kept', subject: node, input, revision, branch };
}

export interface ResolveOptions {
  volume: string;
  target: string;
  dataset?: string;
  rollBack?: true;
}

export async function prepareBackupsResolve(
  context: CommandContext,
  { volume, target, dataset, rollBack }: ResolveOptions,
): Promise<Start> {
  const { fleet, revision, branch } = await loadRepository(context);
  const places = Object.values(fleet.backups).flatMap(({ to }) => to.filter((each) => each.type === 'zfs'));
  const hosts = [...new Set(places.map(({ member }) => member))];
  if (!hosts.includes(target))
    throw new CliError(
      'wrong usage',
      `Expected a host that has replicas, got ${quote(target)}. ${helpForName(target, hosts, 'hosts')}`,
    );
  const input: BackupsResolveInput = {
    ...{ fleet: { revision }, actor: actorOf(context.io.env), volume, target },
    ...(dataset === undefined ? {} : { dataset }),
    way: rollBack === true ? 'roll back' : 'keep aside',
  };
  return { workflowType: 'backupsResolve', runbook: 'backups-resolve', subject: target, input, revision, branch };
}

export async function prepareNodeRejoin(
  context: CommandContext,
  { node, anew }: { node: string; anew?: true },
  planOnly: boolean,
): Promise<Start> {
  const { fleet, revision, branch } = await loadRepository(context);
  requireMember(fleet, node);
  requireCluster(fleet, revision, 'which pools a member has, and where');
  const input: NodeRejoinInput = {
    ...{ fleet: { revision }, actor: actorOf(context.io.env), planOnly, node },
    anew: anew === true,
  };
  return { workflowType: 'nodeRejoin', runbook: 'node-rejoin', subject: node, input, revision, branch };
}

export interface VmRecreateOptions {
  guest: string;
  keepOld: string;
}

export async function prepareVmRecreate(
  context: CommandContext,
  { guest, keepOld }: VmRecreateOptions,
  planOnly: boolean,
): Promise<Start> {
  if (!/^\d{1,5}[smhd]$/.test(keepOld))
    throw new CliError('wrong usage', `--keep-old: expected a duration like 7d or 36h, or 0s, got ${quote(keepOld)}.`);
  const { fleet, revision, branch } = await loadRepository(context);
  requireGuest(fleet, guest);
  const input: VmRecreateInput = {
    ...{ fleet: { revision }, actor: actorOf(context.io.env), planOnly, guest },
    // `0d` is no time either.
    keepOld: /^0+[smhd]$/.test(keepOld) ? '0s' : keepOld,
  };
  return { workflowType: 'vmRecreate', runbook: 'vm-recreate', subject: guest, input, revision, branch };
}

export async function prepareRotateKeys(
  context: CommandContext,
  { guest }: { guest: string },
  planOnly: boolean,
): Promise<Start> {
  const { fleet, revision, branch } = await loadRepository(context);
  requireGuest(fleet, guest);
  const input: RotateKeysInput = { fleet: { revision }, actor: actorOf(context.io.env), planOnly, guest };
  return { workflowType: 'rotateKeys', runbook: 'rotate-keys', subject: guest, input, revision, branch };
}

export async function prepareIdentityBackup(
  context: CommandContext,
  { node }: { node?: string },
  planOnly: boolean,
): Promise<Start> {
  const { fleet, revision, branch } = await loadRepository(context);
  if (node !== undefined) requireMember(fleet, node);
  if (fleet.identity === undefined)
    throw new CliError(
      'wrong config',
      `Expected a section identity in runbook.yaml of commit ${revision.slice(0, 7)}, got none.`,
      { description: ['It says who can decrypt the copies: docs/configuration.md.'] },
    );
  const input: IdentityBackupInput = {
    ...{ fleet: { revision }, actor: actorOf(context.io.env), planOnly },
    ...(node === undefined ? {} : { node }),
  };
  const subject = node ?? 'all';
  return { workflowType: 'identityBackup', runbook: 'identity-backup', subject, input, revision, branch };
}

export async function prepareNightlyBackup(
  context: CommandContext,
  options: { backup?: string },
  planOnly: boolean,
): Promise<Start> {
  return { workflowType: 'nightlyBackup', runbook: 'nightly-backup', ...(await ofBackups(context, options, planOnly)) };
}

export async function prepareRestoreDrill(
  context: CommandContext,
  options: { backup?: string },
  planOnly: boolean,
): Promise<Start> {
  return { workflowType: 'restoreDrill', runbook: 'restore-drill', ...(await ofBackups(context, options, planOnly)) };
}

/** Of every entry of `backups`, or of one. */
async function ofBackups(
  context: CommandContext,
  { backup }: { backup?: string },
  planOnly: boolean,
): Promise<Omit<Start, 'workflowType' | 'runbook'>> {
  const { fleet, revision, branch } = await loadRepository(context);
  const known = Object.keys(fleet.backups);
  if (known.length === 0)
    throw new CliError(
      'wrong config',
      `Expected a section backups in runbook.yaml of commit ${revision.slice(0, 7)}, got none.`,
      { description: ['It says which volumes are copied where: docs/configuration.md.'] },
    );
  if (backup !== undefined && !known.includes(backup))
    throw new CliError(
      'wrong usage',
      `Expected the name of a backup, got ${quote(backup)}. ${helpForName(backup, known, 'backups')}`,
    );
  const input: NightlyBackupInput = {
    ...{ fleet: { revision }, actor: actorOf(context.io.env), planOnly },
    ...(backup === undefined ? {} : { backup }),
  };
  return { subject: backup ?? 'all', input, revision, branch };
}

export async function prepareInfraApply(
  context: CommandContext,
  { node, all }: { node?: string; all?: true },
  planOnly: boolean,
): Promise<Start> {
  if ((node === undefined) === (all === undefined))
    throw new CliError('wrong usage', 'Expected --node NAME or --all, got neither.', {
      suggestions: [{ command: 'runbook status', purpose: 'see the members' }],
    });
  const { fleet, revision, branch } = await loadRepository(context);
  if (fleet.infra === undefined)
    throw new CliError(
      'wrong config',
      `Expected a section infra in runbook.yaml of commit ${revision.slice(0, 7)}, got none.`,
      { description: ['It says where the states of Terraform are: docs/configuration.md.'] },
    );
  const common: ClusterUpgradeInput = { fleet: { revision }, actor: actorOf(context.io.env), planOnly };
  if (node === undefined)
    return { workflowType: 'infraApplyAll', runbook: 'infra-apply', subject: 'all', input: common, revision, branch };
  requireMember(fleet, node);
  const input: InfraApplyInput = { ...common, node };
  return { workflowType: 'infraApply', runbook: 'infra-apply', subject: node, input, revision, branch };
}

export async function prepareDrift(context: CommandContext, { node }: { node?: string }): Promise<Start> {
  const { fleet, revision, branch } = await loadRepository(context);
  if (node !== undefined) requireNode(fleet, node);
  const input: DriftInput = {
    ...{ fleet: { revision }, actor: actorOf(context.io.env) },
    ...(node === undefined ? {} : { node }),
  };
  return { workflowType: 'drift', runbook: 'drift', subject: node ?? 'all', input, revision, branch };
}

export async function prepareNodeReinstall(
  context: CommandContext,
  { node }: { node: string },
  planOnly: boolean,
): Promise<Start> {
  const { fleet, revision, branch } = await loadRepository(context);
  requireMember(fleet, node);
  requireCluster(fleet, revision, 'which pools must not be erased');
  const input: NodeReinstallInput = { fleet: { revision }, actor: actorOf(context.io.env), planOnly, node };
  return { workflowType: 'nodeReinstall', runbook: 'node-reinstall', subject: node, input, revision, branch };
}

function requireCluster(fleet: Fleet, revision: string, what: string): void {
  if (fleet.cluster !== undefined) return;
  throw new CliError(
    'wrong config',
    `Expected a section cluster in runbook.yaml of commit ${revision.slice(0, 7)}, got none.`,
    { description: [`It says ${what}: docs/configuration.md.`] },
  );
}
