import { ApplicationFailure } from '@temporalio/common';
import { describeUnknownNode, findNode } from '../fleet/names.ts';
import type { Fleet } from '../fleet/schema.ts';
import { HostError } from '../hosts/host.ts';
import type { Check } from '../plan/checks.ts';
import { FAILURES, isFailureType, type FailureType } from '../plan/failures.ts';
import type { DoctorInput } from '../workflows/messages.ts';
import type { DoctorActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import type { MachineCheck } from './doctor-check.ts';
import { guestChecks } from './doctor-guest.ts';
import { memberChecks } from './doctor-member.ts';
import { checkInfra, checkWorker } from './doctor-worker.ts';
import { failure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';

export function createDoctorActivities(deps: Deps): DoctorActivities {
  return { lookAround: guarded((input, context) => lookAround(deps, input, context)) };
}

async function lookAround(deps: Deps, { fleet: ref, node }: DoctorInput, context: ActivityContext): Promise<Check[]> {
  const worker = await checkWorker(deps, context);
  let fleet: Fleet;
  try {
    fleet = await deps.fleetAt(ref);
  } catch (error) {
    return [...worker, problem('worker', 'fleet file', error)];
  }
  const names = node === undefined ? [...Object.keys(fleet.members), ...Object.keys(fleet.guests)] : [node];
  const infra = fleet.infra === undefined ? [] : [await checkInfra(deps, fleet.infra.program, context)];
  const nodes = await Promise.all(names.map((name) => checkNode(deps, fleet, name, context)));
  return [
    ...worker,
    ...infra,
    { where: 'worker', what: 'fleet file', verdict: 'passed', found: `revision ${ref.revision.slice(0, 7)}` },
    ...nodes.flat(),
  ];
}

/** The first thing that cannot be asked ends the list: what comes after it could not be asked either. */
async function checkNode(deps: Deps, fleet: Fleet, name: string, context: ActivityContext): Promise<Check[]> {
  const checks: Check[] = [];
  try {
    for (const { what, look, remedy } of machineChecks(deps, fleet, name)) {
      try {
        const { last, ...found } = await look(context.signal);
        checks.push({ where: name, what, ...found });
        if (last === true) break;
      } catch (error) {
        if (context.signal.aborted) throw error;
        checks.push(problem(name, what, error, remedy));
        break;
      }
    }
  } catch (error) {
    if (context.signal.aborted) throw error;
    checks.push(problem(name, 'settings', error));
  }
  return checks;
}

function machineChecks(deps: Deps, fleet: Fleet, name: string): MachineCheck[] {
  const found = findNode(fleet, name);
  switch (found.type) {
    case 'member':
      return memberChecks(deps, fleet, name, found.member);
    case 'guest':
      return guestChecks(deps, fleet, name, found.guest);
    case 'unknown':
      throw failure('BadConfig', describeUnknownNode(found, 'runbook.yaml'));
  }
}

/** What the table says is for a run, which tries again by itself; here a person looks. */
const REMEDIES: Partial<Record<FailureType, string>> = {
  Unreachable: 'See whether it is powered on and on the network.',
  Refused: 'Correct the ssh key or the host key; the message says which.',
  NotRun: 'Mend what the message names there: a program that is missing, a full disk.',
};

function problem(where: string, what: string, error: unknown, remedy?: MachineCheck['remedy']): Check {
  const type = error instanceof HostError ? error.type : error instanceof ApplicationFailure ? error.type : undefined;
  const found = error instanceof Error ? error.message : String(error);
  const said = error instanceof HostError ? error.output : '';
  return {
    where,
    what,
    verdict: 'failed',
    found,
    whatToDo:
      remedy?.(said) ??
      (isFailureType(type) ? (REMEDIES[type] ?? FAILURES[type].whatToDo) : 'See the log of the worker.'),
  };
}
