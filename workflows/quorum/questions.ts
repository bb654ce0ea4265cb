import type { QuorumPlan } from '../../plan/quorum.ts';
import type { Approval } from '../../plan/run.ts';

type Question = Pick<Approval, 'id' | 'question' | 'consequences'> & { expects: string };

const NO = 'No, or no answer in time: nothing is changed.';

/** What a person has to say, by name: of each member that it is gone, then of the survivor that it shall carry on. */
export function questions(member: string, { gone, stops }: QuorumPlan): Question[] {
  const others = stops.filter((name) => name !== member);
  return [
    ...gone.map((name) => ({
      id: `gone-${name}`,
      question: `Is ${name} gone for good, with its copy of the database?`,
      consequences: [
        `Yes: it never runs again with that copy. Its disk is dead, or is wiped before it is switched on again.`,
        'Lost members that come back as they were can elect a leader of their own, and end the cluster that was carried on.',
        NO,
      ],
      expects: name,
    })),
    {
      id: 'recover',
      question: `Shall ${member} carry the database of the cluster on, alone?`,
      consequences: [
        `Yes: what ${member} has is the database from then on. A change that only lost members had is lost.`,
        'Every record stays: also those of members that are gone, of their instances and volumes.',
        `Incus is stopped meanwhile on ${[member, ...others].join(', ')}; instances run on.`,
        NO,
      ],
      expects: member,
    },
  ];
}
