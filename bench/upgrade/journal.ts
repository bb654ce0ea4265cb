import { Context } from '@temporalio/activity';
import type { Deps } from '../../activities/deps.ts';
import { listenTo } from '../listen.ts';

/** A command that an activity ran. */
export interface Command {
  /** The step: `verify`, `deploy-n1`. */
  step: string;
  activity: string;
  /** `worker`, or the member that it ran on. */
  where: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** The same machines, writing down each command that is run on them. */
export const writeDown = (deps: Deps, commands: Command[]): Deps =>
  listenTo(deps, ({ where, argv, env = {}, reads }) => {
    // What it reads would have to be in the script as well. No step of the measured upgrade gives a command any.
    if (reads) throw new Error(`Expected a command without input, got ${argv.join(' ')}`);
    const { activityId, activityType } = Context.current().info;
    commands.push({ step: activityId, activity: activityType, where, argv, env });
  });
