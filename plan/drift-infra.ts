import { isProblem, unknownRow, type DriftRow, type InfraSeen } from './drift-seen.ts';
import { detailOf, type InfraAttribute, type InfraChange } from './infra.ts';

/** What Terraform would change is what differs. What was changed beside it and is to stay so is none. Pure. */
export function infraRows({ node, plan }: InfraSeen): DriftRow[] {
  if (isProblem(plan)) return [unknownRow(`Terraform of ${node}`, node, plan)];
  const row = (subject: string, declared: string, found: string): DriftRow => ({
    ...{ kind: 'terraform', subject, where: node, declared, found },
    whatToDo: `runbook plan infra-apply --node ${node}`,
  });
  const more = Object.values(plan.more).reduce((sum, number) => sum + number, 0);
  return [
    ...plan.changes.map((change) => {
      const { declared, found } = sides(change);
      const beside = plan.drifted.includes(change.address) ? ' (not by Terraform)' : '';
      return row(change.address, declared, `${found}${beside}`);
    }),
    ...(more === 0 ? [] : [row(`${more} more`, 'as the folder says', 'otherwise')]),
    ...(plan.outputs.length === 0 ? [] : [row('outputs', 'as the folder says', plan.outputs.join(', '))]),
  ];
}

function sides(change: InfraChange): { declared: string; found: string } {
  switch (change.action) {
    case 'create':
      return { declared: 'there', found: 'not there' };
    case 'delete':
    case 'forget':
      return { declared: 'not declared', found: 'there' };
    case 'import':
      return { declared: 'in the state', found: 'there, and not in it' };
    case 'move':
      return { declared: change.address, found: detailOf(change) };
    case 'update':
    case 'replace': {
      const { attributes } = change;
      if (attributes.length === 0) return { declared: `to ${change.action}`, found: detailOf(change) };
      return { declared: attributes.map(wanted).join(', '), found: attributes.map(present).join(', ') };
    }
  }
}

const wanted = ({ name, to, sensitive, unknown }: InfraAttribute): string =>
  `${name} ${sensitive === true ? 'other (sensitive)' : unknown === true ? 'known after apply' : (to ?? 'nothing')}`;

const present = ({ name, from, sensitive }: InfraAttribute): string =>
  `${name} ${sensitive === true ? '(sensitive)' : (from ?? 'nothing')}`;
