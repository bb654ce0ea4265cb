import { countsOf, detailOf, shortHash, type PlannedInfra } from './infra.ts';
import { gateWords, type GateOf } from './gate-words.ts';
import type { OldGuest, RecreateScope } from './recreate.ts';
import type { StepView } from './run.ts';

/** What the fleet file says of a guest that Terraform makes. */
export interface TerraformOrigin {
  /** `incus_instance.edge-vm` */
  address: string;
  /** `infra/incus/elitedesk-1` */
  folder: string;
  /** `terraform` or `tofu`, as people type it. */
  program: string;
  /** Whether a target has to be declared: the cluster has other members. */
  needsTarget: boolean;
}

/** What Terraform would do if it did not know the old one any more. Its hash is also that of the plan that is applied later. */
export interface PlannedCreation extends PlannedInfra {
  /** Whether its state has the address now. */
  inState: boolean;
  /** Whether runbook can write that state again as it is. */
  isWritable: boolean;
  /** Of an `incus_instance`: what the folder says of it. */
  declared?: {
    name: string;
    target: string;
    project: string;
    type: string;
    /** As Terraform calls the server; empty: the one that its provider takes. */
    remote: string;
    ephemeral: boolean;
  };
  /** What the state says of the old one. */
  known?: { name: string; project: string; remote: string };
  /** Of the values that are sensitive, keyed: by it can be told whether one has changed. */
  sensitive?: string;
}

const { passed, refused } = gateWords<'terraform'>();

/** Nothing but the one creation may be applied. Pure. */
export function terraformGate(
  scope: Pick<RecreateScope, 'guest' | 'member' | 'project' | 'type'>,
  { address, folder, program, needsTarget }: TerraformOrigin,
  creation: PlannedCreation,
  old: OldGuest,
): GateOf<'terraform'> {
  const { guest, member } = scope;
  const { changes, outputs, declared, inState, isWritable } = creation;
  const others = changes.filter((change) => change.address !== address);
  const own = changes.find((change) => change.address === address);
  if (own?.action !== 'create')
    return refused(
      'terraform',
      own === undefined
        ? `${folder} does not declare ${address}.`
        : `${program} would ${own.action} ${address} instead of creating it.`,
      `Correct guests.${guest}.create.address, or the folder.`,
    );
  if (others.length > 0 || outputs.length > 0 || countsOf(creation) !== '1 to create')
    return refused(
      'terraform',
      `${program} would do more in ${folder} than create ${address}: ${countsOf(creation)}${shown(others, outputs)}.`,
      `Bring that in order first: runbook start infra-apply --node ${member}.`,
    );
  const mismatch = mismatchIn(scope, { address, folder, program }, creation);
  if (mismatch !== undefined) return mismatch;
  if (declared !== undefined && declared.target !== member && (declared.target !== '' || needsTarget))
    return refused(
      'terraform',
      declared.target === ''
        ? `${address} has no target, so Incus would choose a member.`
        : `${address} has the target ${declared.target}, and runbook.yaml says ${member}.`,
      `Write target = "${member}" into ${folder}.`,
    );
  if (old !== 'gone' && !inState)
    return refused(
      'terraform',
      `There is a ${guest}, and ${program} does not know it as ${address}.`,
      `Import it first (${program} import), or correct guests.${guest}.create.address.`,
    );
  if (!isWritable)
    return refused(
      'terraform',
      `The state of ${member} has numbers that runbook would not write as they are.`,
      `Make ${guest} anew by hand: docs/vm-recreate.md.`,
    );
  return passed('terraform', `Plan ${shortHash(creation.hash)} creates ${address}, and nothing else`);
}

/** What makes the resource, or what the state has under its address, another guest than that of the fleet file. */
function mismatchIn(
  { guest, project, type }: Parameters<typeof terraformGate>[0],
  { address, folder, program }: Pick<TerraformOrigin, 'address' | 'folder' | 'program'>,
  { declared, known }: PlannedCreation,
): GateOf<'terraform'> | undefined {
  if (declared === undefined) return undefined;
  if (declared.name !== guest)
    return refused(
      'terraform',
      `${address} is called ${JSON.stringify(declared.name)}, not ${guest}.`,
      `Correct guests.${guest}.create.address, or the name in ${folder}.`,
    );
  if (declared.project !== project)
    return refused(
      'terraform',
      `${address} is in the project ${declared.project}, and runbook.yaml says ${project}.`,
      `Correct guests.${guest}.project, or the project in ${folder}.`,
    );
  if (declared.type !== type)
    return refused(
      'terraform',
      `${address} is a ${declared.type}, and runbook.yaml says ${type}.`,
      `Correct guests.${guest}.type, or the type in ${folder}.`,
    );
  if (declared.ephemeral)
    return refused(
      'terraform',
      `${address} is ephemeral: Incus would delete it when it stops.`,
      `Take ephemeral out of ${folder}.`,
    );
  if (known !== undefined && (known.name !== guest || known.project !== project))
    return refused(
      'terraform',
      `${program} knows the instance ${JSON.stringify(known.name)} of project ${known.project} as ${address}, not ${guest}.`,
      `Correct its state first: ${program} state show ${address}.`,
    );
  if (known !== undefined && known.remote !== declared.remote)
    return refused(
      'terraform',
      `${address} was made through the remote ${JSON.stringify(known.remote)}, and the new one would be made through ${JSON.stringify(declared.remote)}.`,
      `Bring that in order first: the remote in ${folder}.`,
    );
  return undefined;
}

const SHOWN = 5;

function shown(others: readonly { action: string; address: string }[], outputs: readonly string[]): string {
  const all = [
    ...others.map(({ action, address }) => `${action} ${address}`),
    ...outputs.map((name) => `output ${name}`),
  ].slice(0, SHOWN);
  return all.length === 0 ? '' : ` (${all.join(', ')})`;
}

const step = (id: string, phase: StepView['phase'], title: string): StepView => ({
  ...{ id, phase, title, state: 'pending' },
});

/** In place of the one step in which Incus itself would create it. */
export const creationSteps = (
  { guest, member }: Pick<RecreateScope, 'guest' | 'member'>,
  { address, program }: TerraformOrigin,
): StepView[] => [
  step('forget', 'install', `${address} out of the state, which is backed up`),
  step('plan-1', 'install', `${program} plan, which has to be the one that was approved`),
  step('apply-1', 'install', `create ${address}`),
  step('create', 'install', `the new ${guest} on ${member}`),
];

export const settleStep = ({ folder, program }: TerraformOrigin): StepView =>
  step('settle', 'verify', `${program} finds ${folder} as it is`);

/** What is said of it where a person decides. */
export function creationWords({ address, folder }: TerraformOrigin, { hash, changes }: PlannedCreation): string {
  const [only] = changes;
  const detail = only === undefined ? '' : detailOf(only);
  return `Plan ${shortHash(hash)} of ${folder} creates it: ${address}${detail === '' ? '' : ` (${detail})`}.`;
}
