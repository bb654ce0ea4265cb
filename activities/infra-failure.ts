import type { TerraformProblem } from '../tools/terraform-command.ts';
import { failure, toolFailure } from './failure.ts';

/** What Terraform says, as a failure that names the member. */
export function terraformFailure(node: string, problem: TerraformProblem): Error {
  switch (problem.type) {
    case 'unexpected':
      return toolFailure(`Terraform for ${node}`, problem);
    case 'bad environment':
      return failure('BadConfig', `infra.environmentFile: ${problem.message}`);
    case 'failed':
      return failure('TerraformFailed', `Terraform for ${node}: ${problem.message}`);
    case 'locked': {
      const { id, who, operation, created } = problem.lock;
      const by = who === '' ? 'somebody whom the backend does not name' : `${who} (${operation}, since ${created})`;
      return failure('StateLocked', `The state of ${node} is locked by ${by}; the lock's id is ${id}.`);
    }
  }
}
