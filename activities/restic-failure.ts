import type { Host } from '../hosts/host.ts';
import type { ResticProblem } from '../tools/restic-command.ts';
import { failure, toolFailure } from './failure.ts';

export function resticFailure(host: Host, problem: ResticProblem) {
  const what = `restic on ${host.name}`;
  switch (problem.type) {
    case 'unexpected':
      return toolFailure(what, problem);
    case 'locked':
      return failure('Busy', `${what}: ${problem.message}`);
    case 'no repository':
    case 'wrong password':
    case 'bad environment':
      return failure('BadConfig', `${what}: ${problem.message}`);
  }
}
